/** A message that is held until it is whole; its owner checks `length` against the stream's limit after each `add`. */
export class MessageBuffer {
  private chunks: Buffer[];
  length: number;

  constructor() {
    this.chunks = [];
    this.length = 0;
  }

  /** Keeps a copy of `data`. */
  add(data: Buffer): void {
    if (data.length === 0) return;
    this.chunks.push(Buffer.from(data));
    this.length += data.length;
  }

  /** All of it; the buffer is empty afterwards. */
  take(): Buffer {
    const all = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
    this.clear();
    return all;
  }

  clear(): void {
    this.chunks = [];
    this.length = 0;
  }
}
