/**
 * A growing output buffer: writers put bytes at `position` and move it. One a thread is enough, because a turn's frames are handed on
 * before anything else runs.
 */
export class OutBuffer {
  /** Where to write. Replaced by `ensure`: never keep it over a call that may grow. */
  bytes: Buffer;
  position: number;
  private readonly normalSize: number;

  /** `size`: bytes to begin with, and what `reset` goes back to after a large message. */
  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.position = 0;
    this.normalSize = size;
  }

  /** Makes room for `room` more bytes behind `position`. */
  ensure(room: number): void {
    if (this.bytes.length - this.position < room) this.grow(room);
  }

  /** Forgets what was written, and the memory that an exceptionally large message took. */
  reset(): void {
    this.position = 0;
    if (this.bytes.length > this.normalSize * 4) this.bytes = Buffer.allocUnsafeSlow(this.normalSize);
  }

  private grow(room: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.position + room));
    this.bytes.copy(bytes, 0, 0, this.position);
    this.bytes = bytes;
  }
}
