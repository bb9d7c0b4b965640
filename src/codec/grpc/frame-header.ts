/**
 * Reads the five bytes in front of each message, which may come in any pieces. After `read` has said that the header is complete, `flags`
 * and `length` are those of the message that follows.
 */
export class GrpcFrameHeaderReader {
  flags: number;
  length: number;
  /** Bytes of the header seen, 0 to 4 between calls. */
  seen: number;

  constructor() {
    this.flags = 0;
    this.length = 0;
    this.seen = 0;
  }

  /**
   * Takes one byte. Returns whether the header is complete; the next byte then begins a message or, if `length` is 0, another header.
   */
  read(byte: number): boolean {
    if (this.seen === 0) {
      this.flags = byte;
      this.length = 0;
      this.seen = 1;
      return false;
    }
    // Not by shifts: lengths above 2^31 must stay positive.
    this.length = this.length * 256 + byte;
    if (this.seen < 4) {
      this.seen++;
      return false;
    }
    this.seen = 0;
    return true;
  }
}
