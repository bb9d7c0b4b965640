import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock, systemClock } from './clock.ts';

test('a virtual clock stands still until it is moved; both its faces move together', () => {
  const clock = new VirtualClock(100, 1_000_000);
  assert.deepEqual([clock.now(), clock.wall()], [100, 1_000_000]);
  clock.set(350);
  assert.deepEqual([clock.now(), clock.wall()], [350, 1_000_250]);
});

test('the system clock never goes back, and its wall face agrees with Date', () => {
  let last = systemClock.now();
  for (let i = 0; i < 1_000; i++) {
    const now = systemClock.now();
    assert.ok(now >= last);
    last = now;
  }
  const before = Date.now();
  const wall = systemClock.wall();
  const after = Date.now();
  assert.ok(wall > before - 5 && wall < after + 5, `${before} ${wall} ${after}`);
});
