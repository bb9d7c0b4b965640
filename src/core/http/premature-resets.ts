import type { Runtime } from '../../contract/runtime.ts';

/**
 * Counts the streams of one connection that its client resets before it can have its answer (Rapid Reset, CVE-2023-44487): when they are half of
 * all streams, the connection has no honest use.
 */
export class PrematureResets {
  private readonly runtime: Runtime;
  private closed: number;
  private premature: number;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.closed = 0;
    this.premature = 0;
  }

  /** A stream is over. `responseCode` 0 = nothing was answered; `lifetime` in milliseconds. */
  onStreamClosed(responseCode: number, lifetime: number): void {
    this.closed++;
    if (responseCode !== 0) return;
    const minimum = this.runtime.snapshot().getInteger('overload.premature_reset_min_stream_lifetime_seconds', 1);
    if (Math.floor(lifetime / 1_000) <= minimum) this.premature++;
  }

  get tooMany(): boolean {
    if (this.premature === 0) return false;
    const limit = this.runtime.snapshot().getInteger('overload.premature_reset_total_stream_count', 500);
    // Below the limit: even if all streams up to it were good from now on.
    return this.premature * 2 >= Math.max(this.closed, limit);
  }
}
