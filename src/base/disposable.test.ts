import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DisposableStore } from './disposable.ts';

test('what a store owns is disposed once, last come first', () => {
  const order: string[] = [];
  const store = new DisposableStore();
  for (const name of ['a', 'b', 'c']) store.add({ dispose: () => order.push(name) });
  store.dispose();
  store.dispose();
  assert.deepEqual(order, ['c', 'b', 'a']);
});

test('what comes too late is disposed at once', () => {
  const store = new DisposableStore();
  store.dispose();
  let disposed = 0;
  store.add({ dispose: () => disposed++ });
  assert.equal(disposed, 1);
});
