import type { Timer } from '../../base/timer-wheel.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';

export interface PooledTimerOwner {
  onPooledTimer(): void;
}

/** A timer on loan from a pool. */
export class PooledTimer {
  readonly timer: Timer;
  owner: PooledTimerOwner | null;

  constructor(dispatcher: Dispatcher) {
    this.owner = null;
    this.timer = dispatcher.createTimer(() => this.owner?.onPooledTimer());
  }
}

/** Timers kept for reuse at most: as many requests as usually wait at a time. */
const MAX_SPARE = 1_024;

/** Timers of one thread that requests borrow, so that a request makes neither a timer nor a closure. */
export class TimerPool {
  private readonly dispatcher: Dispatcher;
  private readonly spare: PooledTimer[];

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
    this.spare = [];
  }

  /** An armed timer that calls `owner` once unless given back before. */
  borrow(owner: PooledTimerOwner, delayMs: number): PooledTimer {
    const pooled = this.spare.pop() ?? new PooledTimer(this.dispatcher);
    pooled.owner = owner;
    pooled.timer.enable(delayMs);
    return pooled;
  }

  /** The borrower MUST forget the timer. */
  giveBack(pooled: PooledTimer): void {
    pooled.timer.disable();
    pooled.owner = null;
    if (this.spare.length < MAX_SPARE) this.spare.push(pooled);
  }
}
