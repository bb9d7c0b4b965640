/** Wire types. */
export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_DELIMITED = 2;
export const WIRE_START_GROUP = 3;
export const WIRE_END_GROUP = 4;
export const WIRE_FIXED32 = 5;

const TWO_32 = 0x1_0000_0000;
const MAX_SAFE_HIGH = 0x1f_ffff;
/** Bytes of the longest varint. */
const MAX_VARINT = 10;

/**
 * Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) with the tolerance of C++'s CodedInputStream, so that
 * malformed messages fail, or do not fail, at the same place: a limit may lie behind the end of the bytes, one that would
 * reach out of the present limit is not taken, a tag that is cut off is the end.
 *
 * Reads report failure by `failed`, which stays set; the value is then 0 or empty.
 */
export class WireReader {
  readonly bytes: Buffer;
  private readonly view: DataView;
  readonly end: number;
  pos: number;
  /** Where the present message ends; Infinity at the top of a stream. */
  limit: number;
  failed: boolean;
  /** Levels of nesting that may still be entered. */
  private depthLeft: number;
  /** Upper half of the last 64-bit value; the lower half is returned. Both unsigned. */
  high: number;

  constructor(bytes: Buffer, limit: number, depth: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.end = bytes.length;
    this.pos = 0;
    this.limit = limit;
    this.failed = false;
    this.depthLeft = depth;
    this.high = 0;
  }

  /** The next tag, 0 at the end of the message or of the bytes. */
  tag(): number {
    const stop = Math.min(this.end, this.limit);
    if (this.pos >= stop) return 0;
    const first = this.bytes[this.pos];
    if (first < 0x80) {
      this.pos++;
      return first;
    }
    const tag = this.varint32();
    if (!this.failed) return tag;
    this.failed = false;
    return 0;
  }

  /** Low 32 bits, unsigned; the high half in `high`. */
  varint64(): number {
    const { bytes } = this;
    const stop = Math.min(this.end, this.limit);
    let low = 0;
    let high = 0;
    for (let i = 0; i < MAX_VARINT; i++) {
      if (this.pos >= stop) break;
      const byte = bytes[this.pos++];
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= i < 9 ? bits << (7 * i - 32) : bits << 31;
      if (byte < 0x80) {
        this.high = high >>> 0;
        return low >>> 0;
      }
    }
    this.failed = true;
    this.high = 0;
    return 0;
  }

  varint32(): number {
    return this.varint64();
  }

  /** One byte as it is. */
  byte(): number {
    if (this.pos >= Math.min(this.end, this.limit)) {
      this.failed = true;
      return 0;
    }
    return this.bytes[this.pos++];
  }

  fixed32(): number {
    if (!this.has(4)) return 0;
    this.pos += 4;
    return this.view.getUint32(this.pos - 4, true);
  }

  /** Low half; the high half in `high`. */
  fixed64(): number {
    if (!this.has(8)) return 0;
    this.pos += 8;
    this.high = this.view.getUint32(this.pos - 4, true);
    return this.view.getUint32(this.pos - 8, true);
  }

  float(): number {
    if (!this.has(4)) return 0;
    this.pos += 4;
    return this.view.getFloat32(this.pos - 4, true);
  }

  double(): number {
    if (!this.has(8)) return 0;
    this.pos += 8;
    return this.view.getFloat64(this.pos - 8, true);
  }

  /** The next `length` bytes; not copied. */
  take(length: number): Buffer {
    if (!this.has(length)) return this.bytes.subarray(0, 0);
    this.pos += length;
    return this.bytes.subarray(this.pos - length, this.pos);
  }

  /** False when there is less. */
  skip(length: number): boolean {
    if (!this.has(length)) return false;
    this.pos += length;
    return true;
  }

  /** Reads a length and makes it the limit; returns the limit before, for `popLimit`. */
  pushLength(): number {
    const length = this.varint32();
    this.failed = false;
    const before = this.limit;
    if (length <= 0x7fffffff && this.pos + length < before) this.limit = this.pos + length;
    return before;
  }

  popLimit(before: number): void {
    this.limit = before;
  }

  /** -1 where there is no limit. */
  get untilLimit(): number {
    return this.limit === Infinity ? -1 : this.limit - this.pos;
  }

  /** False when the nesting is too deep. */
  enter(): boolean {
    return --this.depthLeft >= 0;
  }

  leave(): void {
    this.depthLeft++;
  }

  private has(length: number): boolean {
    if (length >= 0 && this.pos + length <= Math.min(this.end, this.limit)) return true;
    this.failed = true;
    return false;
  }
}

/** A signed 64-bit value from its halves: a number where that is exact, else a bigint. */
export function signed64(low: number, high: number): number | bigint {
  const top = high | 0;
  if (top >= -MAX_SAFE_HIGH && top <= MAX_SAFE_HIGH) return top * TWO_32 + low;
  return (BigInt(top) << 32n) | BigInt(low);
}

export function unsigned64(low: number, high: number): number | bigint {
  if (high <= MAX_SAFE_HIGH) return high * TWO_32 + low;
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Undoes zigzag encoding of 64 bits. */
export function zigzag64(low: number, high: number): number | bigint {
  const sign = -(low & 1);
  return signed64(((((low >>> 1) | (high << 31)) ^ sign) >>> 0), ((high >>> 1) ^ sign) >>> 0);
}

export function zigzag32(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
