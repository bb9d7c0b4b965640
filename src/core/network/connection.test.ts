import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { VirtualClock } from '../../base/clock.ts';
import { SeededRandom } from '../../base/random.ts';
import type { CloseType, Connection, ConnectionCallbacks, ReadFilter, ReadFilterCallbacks } from '../../contract/network.ts';
import {
  CLOSE_ABORT_RESET,
  CLOSE_FLUSH_WRITE,
  CLOSE_FLUSH_WRITE_AND_DELAY,
  CLOSE_NO_FLUSH,
  STATE_CLOSED,
  STATE_CLOSING,
} from '../../contract/network.ts';
import { ThreadDispatcher } from '../dispatcher/dispatcher.ts';
import { ipAddress, pipeAddress } from './address.ts';
import { NetworkConnection } from './connection.ts';
import { MemoryTransport } from './io/memory-backend.ts';

const clock = new VirtualClock();
let dispatcher: ThreadDispatcher;
let transport: MemoryTransport;
let connection: NetworkConnection;
let log: string[];

function make(connecting: boolean): void {
  dispatcher = new ThreadDispatcher({ name: 'test', clock, random: new SeededRandom(1), waker: null, scheduler: { soon: () => {} } });
  transport = new MemoryTransport(dispatcher);
  log = [];
  connection = new NetworkConnection({
    dispatcher,
    transport,
    remoteAddress: ipAddress('192.0.2.1', 80),
    localAddress: ipAddress('192.0.2.2', 81),
    connecting,
  });
  const callbacks: ConnectionCallbacks = {
    onEvent: (event) => log.push(['connected', 'remote close', 'local close'][event]),
    onAboveWriteBufferHighWatermark: () => log.push('above'),
    onBelowWriteBufferLowWatermark: () => log.push('below'),
  };
  connection.addConnectionCallbacks(callbacks);
}

class Filter implements ReadFilter {
  callbacks: ReadFilterCallbacks | null = null;
  readonly name: string;
  greeting: 0 | 1 = 0;
  verdict: 0 | 1 = 0;

  constructor(name: string) {
    this.name = name;
  }

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.callbacks = callbacks;
  }

  onNewConnection(): 0 | 1 {
    log.push(`${this.name}: new`);
    return this.greeting;
  }

  onData(data: Buffer, endStream: boolean): 0 | 1 {
    log.push(`${this.name}: '${data.toString('latin1')}'${endStream ? ' end' : ''}`);
    return this.verdict;
  }
}

function turn(run: () => void): void {
  dispatcher.runInTurn(run, undefined);
}

function advance(ms: number): void {
  clock.set(clock.now() + ms);
  dispatcher.runTimers();
}

beforeEach(() => make(false));

test('what one turn writes leaves in one batch', () => {
  connection.start();
  turn(() => {
    connection.write('a', false);
    connection.write(Buffer.from('b'), false);
    assert.deepEqual(transport.batches, []);
    assert.equal(connection.pendingWriteBytes, 2);
    connection.write('c', false);
  });
  assert.deepEqual(transport.batches, ['abc']);
});

test('flush sends at once', () => {
  connection.start();
  turn(() => {
    connection.write('a', false);
    connection.flush();
    assert.deepEqual(transport.batches, ['a']);
  });
  assert.deepEqual(transport.batches, ['a']);
});

test('watermarks: above the limit, and at half of it', () => {
  connection.setBufferLimit(10);
  connection.start();
  transport.room = 0;
  turn(() => connection.write('x'.repeat(10), false));
  assert.deepEqual(log, []);
  turn(() => connection.write('y', false));
  assert.deepEqual(log, ['above']);
  transport.drain(5);
  assert.deepEqual(log, ['above']);
  transport.drain(1);
  assert.deepEqual(log, ['above', 'below']);
});

test('readDisable nests', () => {
  connection.start();
  assert.equal(transport.reading, true);
  connection.readDisable(true);
  connection.readDisable(true);
  assert.equal(transport.reading, false);
  connection.readDisable(false);
  assert.equal(transport.reading, false);
  connection.readDisable(false);
  assert.equal(transport.reading, true);
});

test('filters: greeted in order, a stop holds the ones behind, continueReading goes on', () => {
  const [first, second] = [new Filter('1'), new Filter('2')];
  first.greeting = 1;
  connection.addReadFilter(first);
  connection.addReadFilter(second);
  connection.start();
  assert.deepEqual(log, ['1: new']);
  first.verdict = 1;
  transport.receive('kept');
  assert.deepEqual(log, ['1: new', "1: 'kept'"]);
  turn(() => {
    first.callbacks?.continueReading();
    first.callbacks?.injectReadDataToFilterChain(Buffer.from('kept'), false);
  });
  assert.deepEqual(log.slice(2), ['2: new', "2: 'kept'"]);
});

test('write filters run last to first and may hold', () => {
  let hold = false;
  for (const name of ['1', '2']) {
    connection.addWriteFilter({
      onWrite: (data) => {
        log.push(`${name}: ${data.length}`);
        return hold && name === '2' ? 1 : 0;
      },
    });
  }
  connection.start();
  turn(() => connection.write('abc', false));
  hold = true;
  turn(() => connection.write('d', false));
  assert.deepEqual(log, ['2: 3', '1: 3', '2: 1']);
  assert.equal(transport.written, 'abc');
});

test('the peer closes: without half close the connection is gone', () => {
  const filter = new Filter('1');
  connection.addReadFilter(filter);
  connection.start();
  transport.end();
  assert.deepEqual(log, ['1: new', 'remote close']);
  assert.equal(connection.state, STATE_CLOSED);
  assert.equal(transport.closed, 'closed');
});

test('half close: the end is passed on, and both ends close', () => {
  const filter = new Filter('1');
  connection.addReadFilter(filter);
  connection.enableHalfClose(true);
  connection.start();
  transport.end();
  assert.deepEqual(log, ['1: new', "1: '' end"]);
  turn(() => connection.write('last', true));
  assert.equal(transport.written, 'last');
  assert.equal(transport.shutdownSeen, true);
  assert.deepEqual(log.slice(2), ['local close']);
});

test('half close by us first: the peer ends it', () => {
  connection.addReadFilter(new Filter('1'));
  connection.enableHalfClose(true);
  connection.start();
  turn(() => connection.write('', true));
  assert.equal(transport.shutdownSeen, true);
  transport.end();
  assert.deepEqual(log.slice(-1), ['remote close']);
});

test('close FLUSH_WRITE waits for the kernel', () => {
  connection.start();
  transport.room = 1;
  turn(() => {
    connection.write('abc', false);
    connection.close(CLOSE_FLUSH_WRITE, 'why');
    assert.equal(connection.state, STATE_CLOSING);
    connection.write('ignored', false);
  });
  assert.equal(connection.state, STATE_CLOSING);
  assert.deepEqual(log, []);
  transport.drain();
  assert.deepEqual(log, ['local close']);
  assert.equal(connection.localCloseReason, 'why');
  assert.equal(transport.written, 'abc');
});

test('close FLUSH_WRITE with nothing to flush closes at once', () => {
  connection.start();
  turn(() => {
    connection.close(CLOSE_FLUSH_WRITE, '');
    assert.deepEqual(log, ['local close']);
  });
});

test('delayed close: sends nothing more, waits for the peer', () => {
  connection.setDelayedCloseTimeout(1_000);
  connection.start();
  turn(() => {
    connection.write('bye', false);
    connection.close(CLOSE_FLUSH_WRITE_AND_DELAY, '');
  });
  assert.equal(transport.written, 'bye');
  assert.equal(transport.shutdownSeen, false);
  transport.receive('dropped');
  assert.equal(connection.state, STATE_CLOSING);
  transport.end();
  assert.deepEqual(log, ['remote close']);
  assert.equal(dispatcher.armedTimers, 0);
});

test('delayed close: the timeout ends it, and counts from the last progress', () => {
  connection.setDelayedCloseTimeout(1_000);
  connection.start();
  transport.room = 0;
  turn(() => {
    connection.write('bye', false);
    connection.close(CLOSE_FLUSH_WRITE_AND_DELAY, '');
  });
  advance(900);
  transport.drain();
  advance(900);
  assert.deepEqual(log, []);
  advance(200);
  assert.deepEqual(log, ['local close']);
  assert.equal(connection.localCloseReason, 'triggered_delayed_close_timeout');
});

for (const [type, name, seen] of [
  [CLOSE_NO_FLUSH, 'NO_FLUSH', 'closed'],
  [CLOSE_ABORT_RESET, 'ABORT_RESET', 'reset'],
] as readonly (readonly [CloseType, string, string])[]) {
  test(`close ${name} is at once, and nothing is called afterwards`, () => {
    connection.start();
    transport.room = 0;
    turn(() => connection.write('x'.repeat(2_000_000), false));
    turn(() => connection.close(type, ''));
    assert.deepEqual(log, ['above', 'local close']);
    assert.equal(transport.closed, seen);
    connection.close(CLOSE_NO_FLUSH, '');
    connection.readDisable(true);
    turn(() => connection.write('late', false));
    assert.equal(log.length, 2);
  });
}

test('a write error is a close by the peer', () => {
  connection.start();
  transport.writeError = -32;
  turn(() => connection.write('x', false));
  assert.deepEqual(log, ['remote close']);
});

test('closing inside onData stops the filters behind', () => {
  const first = new Filter('1');
  connection.addReadFilter(first);
  connection.addReadFilter(new Filter('2'));
  first.onData = () => {
    connection.close(CLOSE_NO_FLUSH, '');
    return 0;
  };
  connection.start();
  transport.receive('x');
  assert.deepEqual(log, ['1: new', '2: new', 'local close']);
});

test('callbacks that leave are not called', () => {
  const gone: ConnectionCallbacks = {
    onEvent: () => log.push('gone'),
    onAboveWriteBufferHighWatermark: () => {},
    onBelowWriteBufferLowWatermark: () => {},
  };
  connection.addConnectionCallbacks(gone);
  connection.removeConnectionCallbacks(gone);
  connection.start();
  transport.end();
  assert.deepEqual(log, ['remote close']);
});

test('clients: connected, then what was written before leaves, copied', () => {
  make(true);
  connection.start();
  const bytes = Buffer.from('early');
  turn(() => connection.write(bytes, false));
  bytes.fill(0);
  assert.deepEqual(transport.batches, []);
  transport.connected();
  assert.deepEqual(log, ['connected']);
  assert.equal(transport.written, 'early');
  assert.equal(connection.localAddress.text, '192.0.2.254:40000');
  assert.equal(transport.reading, true);
});

test('clients: a refused connect has its text', () => {
  make(true);
  transport.refused();
  assert.deepEqual(log, ['remote close']);
  assert.equal(connection.transportFailureReason, 'delayed connect error: Connection refused');
});

test('clients: a unix socket fails at once, as Envoy words it', () => {
  make(true);
  connection = new NetworkConnection({
    dispatcher,
    transport,
    remoteAddress: pipeAddress('/run/none'),
    localAddress: pipeAddress(''),
    connecting: true,
  });
  transport.fail(2);
  assert.equal(connection.transportFailureReason, 'immediate connect error: No such file or directory|remote address:/run/none');
});

test('statistics count what was read and what the kernel took', () => {
  const numbers = { read: 0, written: 0, buffered: 0 };
  const counter = (key: 'read' | 'written'): { name: string; value: number; inc: () => void; add: (n: number) => void } => ({
    name: key,
    value: 0,
    inc: () => {},
    add: (n) => (numbers[key] += n),
  });
  const gauge = { name: 'b', value: 0, inc: () => {}, dec: () => {}, set: () => {}, add: (n: number) => (numbers.buffered += n), sub: (n: number) => (numbers.buffered -= n) };
  connection.setConnectionStats({ readTotal: counter('read'), readCurrent: gauge, writeTotal: counter('written'), writeCurrent: gauge, bindErrors: null, delayedCloseTimeouts: null });
  connection.start();
  transport.receive('12345');
  transport.room = 3;
  turn(() => connection.write('abcdefg', false));
  assert.deepEqual(numbers, { read: 5, written: 3, buffered: 4 });
  transport.drain(2);
  assert.deepEqual(numbers, { read: 5, written: 5, buffered: 2 });
  const open: Connection = connection;
  turn(() => open.close(CLOSE_NO_FLUSH, ''));
  assert.equal(numbers.buffered, 0);
});

test('gathered output: small turns leave in one batch at the end of the loop', () => {
  make(false);
  connection.start();
  connection.gatherOutput(true);
  dispatcher.runInTurn(() => connection.write('a', false), undefined);
  dispatcher.runInTurn(() => connection.write('b', false), undefined);
  assert.deepEqual([transport.batches, connection.pendingWriteBytes], [[], 2]);
  dispatcher.runPosted();
  assert.deepEqual(transport.batches, ['ab']);
  dispatcher.runPosted();
  assert.deepEqual(transport.batches, ['ab']);
});

test('gathered output: a large turn, much in all, and flush go at once, with what was held', () => {
  for (const [write, count] of [['x'.repeat(8_192), 1], ['x'.repeat(8_000), 9], ['flush', 1]] as const) {
    make(false);
    connection.start();
    connection.gatherOutput(true);
    dispatcher.runInTurn(() => connection.write('first', false), undefined);
    for (let i = 0; i < count; i++) dispatcher.runInTurn(() => connection.write(write, false), undefined);
    if (write === 'flush') connection.flush();
    assert.equal(transport.batches.length, 1, write.slice(0, 5));
    assert.ok(transport.written.startsWith(`first${write}`));
  }
});

test('gathered output: whoever closes or ends does not wait', () => {
  for (const end of [(): void => connection.close(CLOSE_FLUSH_WRITE, 'x'), (): void => connection.write('', true)]) {
    make(false);
    connection.start();
    connection.gatherOutput(true);
    dispatcher.runInTurn(() => connection.write('a', false), undefined);
    dispatcher.runInTurn(end, undefined);
    assert.deepEqual(transport.batches, ['a']);
    dispatcher.runPosted();
    assert.deepEqual(transport.batches, ['a']);
  }
});
