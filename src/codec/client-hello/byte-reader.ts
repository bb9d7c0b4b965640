/** Reads big-endian numbers and length-prefixed pieces of a message. Past the end everything is 0 or empty and `failed` is set. */
export class ByteReader {
  failed: boolean;
  private readonly bytes: Buffer;
  private at: number;
  private readonly end: number;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.failed = false;
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Unsigned number of 1 to 3 bytes. */
  number(size: 1 | 2 | 3): number {
    if (this.left < size) return this.fail();
    const value = this.bytes.readUIntBE(this.at, size);
    this.at += size;
    return value;
  }

  /** The next `length` bytes, a view. */
  slice(length: number): Buffer {
    if (this.left < length) {
      this.fail();
      return NOTHING;
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** A piece with its length before it. */
  piece(lengthSize: 1 | 2 | 3): ByteReader {
    const length = this.number(lengthSize);
    if (this.left < length) this.fail();
    if (this.failed) return new ByteReader(NOTHING);
    const start = this.at;
    this.at += length;
    return new ByteReader(this.bytes, start, this.at);
  }

  /** All that is left, as 16-bit numbers. */
  numbers(): number[] {
    const list: number[] = [];
    while (this.left >= 2) list.push(this.number(2));
    return list;
  }

  private fail(): 0 {
    this.failed = true;
    this.at = this.end;
    return 0;
  }
}

const NOTHING = Buffer.alloc(0);
