const EMPTY = Buffer.alloc(0);

/** Told when a buffered body crosses its limit (Envoy's WatermarkBuffer). */
export interface BodyBufferOwner {
  onBodyAboveHighWatermark(body: BodyBuffer): void;
  onBodyBelowLowWatermark(body: BodyBuffer): void;
}

/**
 * A body held back by the filter manager while a filter waits. Chunks are copied in, for whoever hands them over may reuse them. The limit
 * is a mark, not a wall: the owner answers it by pausing the source or by a local reply, so at most one read more than it is held.
 */
export class BodyBuffer {
  private readonly owner: BodyBufferOwner;
  private chunks: Buffer[];
  /** 0 = no limit. */
  private limit: number;
  private aboveHigh: boolean;
  length: number;

  constructor(owner: BodyBufferOwner, limit: number) {
    this.owner = owner;
    this.chunks = [];
    this.limit = limit;
    this.aboveHigh = false;
    this.length = 0;
  }

  /** Appends a copy of `data`. */
  add(data: Uint8Array): void {
    if (data.length > 0) {
      this.chunks.push(Buffer.from(data));
      this.length += data.length;
    }
    this.checkHigh();
  }

  /** All bytes as one buffer, made at most once for the same contents; valid until the next change. */
  bytes(): Buffer {
    if (this.chunks.length === 0) return EMPTY;
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks, this.length)];
    return this.chunks[0];
  }

  /** Drops everything. */
  drain(): void {
    this.chunks = [];
    this.length = 0;
    this.checkLow();
  }

  setLimit(limit: number): void {
    this.limit = limit;
    this.checkHigh();
    this.checkLow();
  }

  private checkHigh(): void {
    if (this.aboveHigh || this.limit === 0 || this.length <= this.limit) return;
    this.aboveHigh = true;
    this.owner.onBodyAboveHighWatermark(this);
  }

  private checkLow(): void {
    if (!this.aboveHigh || (this.limit !== 0 && this.length > this.limit / 2)) return;
    this.aboveHigh = false;
    this.owner.onBodyBelowLowWatermark(this);
  }
}
