/**
 * Time for one thread. Everything that waits or measures takes a Clock, so that tests run on virtual time.
 *
 * Units: milliseconds, fractional. `now()` is monotonic and has an arbitrary origin; `wall()` is milliseconds since the Unix epoch.
 */
export interface Clock {
  /** Monotonic milliseconds, read from the system at this very call. */
  now(): number;
  /** Wall-clock milliseconds since 1970-01-01 UTC. May jump. */
  wall(): number;
}

const origin = performance.timeOrigin;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => origin + performance.now() - drift(),
};

/**
 * `timeOrigin + now()` drifts from the wall clock when the machine sleeps or ntp steps; re-read Date once a second.
 */
let driftMs = 0;
let driftReadAt = -Infinity;
function drift(): number {
  const now = performance.now();
  if (now - driftReadAt > 1_000) {
    driftReadAt = now;
    const difference = origin + now - Date.now();
    // Date.now() has whole milliseconds only: smaller differences are its rounding.
    driftMs = Math.abs(difference) > 2 ? difference : 0;
  }
  return driftMs;
}

/** A clock that stands still until the test moves it. */
export class VirtualClock implements Clock {
  private current: number;
  private readonly wallStart: number;

  constructor(start = 0, wallStart = Date.UTC(2026, 0, 1)) {
    this.current = start;
    this.wallStart = wallStart - start;
  }

  now(): number {
    return this.current;
  }

  wall(): number {
    return this.wallStart + this.current;
  }

  /** Moves time forward without running timers; `TimerWheel.advanceTo` runs them. */
  set(now: number): void {
    this.current = now;
  }
}
