import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrematureResets } from './premature-resets.ts';
import { TestRuntime } from './testing/proxy.ts';

function reset(guard: PrematureResets, count: number): void {
  for (let i = 0; i < count; i++) guard.onStreamClosed(0, 10);
}

test('half of the limit are too many, however few streams there were', () => {
  const guard = new PrematureResets(new TestRuntime());
  reset(guard, 249);
  assert.equal(guard.tooMany, false);
  reset(guard, 1);
  assert.equal(guard.tooMany, true);
});

test('above the limit half of all streams count', () => {
  const guard = new PrematureResets(new TestRuntime());
  for (let i = 0; i < 1_000; i++) guard.onStreamClosed(200, 10);
  reset(guard, 999);
  assert.equal(guard.tooMany, false);
  reset(guard, 1);
  assert.equal(guard.tooMany, true);
});

test('a stream that lived longer, or was answered, is no premature reset', () => {
  const guard = new PrematureResets(new TestRuntime());
  for (let i = 0; i < 500; i++) guard.onStreamClosed(0, 2_000);
  assert.equal(guard.tooMany, false);
  for (let i = 0; i < 500; i++) guard.onStreamClosed(0, 1_999);
  assert.equal(guard.tooMany, true);
});

test('runtime moves both limits', () => {
  const runtime = new TestRuntime();
  runtime.values.set('overload.premature_reset_total_stream_count', 4);
  runtime.values.set('overload.premature_reset_min_stream_lifetime_seconds', 9);
  const guard = new PrematureResets(runtime);
  guard.onStreamClosed(0, 9_999);
  assert.equal(guard.tooMany, false);
  guard.onStreamClosed(0, 9_999);
  assert.equal(guard.tooMany, true);
});
