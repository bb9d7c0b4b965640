import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { CloseType, Connection, ConnectionCallbacks, ReadFilter, ReadFilterCallbacks, SslConnectionInfo } from '../../contract/network.ts';
import { EVENT_LOCAL_CLOSE, EVENT_REMOTE_CLOSE, STATE_CLOSED, STATE_OPEN } from '../../contract/network.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { testStreamInfo } from './stream.ts';

/** A server's connection for tests of network filters: it remembers how it was closed. */
export interface FakeConnection {
  readonly connection: Connection;
  readonly streamInfo: StreamInfo;
  /** `2 reason` (the close type is a number), or `remote`; empty while open. */
  readonly closed: string;
  /** How often reading is disabled. */
  readonly readDisables: number;
  /** Puts a filter on the connection and greets it. */
  readonly start: (filter: ReadFilter) => NetworkFilterStatus;
  remoteClose(): void;
}

export function fakeConnection(dispatcher: Dispatcher, ssl: SslConnectionInfo | null = null): FakeConnection {
  const streamInfo = testStreamInfo();
  streamInfo.downstreamSsl = ssl;
  const callbacks: ConnectionCallbacks[] = [];
  const record = { closed: '', readDisables: 0 };
  const end = (how: string, event: typeof EVENT_LOCAL_CLOSE | typeof EVENT_REMOTE_CLOSE): void => {
    if (record.closed !== '') return;
    record.closed = how;
    for (const each of callbacks) each.onEvent(event);
  };
  const known: Partial<Connection> = {
    dispatcher,
    streamInfo,
    ssl,
    remoteAddress: streamInfo.downstreamRemoteAddress,
    localAddress: streamInfo.downstreamLocalAddress,
    get state() {
      return record.closed === '' ? STATE_OPEN : STATE_CLOSED;
    },
    addConnectionCallbacks: (given) => void callbacks.push(given),
    readDisable: (on) => void (record.readDisables += on ? 1 : -1),
    close: (type: CloseType, reason) => end(`${type} ${reason}`, EVENT_LOCAL_CLOSE),
  };
  const connection = new Proxy(known, {
    get(target, name): unknown {
      if (name in target) return Reflect.get(target, name) as unknown;
      throw new Error(`this test's connection has no ${String(name)}`);
    },
  }) as Connection;
  const filterCallbacks: ReadFilterCallbacks = { connection, continueReading: () => undefined, injectReadDataToFilterChain: () => undefined };
  return {
    connection,
    streamInfo,
    get closed() {
      return record.closed;
    },
    get readDisables() {
      return record.readDisables;
    },
    start(filter) {
      filter.initializeReadFilterCallbacks(filterCallbacks);
      return filter.onNewConnection();
    },
    remoteClose: () => end('remote', EVENT_REMOTE_CLOSE),
  };
}
