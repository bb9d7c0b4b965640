import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeDispatcher, FakeScope } from '../common/testing/fake-context.ts';
import { Watchdog } from './watchdog.ts';

test('stalls of the loop are counted when they are over, by length', () => {
  const dispatcher = new FakeDispatcher();
  const root = new FakeScope();
  const watchdog = new Watchdog(dispatcher, root, 'workers', 200, 1_000);
  const counts = (): number[] => ['workers.watchdog_miss', 'server.worker_0.watchdog_miss', 'workers.watchdog_mega_miss'].map((name) => root.value(name));
  for (let i = 0; i < 20; i++) dispatcher.advance(100);
  assert.deepEqual(counts(), [0, 0, 0]);
  dispatcher.advance(500);
  assert.deepEqual(counts(), [1, 1, 0]);
  dispatcher.advance(2_000);
  assert.deepEqual(counts(), [2, 2, 1]);
  watchdog.dispose();
  assert.equal(dispatcher.armedTimers, 0);
});

test('a limit of zero is off', () => {
  const dispatcher = new FakeDispatcher();
  const root = new FakeScope();
  const watchdog = new Watchdog(dispatcher, root, 'main_thread', 0, 0);
  assert.equal(dispatcher.armedTimers, 0);
  watchdog.dispose();
});
