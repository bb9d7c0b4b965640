import type { HeaderMap } from '../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks } from '../../contract/http-filter.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { FakeDispatcher } from './fake-context.ts';
import { testStreamInfo } from './stream.ts';

export interface LocalReplyRecord {
  readonly status: number;
  readonly body: string;
  readonly details: string;
  readonly modify: ((headers: HeaderMap) => void) | null;
}

/** What a filter asked of its manager. */
export interface FilterRecord {
  readonly streamInfo: StreamInfo;
  readonly replies: LocalReplyRecord[];
  /** What the filter put in the place of the data of the last call, or null. */
  replaced: Buffer | null;
  bufferLimit: number;
  /** Per-route configurations, least specific first. */
  perFilter: readonly object[];
  readonly callbacks: StreamDecoderFilterCallbacks & StreamEncoderFilterCallbacks;
}

/** Callbacks for a filter under test; members that a test has no use for throw when they are called. */
export function fakeFilterCallbacks(): FilterRecord {
  const streamInfo = testStreamInfo();
  const replies: LocalReplyRecord[] = [];
  const record = { streamInfo, replies, replaced: null as Buffer | null, bufferLimit: 0, perFilter: [] as readonly object[] };
  const known: Partial<StreamDecoderFilterCallbacks> = {
    dispatcher: new FakeDispatcher(),
    streamInfo,
    setBufferLimit: (bytes) => {
      record.bufferLimit = bytes;
    },
    mostSpecificPerFilterConfig: () => record.perFilter.at(-1) ?? null,
    perFilterConfigs: () => record.perFilter,
    replaceData: (data) => {
      record.replaced = Buffer.from(data);
    },
    sendLocalReply: (status, body, modify, _grpcStatus, details) => {
      replies.push({ status, body, modify, details });
    },
  };
  const callbacks = new Proxy(known, {
    get(target, name): unknown {
      if (name in target) return Reflect.get(target, name) as unknown;
      throw new Error(`this test has no callback ${String(name)}`);
    },
  }) as StreamDecoderFilterCallbacks & StreamEncoderFilterCallbacks;
  return Object.assign(record, { callbacks });
}
