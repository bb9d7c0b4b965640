/** Variable-length integers (RFC 9000 section 16): the first two bits say whether 1, 2, 4 or 8 bytes follow. */

/** What `readVarint` read: the value (exact up to 2^53, more than any length here), and the offset behind it. */
export let varintValue: number = 0;
export let varintEnd: number = 0;

/** Reads the integer at `from` into `varintValue` and `varintEnd`; false when bytes are missing. */
export function readVarint(data: Uint8Array, from: number): boolean {
  if (from >= data.length) return false;
  const length = 1 << (data[from] >> 6);
  if (from + length > data.length) return false;
  let value = data[from] & 0x3f;
  for (let i = 1; i < length; i++) value = value * 256 + data[from + i];
  varintValue = value;
  varintEnd = from + length;
  return true;
}

/** Bytes that `value` takes in its shortest form. `value` MUST be below 2^53. */
export function varintLength(value: number): number {
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  return value < 0x40000000 ? 4 : 8;
}

/** Writes `value` in its shortest form; returns the offset behind it. */
export function writeVarint(target: Buffer, value: number, at: number): number {
  const length = varintLength(value);
  if (length === 8) {
    target.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
    target.writeUInt32BE(value % 0x1_0000_0000, at + 4);
    target[at] |= 0xc0;
  } else if (length === 4) target.writeUInt32BE((value | 0x80000000) >>> 0, at);
  else if (length === 2) target.writeUInt16BE(value | 0x4000, at);
  else target[at] = value;
  return at + length;
}
