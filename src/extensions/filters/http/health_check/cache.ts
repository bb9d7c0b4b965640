import type { Clock } from '../../../../base/clock.ts';

/**
 * The last answer to a health check, for all streams of a thread. It lasts one cache period: periods are counted from the load of the
 * configuration, as Envoy's repeating timer does, so an answer is forgotten at the next multiple and no timer is needed.
 */
export class HealthCheckCache {
  status = 0;
  degraded = false;
  private readonly clock: Clock;
  private readonly period: number;
  private readonly start: number;
  private storedIn: number;

  constructor(clock: Clock, periodMs: number) {
    this.clock = clock;
    this.period = periodMs;
    this.start = clock.now();
    this.storedIn = -1;
  }

  get usable(): boolean {
    return this.storedIn === this.currentPeriod();
  }

  store(status: number, degraded: boolean): void {
    this.status = status;
    this.degraded = degraded;
    this.storedIn = this.currentPeriod();
  }

  private currentPeriod(): number {
    return Math.floor((this.clock.now() - this.start) / this.period);
  }
}
