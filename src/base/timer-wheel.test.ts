import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'node:test';
import { VirtualClock } from './clock.ts';
import { SeededRandom } from './random.ts';
import { SystemWaker, TimerWheel } from './timer-wheel.ts';

function setUp(start = 1_000) {
  const clock = new VirtualClock(start);
  const wheel = new TimerWheel(clock, null);
  const to = (now: number) => {
    clock.set(now);
    wheel.run();
  };
  return { clock, wheel, to };
}

test('fires once, at its millisecond and not before', () => {
  const { wheel, to } = setUp();
  let fired = 0;
  const timer = wheel.create(() => fired++);
  timer.enable(250);
  to(1_249);
  assert.equal(fired, 0);
  to(1_250);
  assert.equal(fired, 1);
  to(5_000);
  assert.equal(fired, 1);
  assert.equal(wheel.armed, 0);
});

test('moving a deadline later or earlier, and disarming', () => {
  const { wheel, to } = setUp();
  let fired = 0;
  const timer = wheel.create(() => fired++);
  timer.enable(100);
  timer.enable(10_000);
  to(2_000);
  assert.equal(fired, 0);
  timer.enable(5);
  to(2_005);
  assert.equal(fired, 1);
  timer.enable(5);
  timer.disable();
  to(3_000);
  assert.equal(fired, 1);
  assert.equal(wheel.armed, 0);
});

test('a callback may arm its own and other timers', () => {
  const { wheel, to } = setUp();
  const order: string[] = [];
  const other = wheel.create(() => order.push('other'));
  const self = wheel.create(() => {
    order.push('self');
    if (order.length < 3) self.enable(10);
    other.enable(0);
  });
  self.enable(10);
  for (let now = 1_000; now < 1_100; now++) to(now);
  assert.deepEqual(order, ['self', 'other', 'self', 'other']);
});

test('agrees with a sorted list for random deadlines over all levels', () => {
  const { wheel, clock, to } = setUp(123_456);
  const random = new SeededRandom(7);
  const expected: number[] = [];
  const got: number[] = [];
  for (let i = 0; i < 3_000; i++) {
    const delay = random.below(10 ** (1 + random.below(8)));
    const due = clock.now() + Math.max(delay, 1);
    expected.push(due);
    wheel.create(() => got.push(due)).enable(delay);
  }
  expected.sort((a, b) => a - b);
  for (const due of [...new Set(expected)]) {
    to(due);
    assert.equal(got.length, expected.filter((x) => x <= due).length, `at ${due}`);
    assert.ok(got.every((x) => x <= due));
    if (due > 400_000) break;
  }
  to(123_456 + 10 ** 8);
  assert.deepEqual(got, expected);
});

test('after the thread was held up, what waits at sockets comes before timers that are late', async (t) => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [peer] = (await once(server, 'connection')) as [net.Socket];
  t.after(() => client.destroy());
  const order: string[] = [];
  const data = once(client, 'data').then(() => order.push('data'));
  const waker = new SystemWaker();
  const woken = new Promise<void>((resolve) => {
    waker.wakeAfter(5, () => {
      order.push('timer');
      resolve();
    });
  });
  peer.write('x');
  const until = performance.now() + 60;
  while (performance.now() < until);
  await Promise.all([data, woken]);
  assert.deepEqual(order, ['data', 'timer']);
});

test('a waker that is cancelled between the late timer and its wake does not wake', async () => {
  const waker = new SystemWaker();
  let woken = 0;
  waker.wakeAfter(1, () => woken++);
  const held = performance.now() + 40;
  while (performance.now() < held);
  // Runs behind the late timer, in the same phase of the loop; the wake would come in the next one.
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      waker.cancel();
      resolve();
    }, 0);
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, 0);
});
