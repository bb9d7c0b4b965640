/**
 * Text of HTTP messages is bytes, held as strings with one character a byte (Latin-1; see HeaderMap). Configuration text is Unicode.
 * What is compared with, or written into, a message goes through `toByteString` once, at load.
 */

const NON_ASCII = /[^\x00-\x7f]/;

/** The UTF-8 bytes of `text`, one character a byte; ASCII text is returned as it is. */
export function toByteString(text: string): string {
  return NON_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The text of a byte string; what is not UTF-8 becomes U+FFFD. */
export function fromByteString(bytes: string): string {
  return /^[\0-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Lower case of A-Z only, as Envoy compares: bytes above 0x7f stay (String.toLowerCase would change them). */
export function asciiLowerCase(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return lowerSlow(text);
    if (code >= 0x41 && code <= 0x5a) return NON_ASCII.test(text) ? lowerSlow(text) : text.toLowerCase();
  }
  return text;
}

function lowerSlow(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    out += code >= 0x41 && code <= 0x5a ? String.fromCharCode(code + 32) : text[i];
  }
  return out;
}

/** Equality that ignores the case of A-Z. */
export function equalsIgnoreCase(a: string, b: string): boolean {
  return a.length === b.length && (a === b || asciiLowerCase(a) === asciiLowerCase(b));
}

/** A base-10 integer as absl::SimpleAtoi reads it (surrounding white space, one sign), or null. Safe integers only. */
export function parseInteger(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed.length === 0 || trimmed.length > 20) return null;
  let i = 0;
  if (trimmed[0] === '-' || trimmed[0] === '+') i = 1;
  if (i === trimmed.length) return null;
  for (let at = i; at < trimmed.length; at++) {
    const code = trimmed.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return null;
  }
  return Number(trimmed);
}

/** An unsigned base-10 integer as absl::SimpleAtoi reads it, or -1. */
export function parseUint(text: string): number {
  const value = parseInteger(text);
  return value === null || value < 0 || Object.is(value, -0) ? -1 : value;
}
