import type { Dispatcher } from '../../contract/dispatcher.ts';

/**
 * Wall-clock time of one thread for the data path: the `date` header, made once a second, and start times of requests without a
 * system call each.
 */
export class DateProvider {
  private readonly dispatcher: Dispatcher;
  /** Wall minus monotonic clock, re-read every second: the wall clock may be stepped. */
  private offset: number;
  private header: string;
  private validUntil: number;

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
    this.offset = 0;
    this.header = '';
    this.validUntil = -Infinity;
  }

  /** IMF-fixdate (RFC 9110 section 5.6.7) of now. */
  date(): string {
    this.refresh();
    return this.header;
  }

  /** Milliseconds since the epoch at this turn. */
  wall(): number {
    this.refresh();
    return this.dispatcher.now() + this.offset;
  }

  private refresh(): void {
    const now = this.dispatcher.now();
    if (now < this.validUntil) return;
    const clock = this.dispatcher.clock;
    const wall = clock.wall();
    this.offset = wall - clock.now();
    this.header = new Date(wall).toUTCString();
    // Until the wall clock's second ends.
    this.validUntil = now + 1_000 - (wall % 1_000);
  }
}
