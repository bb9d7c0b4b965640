import { HeaderMap } from '../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks } from '../../contract/http-filter.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import { FakeDispatcher } from './fake-context.ts';
import type { FakeScope } from './fake-context.ts';
import { testStreamInfo } from './stream.ts';

export interface LocalReplyRecord {
  readonly status: number;
  readonly body: string;
  readonly details: string;
  readonly modify: ((headers: HeaderMap) => void) | null;
  readonly grpcStatus: number;
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
  /** Cluster of the route. */
  cluster: ClusterInfo | null;
  /** What decodingBuffer and encodingBuffer give. */
  held: Buffer | null;
  /** What was given to addDecodedData and addEncodedData, in order. */
  readonly added: string[];
  /** Trailers made by addEncodedTrailers. */
  addedTrailers: HeaderMap | null;
  routeCacheCleared: number;
  readonly callbacks: StreamDecoderFilterCallbacks & StreamEncoderFilterCallbacks;
}

/** Callbacks for a filter under test; members that a test has no use for throw when they are called. */
export function fakeFilterCallbacks(): FilterRecord {
  const streamInfo = testStreamInfo();
  const replies: LocalReplyRecord[] = [];
  const record = {
    streamInfo, replies, replaced: null as Buffer | null, bufferLimit: 0, perFilter: [] as readonly object[],
    cluster: null as ClusterInfo | null, held: null as Buffer | null, added: [] as string[], addedTrailers: null as HeaderMap | null, routeCacheCleared: 0,
  };
  const known: Partial<StreamDecoderFilterCallbacks & StreamEncoderFilterCallbacks> = {
    dispatcher: new FakeDispatcher(),
    streamInfo,
    setBufferLimit: (bytes) => {
      record.bufferLimit = bytes;
    },
    mostSpecificPerFilterConfig: () => record.perFilter.at(-1) ?? null,
    perFilterConfigs: () => record.perFilter,
    clusterInfo: () => record.cluster,
    decodingBuffer: () => record.held,
    encodingBuffer: () => record.held,
    clearRouteCache: () => {
      record.routeCacheCleared++;
    },
    addDecodedData: (data) => {
      record.added.push(Buffer.from(data).toString('latin1'));
    },
    addEncodedData: (data) => {
      record.added.push(Buffer.from(data).toString('latin1'));
    },
    addEncodedTrailers: () => (record.addedTrailers ??= new HeaderMap()),
    get bufferLimit() {
      return record.bufferLimit;
    },
    replaceData: (data) => {
      record.replaced = Buffer.from(data);
    },
    sendLocalReply: (status, body, modify, grpcStatus, details) => {
      replies.push({ status, body, modify, grpcStatus, details });
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

/** A cluster of which only the name and the statistics are looked at. */
export function fakeCluster(name: string, root: FakeScope): ClusterInfo {
  const known = { name, stats: { scope: root.scope(`cluster.${name}`) } };
  return new Proxy(known, {
    get(target, key): unknown {
      if (key in target) return Reflect.get(target, key) as unknown;
      throw new Error(`this test's cluster has no ${String(key)}`);
    },
  }) as unknown as ClusterInfo;
}
