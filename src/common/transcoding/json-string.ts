/**
 * Strings as protobuf's JSON printer writes them: `<`, `>`, controls and the characters below are escaped; what is no UTF-8 becomes a space a
 * fault. In and out are bytes; the result is a byte string with its quotes.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const INVALID = -1;
const MAX_CODE_POINT = 0x10ffff;

/** Index = byte: 1 where an ASCII byte goes through as it is. */
const PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x7f; byte++) PLAIN[byte] = 1;
for (const char of '"\\<>') PLAIN[char.charCodeAt(0)] = 0;

const SHORT: ReadonlyMap<number, string> = new Map([
  [0x08, '\\b'], [0x09, '\\t'], [0x0a, '\\n'], [0x0c, '\\f'], [0x0d, '\\r'], [QUOTE, '\\"'], [BACKSLASH, '\\\\'], [INVALID, ' '],
]);

/** First and last code point of what is escaped beside the short ones. */
const ESCAPED: readonly (readonly [number, number])[] = [
  [0x00, 0x1f], [0x3c, 0x3c], [0x3e, 0x3e], [0x7f, 0x9f], [0xad, 0xad], [0x600, 0x603], [0x6dd, 0x6dd], [0x70f, 0x70f], [0x17b4, 0x17b5],
  [0x200b, 0x200f], [0x2028, 0x202e], [0x2060, 0x2064], [0x206a, 0x206f], [0xfeff, 0xfeff], [0xfff9, 0xfffb], [0x1d173, 0x1d17a],
  [0xe0001, 0xe0001], [0xe0020, 0xe007f],
];

export function jsonString(bytes: Buffer): string {
  let at = 0;
  while (at < bytes.length && PLAIN[bytes[at]] === 1) at++;
  if (at === bytes.length) return `"${bytes.latin1Slice(0, at)}"`;
  return escapeFrom(bytes, at);
}

function escapeFrom(bytes: Buffer, from: number): string {
  let out = `"${bytes.latin1Slice(0, from)}`;
  let at = from;
  while (at < bytes.length) {
    const start = at;
    while (at < bytes.length && PLAIN[bytes[at]] === 1) at++;
    if (at > start) out += bytes.latin1Slice(start, at);
    if (at >= bytes.length) break;
    const length = scalarLength(bytes, at);
    out += escaped(bytes, at, length);
    at += length;
  }
  return `${out}"`;
}

/** How many bytes the scalar at `at` takes, valid or not: up to and with the byte that breaks it. */
function scalarLength(bytes: Buffer, at: number): number {
  const more = continuations(bytes[at]);
  let length = 1;
  for (let i = 0; i < more && at + length < bytes.length; i++) {
    const byte = bytes[at + length];
    length++;
    if (byte >> 6 !== 2) break;
  }
  return length;
}

function continuations(lead: number): number {
  if (lead >= 0xc0 && lead < 0xe0) return 1;
  if (lead >= 0xe0 && lead < 0xf0) return 2;
  return lead >= 0xf0 && lead < 0xf8 ? 3 : 0;
}

function codePoint(bytes: Buffer, at: number, length: number): number {
  const lead = bytes[at];
  const more = continuations(lead);
  if (lead < 0x80) return lead;
  if (more === 0 || length !== more + 1) return INVALID;
  let scalar = lead & (0x3f >> more);
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i];
    if (byte >> 6 !== 2) return INVALID;
    scalar = scalar * 64 + (byte & 0x3f);
  }
  return scalar > MAX_CODE_POINT ? INVALID : scalar;
}

function escaped(bytes: Buffer, at: number, length: number): string {
  const scalar = codePoint(bytes, at, length);
  const short = SHORT.get(scalar);
  if (short !== undefined) return short;
  for (const [first, last] of ESCAPED) {
    if (scalar < first) break;
    if (scalar <= last) return unicodeEscape(scalar);
  }
  return bytes.latin1Slice(at, at + length);
}

function unicodeEscape(scalar: number): string {
  if (scalar < 0x10000) return unit(scalar);
  return unit(0xd800 + ((scalar - 0x10000) >> 10)) + unit(0xdc00 + (scalar & 0x3ff));
}

function unit(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
