import type { Timer } from '../base/timer-wheel.ts';
import type { Dispatcher } from '../contract/dispatcher.ts';
import type { Counter, Scope } from '../contract/stats.ts';

/**
 * Counts how often this thread's loop was held for longer than the watchdog allows. Each thread looks at itself: it sees a stall when
 * it is over, where Envoy's watchdog thread sees it while it lasts.
 */
export class Watchdog {
  private readonly dispatcher: Dispatcher;
  private readonly timer: Timer;
  private readonly periodMs: number;
  private readonly missMs: number;
  private readonly megaMissMs: number;
  private readonly miss: readonly Counter[];
  private readonly megaMiss: readonly Counter[];
  private last: number;

  /** `group`: `main_thread` or `workers`. Milliseconds; 0 = that limit is off. */
  constructor(dispatcher: Dispatcher, root: Scope, group: string, missMs: number, megaMissMs: number) {
    this.dispatcher = dispatcher;
    this.missMs = missMs;
    this.megaMissMs = megaMissMs;
    const scopes = [root.scope(group), root.scope('server').scope(dispatcher.name)];
    this.miss = scopes.map((scope) => scope.counter('watchdog_miss'));
    this.megaMiss = scopes.map((scope) => scope.counter('watchdog_mega_miss'));
    this.periodMs = Math.max(MIN_PERIOD_MS, (missMs > 0 ? missMs : megaMissMs) / 2);
    this.last = dispatcher.clock.now();
    this.timer = dispatcher.createTimer(() => this.check());
    if (missMs > 0 || megaMissMs > 0) this.timer.enable(this.periodMs);
  }

  dispose(): void {
    this.timer.disable();
  }

  private check(): void {
    const now = this.dispatcher.clock.now();
    const held = now - this.last - this.periodMs;
    if (this.missMs > 0 && held > this.missMs) for (const counter of this.miss) counter.inc();
    if (this.megaMissMs > 0 && held > this.megaMissMs) for (const counter of this.megaMiss) counter.inc();
    this.last = now;
    this.timer.enable(this.periodMs);
  }
}

const MIN_PERIOD_MS = 20;
