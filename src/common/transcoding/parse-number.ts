/**
 * Text to numbers as protobuf's converter reads it. Text is a byte string. Results are null where the text is no number of the type; 64-bit values
 * are bigints where a number would not be exact.
 */

const MAX_INT32 = 0x7fffffff;
const MIN_INT32 = -0x80000000;
const MAX_UINT32 = 0xffffffff;
const MAX_INT64 = (1n << 63n) - 1n;
const MIN_INT64 = -(1n << 63n);
const MAX_UINT64 = (1n << 64n) - 1n;
/** So many digits are always exact. */
const SAFE_DIGITS = 15;
/** Leading zeros count too: more digits than this are read digit by digit for their value only. */
const MAX_DIGITS = 20;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** An integer with surrounding spaces and one sign; null if it is none or out of 64 bits either way. */
function integer(text: string): number | bigint | null {
  let from = 0;
  let to = text.length;
  while (from < to && text.charCodeAt(from) === 0x20) from++;
  while (to > from && text.charCodeAt(to - 1) === 0x20) to--;
  const sign = text.charCodeAt(from);
  const negative = sign === 0x2d;
  if (from < to && (negative || sign === 0x2b)) from++;
  if (from >= to) return null;
  for (let at = from; at < to; at++) if (!isDigit(text.charCodeAt(at))) return null;
  while (to - from > SAFE_DIGITS && text.charCodeAt(from) === 0x30) from++;
  const digits = text.slice(from, to);
  if (digits.length <= SAFE_DIGITS) {
    const value = Number(digits);
    return negative ? 0 - value : value;
  }
  if (digits.length > MAX_DIGITS) return null;
  const exact = negative ? -BigInt(digits) : BigInt(digits);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
}

export function parseInt32(text: string): number | null {
  const value = integer(text);
  return typeof value === 'number' && value >= MIN_INT32 && value <= MAX_INT32 ? value : null;
}

export function parseUint32(text: string): number | null {
  const value = parseUint64(text);
  return typeof value === 'number' && value <= MAX_UINT32 ? value : null;
}

export function parseInt64(text: string): number | bigint | null {
  const value = integer(text);
  return typeof value === 'bigint' && (value > MAX_INT64 || value < MIN_INT64) ? null : value;
}

/** A minus sign is refused even before zero. */
export function parseUint64(text: string): number | bigint | null {
  const value = text.includes('-') ? null : integer(text);
  return value !== null && value <= MAX_UINT64 ? value : null;
}

/** What C's strtod takes as a whole, white space around it too; out of range gives an infinity. Null if it is no number. */
export function parseDouble(text: string): number | null {
  const nul = text.indexOf('\0');
  const trimmed = trimSpace(nul < 0 ? text : text.slice(0, nul));
  if (trimmed === '') return null;
  for (let at = 0; at < trimmed.length; at++) {
    const code = trimmed.charCodeAt(at);
    if (!isDigit(code) && code !== 0x2e && code !== 0x65 && code !== 0x45 && code !== 0x2b && code !== 0x2d) return otherDouble(trimmed);
  }
  const value = Number(trimmed);
  return Number.isNaN(value) ? null : value;
}

function trimSpace(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** White space of C in ASCII. */
export function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

const HEX = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^[+-]?inf(inity)?$/i;
const NOT_A_NUMBER = /^[+-]?nan(\(\w*\))?$/i;

function otherDouble(text: string): number | null {
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (NOT_A_NUMBER.test(text)) return NaN;
  const [whole, sign, before = '', after = '', exponent = '0'] = HEX.exec(text) ?? [];
  if (whole === undefined || before + after === '') return null;
  let value = 0;
  for (const digit of before + after) value = value * 16 + parseInt(digit, 16);
  return (sign === '-' ? -value : value) * 2 ** (Number(exponent) - 4 * after.length);
}

/** "true", "t", "yes", "y", "1" and their contraries, in any case. */
export function parseBool(text: string): boolean | null {
  switch (text.toLowerCase()) {
    case 'true': case 't': case 'yes': case 'y': case '1': return true;
    case 'false': case 'f': case 'no': case 'n': case '0': return false;
    default: return null;
  }
}
