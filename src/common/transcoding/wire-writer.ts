const FIRST_BYTES = 256;
const TWO_32 = 0x1_0000_0000;

/** Writes protobuf's wire format into a buffer that grows. Numbers of 64 bits are bigints where a number would not be exact. */
export class WireWriter {
  private bytes: Buffer;
  length: number;

  constructor() {
    this.bytes = Buffer.allocUnsafe(FIRST_BYTES);
    this.length = 0;
  }

  /** What has been written; valid until the next write. */
  written(from: number, to: number): Buffer {
    return this.bytes.subarray(from, to);
  }

  private reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  tag(number: number, wire: number): void {
    this.uint32(((number << 3) | wire) >>> 0);
  }

  /** An unsigned 32-bit varint. */
  uint32(value: number): void {
    this.reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** A 64-bit varint, of two's complement when negative. */
  varint64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value < TWO_32) {
      this.uint32(value);
      return;
    }
    this.reserve(10);
    let { low, high } = halves(value);
    while (high > 0 || low > 0x7f) {
      this.bytes[this.length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.length++] = low;
  }

  zigzag32(value: number): void {
    this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  zigzag64(value: number | bigint): void {
    const exact = BigInt(value);
    this.varint64(BigInt.asUintN(64, (exact << 1n) ^ (exact >> 63n)));
  }

  fixed32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeUInt32LE(value >>> 0, this.length);
  }

  fixed64(value: number | bigint): void {
    this.reserve(8);
    const { low, high } = halves(value);
    this.bytes.writeUInt32LE(low, this.length);
    this.length = this.bytes.writeUInt32LE(high, this.length + 4);
  }

  float(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeFloatLE(value, this.length);
  }

  double(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Length and bytes. */
  delimited(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    this.raw(bytes);
  }

  /** Length and bytes of a byte string. */
  text(text: string): void {
    this.uint32(text.length);
    this.reserve(text.length);
    this.length += this.bytes.latin1Write(text, this.length, text.length);
  }
}

function halves(value: number | bigint): { low: number; high: number } {
  if (typeof value === 'number') return { low: value >>> 0, high: Math.floor(value / TWO_32) >>> 0 };
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & 0xffffffffn), high: Number(bits >> 32n) };
}

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}
