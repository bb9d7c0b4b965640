import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import type { AccessLogFactory, FactoryContext, NetworkFilterFactory } from '../../contract/extension.ts';
import type { ListenerFilter, ListenerFilterBuffer, ListenerFilterCallbacks, ListenerFilterFactory, ListenerFilterStatus } from '../../contract/listener-filter.ts';
import { LISTENER_FILTER_CONTINUE, LISTENER_FILTER_STOP_ITERATION } from '../../contract/listener-filter.ts';
import { CLOSE_NO_FLUSH } from '../../contract/network.ts';
import type { Connection } from '../../contract/network.ts';
import { ThreadRuntime } from '../runtime/loader.ts';
import { parseMessage, TestThread } from '../upstream/test-support.ts';
import { ActiveListener } from './active-listener.ts';
import { ipAddress } from './address.ts';
import type { MemoryTransport } from './io/memory-backend.ts';
import { buildListener } from './listener-config.ts';

let thread: TestThread;
let log: string[];
let connection: Connection | null;
/** The network filter pauses reading as it is greeted. */
let pauses: boolean;
/** Of each listener filter that was made, by the order of creation. */
let filters: Scripted[];
let script: Partial<Scripted>[];
beforeEach(() => {
  thread = new TestThread();
  log = [];
  connection = null;
  pauses = false;
  filters = [];
  script = [];
});
afterEach(() => thread.dispose());

/** Wants `need` bytes, drains `drains` of them, then says what it is told. */
class Scripted implements ListenerFilter {
  need = 0;
  grows = 0;
  drains = 0;
  closes = false;
  async = false;
  callbacks: ListenerFilterCallbacks | null = null;
  readonly name: string;

  constructor(name: string, part: Partial<Scripted>) {
    this.name = name;
    Object.assign(this, part);
  }

  get maxReadBytes(): number {
    return this.need;
  }

  onAccept(callbacks: ListenerFilterCallbacks): ListenerFilterStatus {
    this.callbacks = callbacks;
    log.push(`${this.name} accept`);
    if (this.need === 0 && this.closes) callbacks.close();
    return this.need > 0 || this.async || this.closes ? LISTENER_FILTER_STOP_ITERATION : LISTENER_FILTER_CONTINUE;
  }

  onData(buffer: ListenerFilterBuffer): ListenerFilterStatus {
    log.push(`${this.name} '${buffer.bytes.toString()}'`);
    if (buffer.bytes.length < this.need) return LISTENER_FILTER_STOP_ITERATION;
    if (this.grows > this.need) {
      this.need = this.grows;
      return LISTENER_FILTER_STOP_ITERATION;
    }
    buffer.drain(this.drains);
    if (!this.closes) return LISTENER_FILTER_CONTINUE;
    this.callbacks?.close();
    return LISTENER_FILTER_STOP_ITERATION;
  }

  onClose(): void {
    log.push(`${this.name} closed`);
  }
}

const listenerFilter: ListenerFilterFactory = {
  name: 'test', category: 'envoy.filters.listener', configTypes: [], status: 'works',
  create: () => {
    const part = script.shift() ?? {};
    return () => {
      const filter = new Scripted(`f${filters.length}`, part);
      filters.push(filter);
      return filter;
    };
  },
};

const networkFilter: NetworkFilterFactory = {
  name: 'envoy.filters.network.echo', category: 'envoy.filters.network', configTypes: [], status: 'works', terminal: true,
  create: () => (made) => {
    connection = made;
    made.addReadFilter({
      initializeReadFilterCallbacks: () => {},
      onNewConnection: () => {
        log.push(`connection ${made.streamInfo.filterChainName} from ${made.remoteAddress.text}`);
        if (pauses) made.readDisable(true);
        return 0;
      },
      onData: (data) => {
        log.push(`data '${data.toString()}'`);
        return 1;
      },
    });
  },
};

const accessLog: AccessLogFactory = {
  name: 'test', category: 'envoy.access_loggers', configTypes: [], status: 'works',
  create: () => ({ log: ({ streamInfo }) => log.push(`log ${streamInfo.responseFlags}`) }),
};

const INSPECTOR = "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}";
const ECHO = "{name: e, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}";
const LOG = "access_log: [{name: l, typed_config: {'@type': type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}]";

/** Starts a listener with one filter for each part and a client of it. */
async function accept(parts: Partial<Scripted>[], more = '', filterExtra: readonly string[] = []): Promise<[ActiveListener, MemoryTransport]> {
  script = parts;
  const list = parts.map((_part, i) => `{name: f, ${INSPECTOR}${filterExtra[i] ?? ''}}`).join(', ');
  const context: FactoryContext = {
    ...thread.context,
    runtime: new ThreadRuntime([]),
    registry: { ...thread.context.registry, networkFilter: () => networkFilter, accessLog: () => accessLog, find: () => listenerFilter },
  };
  const yaml = `{name: l, address: {socket_address: {address: 192.0.2.1, port_value: 80}}, listener_filters: [${list}],
    filter_chains: [{name: c, filters: [${ECHO}]}], ${LOG}${more}}`;
  const listener = new ActiveListener(buildListener(parseMessage<Listener>('envoy.config.listener.v3.Listener', yaml), context));
  await listener.start();
  return [listener, thread.io.accept(ipAddress('192.0.2.9', 1))];
}

function stat(name: string): number {
  return thread.stat(`listener.192.0.2.1_80.${name}`);
}

test('filters one after another; each sees what is left, the connection the rest', async () => {
  const [, peer] = await accept([{}, { need: 4, drains: 2 }, { need: 3 }]);
  assert.equal(peer.reading, true);
  assert.equal(stat('downstream_pre_cx_active'), 1);
  peer.receive('ab');
  peer.receive('cdef');
  assert.deepEqual(log, ["f0 accept", "f1 accept", "f1 'ab'", "f1 'abcd'", "f2 accept", "f2 'cde'", 'connection c from 192.0.2.9:1', "data 'cdef'"]);
  peer.receive('g');
  assert.equal(log.at(-1), "data 'g'");
  assert.deepEqual([stat('downstream_pre_cx_active'), stat('downstream_cx_active')], [0, 1]);
});

test('a filter that wants more sees it from the first byte', async () => {
  const [, peer] = await accept([{ need: 2, grows: 4 }]);
  peer.receive('abc');
  peer.receive('d');
  assert.deepEqual(log.slice(1), ["f0 'ab'", "f0 'abc'", "f0 'abcd'", 'connection c from 192.0.2.9:1', "data 'abcd'"]);
});

test('what was peeked waits while the connection does not read', async () => {
  pauses = true;
  const [, peer] = await accept([{ need: 1 }]);
  peer.receive('abc');
  assert.equal(log.at(-1), 'connection c from 192.0.2.9:1');
  assert.equal(peer.reading, false);
  thread.dispatcher.runInTurn(() => connection?.readDisable(false), undefined);
  thread.dispatcher.runPosted();
  assert.equal(log.at(-1), "data 'abc'");
  assert.equal(peer.reading, true);
});

test('a filter waits for something else and goes on, or refuses', async () => {
  const [listener, peer] = await accept([{ async: true }]);
  peer.receive('early');
  assert.deepEqual(log, ['f0 accept']);
  filters[0].callbacks?.continueFilterChain(true);
  assert.match(log[1], /^connection/);
  const second = thread.io.accept(ipAddress('192.0.2.9', 2));
  filters[1].callbacks?.continueFilterChain(false);
  assert.equal(second.closed, 'closed');
  assert.equal(listener.connectionCount, 1);
  filters[1].callbacks?.continueFilterChain(true);
  assert.equal(listener.connectionCount, 1);
});

test('a filter closes: in onAccept, in onData', async () => {
  const [listener, peer] = await accept([{ closes: true }]);
  assert.equal(peer.closed, 'closed');
  assert.deepEqual(log, ['f0 accept', 'log 0']);
  assert.equal(listener.connectionCount, 0);
  listener.stopListening();
  const [, other] = await accept([{ need: 1, closes: true }]);
  other.receive('x');
  assert.equal(other.closed, 'closed');
  assert.deepEqual([stat('downstream_cx_total'), stat('downstream_pre_cx_active')], [0, 0]);
  assert.equal(thread.sharedCells.cell('listener.l.connections').load(), 0);
});

test('the client goes away meanwhile', async () => {
  const [, peer] = await accept([{ need: 9 }]);
  peer.receive('x');
  peer.end();
  assert.deepEqual(log.slice(2), ['f0 closed', 'log 0']);
  assert.equal(stat('downstream_listener_filter_remote_close'), 1);
  const reset = thread.io.accept(ipAddress('192.0.2.9', 2));
  reset.fail(104);
  assert.equal(stat('downstream_listener_filter_error'), 1);
  assert.equal(stat('downstream_pre_cx_active'), 0);
});

test('filters that take too long: closed, or passed by', async () => {
  const [listener, peer] = await accept([{ need: 9 }], ', listener_filters_timeout: 2s');
  thread.advance(1_999);
  assert.equal(peer.closed, 'no');
  thread.advance(2);
  assert.equal(peer.closed, 'closed');
  assert.equal(stat('downstream_pre_cx_timeout'), 1);
  listener.stopListening();
  log.length = 0;
  const [, other] = await accept([{ need: 9 }, { need: 9 }], ', continue_on_listener_filters_timeout: true');
  other.receive('abc');
  thread.advance(15_001);
  assert.deepEqual(log.slice(2), ['connection c from 192.0.2.9:1', "data 'abc'"]);
  assert.equal(stat('downstream_pre_cx_timeout'), 2);
});

test('a timeout of 0 is none; the end of the listener closes who waits', async () => {
  const [listener, peer] = await accept([{ need: 9 }], ', listener_filters_timeout: 0s');
  thread.advance(60_000);
  assert.equal(peer.closed, 'no');
  listener.closeConnections(CLOSE_NO_FLUSH, 'end');
  assert.equal(peer.closed, 'closed');
  assert.equal(stat('downstream_pre_cx_active'), 0);
});

test('filter_disabled by the destination port', async () => {
  const range = (start: number, end: number): string => `destination_port_range: {start: ${start}, end: ${end}}`;
  const off = [
    `, filter_disabled: {${range(80, 81)}}`,
    `, filter_disabled: {${range(79, 80)}}`,
    ', filter_disabled: {any_match: true}',
    `, filter_disabled: {not_match: {${range(80, 81)}}}`,
    `, filter_disabled: {and_match: {rules: [{${range(80, 81)}}, {${range(1, 2)}}]}}`,
    `, filter_disabled: {or_match: {rules: [{${range(80, 81)}}, {${range(1, 2)}}]}}`,
  ];
  await accept([{}, {}, {}, {}, {}, {}], '', off);
  assert.deepEqual(filters.length, 3);
});
