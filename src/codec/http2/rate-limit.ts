/** A token bucket in whole seconds, as Envoy's library has for events that a peer should seldom cause. */
export class RateLimit {
  private tokens: number;
  private lastSecond: number;
  private readonly burst: number;
  private readonly rate: number;

  /** `burst` tokens at first and at most, `rate` more each second. */
  constructor(burst: number, rate: number) {
    this.tokens = burst;
    this.lastSecond = -1;
    this.burst = burst;
    this.rate = rate;
  }

  /** Takes a token at `now` (monotonic ms); false when there is none. */
  take(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (this.lastSecond < 0) this.lastSecond = second;
    if (second > this.lastSecond) {
      this.tokens = Math.min(this.burst, this.tokens + (second - this.lastSecond) * this.rate);
      this.lastSecond = second;
    }
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}
