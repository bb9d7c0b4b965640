/** Takes body that was put together. */
export interface BodySink {
  onBody(data: Buffer, endStream: boolean): void;
}

/** Chunks up to half this size are put together before they are handed on: many tiny chunks must not cost a pass through the filters each. */
const GATHER_BYTES = 4096;
const EMPTY: Buffer = Buffer.alloc(0);

/** Puts the small chunks of one dispatch together; large ones are handed on as they lie. */
export class ChunkGatherer {
  private readonly sink: BodySink;
  private gathered: Buffer;
  private length: number;

  constructor(sink: BodySink) {
    this.sink = sink;
    this.gathered = EMPTY;
    this.length = 0;
  }

  add(data: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.length + length > GATHER_BYTES) this.flush();
    if (length > GATHER_BYTES / 2) {
      this.flush();
      this.sink.onBody(data.subarray(start, end), false);
      return;
    }
    // A new buffer each time one was handed on: whoever got the last may still write it.
    if (this.length === 0) this.gathered = Buffer.allocUnsafe(GATHER_BYTES);
    data.copy(this.gathered, this.length, start, end);
    this.length += length;
  }

  flush(): void {
    if (this.length === 0) return;
    const piece = this.gathered.subarray(0, this.length);
    this.clear();
    this.sink.onBody(piece, false);
  }

  clear(): void {
    this.gathered = EMPTY;
    this.length = 0;
  }
}
