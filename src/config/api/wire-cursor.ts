import { latin1 } from '../../base/latin1.ts';

/** Wire types of the protobuf encoding. */
const WIRE_VARINT = 0;
const WIRE_64 = 1;
const WIRE_BYTES = 2;
const WIRE_32 = 5;

/**
 * Steps through the fields of one serialized descriptor without making objects of them. Varints come in `value` (exact up to 2^53, which
 * no field of a descriptor exceeds), length-delimited fields as a range.
 */
export class WireCursor {
  readonly bytes: Buffer;
  /** Number of the present field. */
  field: number;
  /** Value of a varint field, else 0. */
  value: number;
  /** Where the contents of a length-delimited field lie; empty for others. */
  start: number;
  end: number;
  private position: number;
  private readonly limit: number;

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.bytes = bytes;
    this.field = 0;
    this.value = 0;
    this.start = 0;
    this.end = 0;
    this.position = from;
    this.limit = to;
  }

  /** Moves to the next field; false at the end. Throws when the bytes are no message. */
  next(): boolean {
    if (this.position >= this.limit) return false;
    const tag = this.varint();
    const wire = tag & 7;
    this.field = tag >>> 3;
    this.value = 0;
    this.start = this.position;
    if (wire === WIRE_VARINT) this.value = this.varint();
    else if (wire === WIRE_BYTES) this.skipBytes();
    else if (wire === WIRE_64) this.position += 8;
    else if (wire === WIRE_32) this.position += 4;
    else throw new Error(`api blob: wire type ${wire}`);
    if (wire !== WIRE_BYTES) this.end = this.start;
    return true;
  }

  /** The present field as text: names of descriptors, which are ASCII. */
  text(): string {
    return latin1(this.bytes, this.start, this.end);
  }

  /** The present field's bytes, a view. */
  slice(): Buffer {
    return this.bytes.subarray(this.start, this.end);
  }

  private skipBytes(): void {
    const length = this.varint();
    this.start = this.position;
    this.end = this.position + length;
    if (this.end > this.limit) throw new Error('api blob: a field runs past its message');
    this.position = this.end;
  }

  private varint(): number {
    let value = 0;
    for (let factor = 1; this.position < this.limit; factor *= 128) {
      const byte = this.bytes[this.position++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new Error('api blob: truncated');
  }
}
