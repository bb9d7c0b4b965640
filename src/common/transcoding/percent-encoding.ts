/** How much of a path's percent encoding is undone where a variable takes several segments. */
export const UNESCAPE_ALL_EXCEPT_RESERVED = 0;
export const UNESCAPE_ALL_EXCEPT_SLASH = 1;
export const UNESCAPE_ALL = 2;
export type UrlUnescapeSpec = 0 | 1 | 2;

/** Reserved characters of RFC 6570. */
const RESERVED = new Uint8Array(256);
for (const char of "!#$&'()*+,/:;=?@[]") RESERVED[char.charCodeAt(0)] = 1;

const PERCENT = 0x25;
const PLUS = 0x2b;
const SLASH = 0x2f;

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Undoes %XX, and `+` for a space if `unescapePlus`; what is no escape stays. Byte strings. */
export function urlUnescape(text: string, spec: UrlUnescapeSpec, unescapePlus: boolean): string {
  let out = '';
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === PLUS && unescapePlus) {
      out += `${text.slice(from, at)} `;
      from = at + 1;
    } else if (code === PERCENT) {
      const byte = escapedByte(text, at, spec);
      if (byte < 0) continue;
      out += text.slice(from, at) + String.fromCharCode(byte);
      at += 2;
      from = at + 1;
    }
  }
  return from === 0 ? text : out + text.slice(from);
}

/** The byte of the escape at `at`, or -1 when it stays. */
function escapedByte(text: string, at: number, spec: UrlUnescapeSpec): number {
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  if (high < 0 || low < 0) return -1;
  const byte = high * 16 + low;
  if (spec === UNESCAPE_ALL_EXCEPT_RESERVED && RESERVED[byte] === 1) return -1;
  return spec === UNESCAPE_ALL_EXCEPT_SLASH && byte === SLASH ? -1 : byte;
}
