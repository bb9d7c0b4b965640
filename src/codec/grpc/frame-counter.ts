import { GrpcFrameHeaderReader } from './frame-header.ts';

/** Counts the messages of a stream of bytes that passes by: nothing is kept, and nothing is an error. */
export class GrpcFrameCounter {
  private readonly header: GrpcFrameHeaderReader;
  /** Bytes of the present message that are still to come. */
  private missing: number;
  /** Messages begun so far: one counts as soon as its first byte is there (as Envoy counts). */
  count: number;

  constructor() {
    this.header = new GrpcFrameHeaderReader();
    this.missing = 0;
    this.count = 0;
  }

  /** Returns how many messages begin in `data`. */
  inspect(data: Uint8Array): number {
    const before = this.count;
    let at = 0;
    while (at < data.length) {
      if (this.missing > 0) {
        const step = Math.min(this.missing, data.length - at);
        this.missing -= step;
        at += step;
        continue;
      }
      if (this.header.seen === 0) this.count++;
      if (this.header.read(data[at++])) this.missing = this.header.length;
    }
    return this.count - before;
  }
}
