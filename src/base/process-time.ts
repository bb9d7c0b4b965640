import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';

/** `hrtime` has one origin for the whole process, `performance.now` one for each thread. */
const OFFSET = readOffset();

function readOffset(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1_000 + nanos / 1_000_000 - performance.now();
}

/** Milliseconds to add to this thread's monotonic time so that all threads of the process agree on it. Virtual time is left alone. */
export function processTimeOffset(clock: Clock): number {
  return clock === systemClock ? OFFSET : 0;
}
