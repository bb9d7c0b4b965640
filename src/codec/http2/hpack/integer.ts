/**
 * Integers of RFC 7541 section 5.1: values up to 2^32 - 1, in at most five continuation bytes. An encoder may pad with zero groups within
 * these, as with Envoy's library.
 */

/** Results of `readInteger` that are no value. */
export const INTEGER_TRUNCATED = -1;
export const INTEGER_TOO_LARGE = -2;

const MAX_SHIFT = 28;
const MAX_VALUE = 0xffff_ffff;

let after = 0;

/** Where the integer that `readInteger` returned last ends. */
export function integerEnd(): number {
  return after;
}

/** Reads the continuation bytes at `at` of an integer whose prefix is full; `prefix` is the prefix's mask (127, 63, 31, 15). */
export function readInteger(data: Uint8Array, at: number, end: number, prefix: number): number {
  let value = prefix;
  let shift = 0;
  for (let i = at; i < end; i++) {
    const byte = data[i];
    value += shift < 21 ? (byte & 0x7f) << shift : (byte & 0x7f) * 2 ** shift;
    if (value > MAX_VALUE || shift > MAX_SHIFT) return INTEGER_TOO_LARGE;
    if (byte < 0x80) {
      after = i + 1;
      return value;
    }
    shift += 7;
  }
  return INTEGER_TRUNCATED;
}

/** Bytes that `writeInteger` writes at the most, for values below 2^31. */
export const MAX_INTEGER_BYTES = 6;

/** Writes `value` at `at` behind the bits of `opcode`; `prefix` as above. Returns the index behind it. */
export function writeInteger(target: Uint8Array, at: number, opcode: number, prefix: number, value: number): number {
  if (value < prefix) {
    target[at] = opcode | value;
    return at + 1;
  }
  target[at++] = opcode | prefix;
  let rest = value - prefix;
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}
