import type { Timer } from '../../base/timer-wheel.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';

/**
 * A timer whose deadline moves with every event: moving it is one write, no call to the wheel. The wheel's timer fires at the earliest
 * deadline it was armed for; if the deadline has moved since, it is armed for the rest.
 */
export class IdleTimer {
  private readonly dispatcher: Dispatcher;
  private readonly onExpired: () => void;
  private timer: Timer | null;
  /** When the wheel's timer fires, Infinity while it is not armed. */
  private firesAt: number;
  private deadline: number;
  private timeout: number;

  constructor(dispatcher: Dispatcher, onExpired: () => void) {
    this.dispatcher = dispatcher;
    this.onExpired = onExpired;
    this.timer = null;
    this.firesAt = Infinity;
    this.deadline = Infinity;
    this.timeout = 0;
  }

  /** Expires `timeoutMs` (above 0) from now unless touched or stopped. */
  start(timeoutMs: number): void {
    this.timeout = timeoutMs;
    this.deadline = this.dispatcher.now() + timeoutMs;
    if (this.firesAt <= this.deadline) return;
    this.timer ??= this.dispatcher.createTimer(() => this.onTimer());
    this.arm();
  }

  /** Moves the deadline of a started timer to its full time from now. */
  touch(): void {
    if (this.deadline !== Infinity) this.deadline = this.dispatcher.now() + this.timeout;
  }

  stop(): void {
    this.deadline = Infinity;
  }

  get running(): boolean {
    return this.deadline !== Infinity;
  }

  /** Gives the wheel's timer back. */
  dispose(): void {
    this.deadline = Infinity;
    this.firesAt = Infinity;
    this.timer?.disable();
  }

  private arm(): void {
    this.firesAt = this.deadline;
    this.timer?.enable(this.deadline - this.dispatcher.now());
  }

  private onTimer(): void {
    this.firesAt = Infinity;
    if (this.deadline === Infinity) return;
    if (this.deadline > this.dispatcher.now()) {
      this.arm();
      return;
    }
    this.deadline = Infinity;
    this.onExpired();
  }
}
