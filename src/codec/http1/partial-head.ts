const LF = 10;
const CR = 13;
const EMPTY: Buffer = Buffer.alloc(0);
/** A buffer larger than this is given back after its head: the next one may do with less. */
const KEPT_BYTES = 4096;

/** Bytes of a head that came in pieces, at most `limit`, and how far they were searched for its end. */
export class PartialHead {
  bytes: Buffer;
  length: number;
  /** Index behind the first line, 0 = not there yet. */
  firstLineEnd: number;
  private searched: number;
  private lineStart: number;
  private readonly limit: number;

  constructor(limit: number) {
    this.bytes = EMPTY;
    this.length = 0;
    this.firstLineEnd = 0;
    this.searched = 0;
    this.lineStart = 0;
    this.limit = limit;
  }

  get isFull(): boolean {
    return this.length >= this.limit;
  }

  /** Copies from `data[pos, end)` what there is room for; returns how many bytes. */
  add(data: Buffer, pos: number, end: number): number {
    const count = Math.min(end - pos, this.limit - this.length);
    const needed = this.length + count;
    if (this.bytes.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, 2 * this.bytes.length, 512), this.limit));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    data.copy(this.bytes, this.length, pos, pos + count);
    this.length = needed;
    return count;
  }

  /** Index behind the first line when it has just become complete, else 0. */
  findFirstLine(): number {
    if (this.firstLineEnd > 0) return 0;
    const at = this.nextLineEnd();
    if (at > 0) this.firstLineEnd = at;
    return at;
  }

  /** Index behind the empty line (LF, or CR LF) that ends the head, or -1. */
  findEmptyLine(): number {
    if (this.firstLineEnd === 0) return -1;
    for (;;) {
      const start = this.lineStart;
      const end = this.nextLineEnd();
      if (end === 0) return -1;
      if (end - start === 1 || (end - start === 2 && this.bytes[start] === CR)) return end;
    }
  }

  private nextLineEnd(): number {
    const at = this.bytes.subarray(0, this.length).indexOf(LF, this.searched);
    if (at < 0) {
      this.searched = this.length;
      return 0;
    }
    this.searched = this.lineStart = at + 1;
    return at + 1;
  }

  /** The head was taken. Whoever has `bytes` still may read them until the next `add`. */
  clear(): void {
    if (this.bytes.length > KEPT_BYTES) this.bytes = EMPTY;
    this.length = 0;
    this.firstLineEnd = 0;
    this.searched = 0;
    this.lineStart = 0;
  }
}
