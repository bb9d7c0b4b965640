import { processTimeOffset } from '../../base/process-time.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { SharedCell, SharedCells } from '../../contract/shared-cells.ts';

export interface TokenBucketSettings {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  /** Milliseconds, > 0. */
  readonly fillIntervalMs: number;
}

/** Parts of a token that are counted, where the numbers leave room for it. */
const FINEST = 1_024;
/** What a whole bucket, and what fills in MAX_SKEW, must stay under, so that 32 bits tell before from after. */
const MAX_PARTS = 2 ** 28;
/** Milliseconds by which the time of one thread may lie behind another's (a thread reads its clock once a turn). */
const MAX_SKEW = 10_000;
/** The slowest rate: a token a year, as in Envoy. Tokens per millisecond. */
const MIN_RATE = 1 / (365 * 24 * 60 * 60 * 1_000);

/**
 * A bucket of tokens that all threads share; it is full at first and fills evenly, not once an interval.
 *
 * Two cells: `used` is what is missing from a full bucket, in parts of a token. `filled` is the number of parts that have dripped in since the origin
 * of time until the last look, modulo 2^32: whoever moves it on takes the difference off `used`, so no fraction is lost and none counts twice.
 * Both are zero in a full bucket, which is what new cells hold.
 */
export class TokenBucket {
  readonly maxTokens: number;
  private readonly used: SharedCell;
  private readonly filled: SharedCell;
  private readonly dispatcher: Dispatcher;
  private readonly offset: number;
  /** Parts of one token; below 1 for buckets of more than 268 million. */
  private readonly parts: number;
  private readonly capacity: number;
  /** Parts per millisecond. */
  private readonly rate: number;
  private readonly skew: number;
  /** What `filled` was at this thread's last look, and the whole number behind it: a day without traffic may be more than 2^32 parts. */
  private seen: number;
  private seenTotal: number;

  /** Buckets of one name share their tokens; the settings MUST be the same. */
  constructor(settings: TokenBucketSettings, cells: SharedCells, name: string, dispatcher: Dispatcher) {
    const tokenRate = Math.max(settings.tokensPerFill / settings.fillIntervalMs, MIN_RATE);
    [this.used, this.filled] = cells.block(name, 2);
    this.dispatcher = dispatcher;
    this.offset = processTimeOffset(dispatcher.clock);
    this.maxTokens = settings.maxTokens;
    this.parts = Math.min(FINEST, MAX_PARTS / Math.max(settings.maxTokens, 1), MAX_PARTS / (tokenRate * MAX_SKEW));
    this.capacity = Math.floor(settings.maxTokens * this.parts);
    this.rate = tokenRate * this.parts;
    this.skew = Math.ceil(this.rate * MAX_SKEW);
    this.seen = 0;
    this.seenTotal = 0;
    this.look(this.filled.load(), this.total());
  }

  /** Takes `tokens`, all or none; false when there are fewer. */
  consume(tokens: number): boolean {
    this.fill();
    const wanted = Math.max(1, Math.round(tokens * this.parts));
    for (;;) {
      const used = this.used.load();
      if (used + wanted > this.capacity) return false;
      if (this.used.compareExchange(used, used + wanted)) return true;
    }
  }

  /** Tokens that are there now, with fractions. */
  remainingTokens(): number {
    this.fill();
    return (this.capacity - this.used.load()) / this.parts;
  }

  /** Milliseconds until a whole token is there; 0 = there is one. */
  nextTokenMs(): number {
    const missing = 1 - this.remainingTokens();
    return missing <= 0 ? 0 : Math.floor((missing * this.parts) / this.rate);
  }

  private total(): number {
    return Math.floor((this.dispatcher.now() + this.offset) * this.rate);
  }

  private fill(): void {
    const total = this.total();
    const before = this.filled.load();
    if (before !== this.seen) this.look(before, total);
    const parts = total - this.seenTotal;
    // Negative: another thread's time is ahead. A failed exchange: another thread fills.
    if (parts <= 0 || !this.filled.compareExchange(before, total | 0)) return;
    this.seen = total | 0;
    this.seenTotal = total;
    this.giveBack(parts);
  }

  private look(filled: number, total: number): void {
    const parts = ((total | 0) - filled) | 0;
    this.seen = filled;
    this.seenTotal = total - (parts < -this.skew ? parts + 2 ** 32 : parts);
  }

  private giveBack(parts: number): void {
    for (;;) {
      const used = this.used.load();
      if (used === 0 || this.used.compareExchange(used, Math.max(0, used - parts))) return;
    }
  }
}
