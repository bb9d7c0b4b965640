import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { systemClock, VirtualClock } from './clock.ts';
import { processTimeOffset } from './process-time.ts';

test('threads agree on the time, though their clocks have different origins', async () => {
  const urls = ['./clock.ts', './process-time.ts'].map((name) => new URL(name, import.meta.url).href);
  const code = `
    const [{ systemClock }, { processTimeOffset }, { parentPort }] = await Promise.all([import('${urls[0]}'), import('${urls[1]}'), import('node:worker_threads')]);
    parentPort.postMessage(systemClock.now() + processTimeOffset(systemClock));`;
  const before = systemClock.now() + processTimeOffset(systemClock);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const there = await new Promise<number>((resolve, reject) => worker.on('message', resolve).on('error', reject));
  const after = systemClock.now() + processTimeOffset(systemClock);
  assert.ok(before <= there && there <= after, `${before} <= ${there} <= ${after}`);
});

test('virtual time has no offset', () => assert.equal(processTimeOffset(new VirtualClock(5)), 0));
