import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { FakeDispatcher } from '../testing/fake-context.ts';
import { FakeSharedCells } from '../testing/fake-shared-cells.ts';
import { TokenBucket } from './token-bucket.ts';

let cells: FakeSharedCells;
let dispatcher: FakeDispatcher;

beforeEach(() => {
  cells = new FakeSharedCells();
  dispatcher = new FakeDispatcher();
});

function bucket(maxTokens: number, tokensPerFill: number, fillIntervalMs: number): TokenBucket {
  return new TokenBucket({ maxTokens, tokensPerFill, fillIntervalMs }, cells, 'bucket', dispatcher);
}

function drain(from: TokenBucket, most = 1_000): number {
  let count = 0;
  while (count < most && from.consume(1)) count++;
  return count;
}

test('full at first, then fills evenly up to its size', () => {
  const one = bucket(3, 2, 1_000);
  assert.equal(one.remainingTokens(), 3);
  assert.equal(drain(one), 3);
  dispatcher.advance(499);
  assert.equal(drain(one), 0);
  dispatcher.advance(1);
  assert.equal(drain(one), 1);
  dispatcher.advance(60_000);
  assert.equal(drain(one), 3);
});

test('takes all or none of several', () => {
  const one = bucket(5, 1, 1_000);
  assert.equal(one.consume(6), false);
  assert.equal(one.consume(3), true);
  assert.equal(one.consume(3), false);
  assert.equal(one.consume(2), true);
});

test('no fraction is lost by looking often: 7 tokens in 13 s, looked at each millisecond', () => {
  const one = bucket(7, 7, 13_000);
  drain(one);
  let count = 0;
  for (let i = 0; i < 13_000; i++) {
    dispatcher.advance(1);
    if (one.consume(1)) count++;
  }
  assert.equal(count, 7);
});

test('the next token', () => {
  const one = bucket(1, 1, 1_000);
  assert.equal(one.nextTokenMs(), 0);
  drain(one);
  assert.equal(one.nextTokenMs(), 1_000);
  dispatcher.advance(600);
  assert.equal(one.nextTokenMs(), 400);
});

test('threads share one bucket, also when the time of one lies behind', () => {
  const other = new FakeDispatcher();
  const one = bucket(10, 10, 1_000);
  const two = new TokenBucket({ maxTokens: 10, tokensPerFill: 10, fillIntervalMs: 1_000 }, cells, 'bucket', other);
  assert.equal(drain(one, 4), 4);
  assert.equal(drain(two), 6);
  dispatcher.advance(500);
  assert.equal(drain(one), 5);
  assert.equal(drain(two), 0);
  other.advance(500);
  assert.equal(drain(two), 0);
  other.advance(100);
  assert.equal(drain(two), 1);
});

for (const [name, max, fill, interval] of [['small', 2, 1, 50], ['fast', 1_000, 1_000_000, 50], ['big', 2 ** 32 - 1, 2 ** 32 - 1, 50]] as const) {
  test(`a ${name} bucket is full after any time without traffic`, () => {
    const one = bucket(max, fill, interval);
    const two = bucket(max, fill, interval);
    let random = 7;
    for (let i = 0; i < 200; i++) {
      assert.equal(one.consume(max * 0.9), true);
      random = (random * 48_271) % 2_147_483_647;
      dispatcher.advance(100 + (random % 1_000) * 864_000);
      assert.equal((i % 2 === 0 ? one : two).remainingTokens() > max * 0.999, true);
    }
  });
}

test('at least a token a year', () => {
  const one = bucket(1, 1, 2 ** 50);
  drain(one);
  dispatcher.advance(366 * 24 * 3_600_000);
  assert.equal(drain(one), 1);
});
