import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Connection, ConnectionCallbacks, ReadFilterCallbacks } from '../../../../contract/network.ts';
import { EchoFilter } from './filter.ts';

let log: string[];
let callbacks: ConnectionCallbacks | null;
let filter: EchoFilter;

beforeEach(() => {
  log = [];
  callbacks = null;
  const connection: Partial<Connection> = {
    enableHalfClose: (on) => log.push(`half close ${on}`),
    addConnectionCallbacks: (given) => {
      callbacks = given;
    },
    write: (data, endStream) => log.push(`write '${data.toString()}' ${endStream}`),
    readDisable: (on) => log.push(`readDisable ${on}`),
  };
  filter = new EchoFilter();
  const given: Partial<ReadFilterCallbacks> = { connection: connection as Connection };
  filter.initializeReadFilterCallbacks(given as ReadFilterCallbacks);
});

test('what comes goes back, and so does the end', () => {
  assert.equal(filter.onNewConnection(), 0);
  assert.equal(filter.onData(Buffer.from('hi'), false), 1);
  assert.equal(filter.onData(Buffer.alloc(0), true), 1);
  assert.deepEqual(log, ['half close true', "write 'hi' false", "write '' true"]);
});

test('a client that does not read is not read', () => {
  callbacks?.onAboveWriteBufferHighWatermark();
  callbacks?.onBelowWriteBufferLowWatermark();
  assert.deepEqual(log.slice(1), ['readDisable true', 'readDisable false']);
});
