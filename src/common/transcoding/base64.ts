import { isSpace } from './parse-number.ts';

/** Base64 as absl reads it: white space anywhere, padding whole or none (`.` counts as `=`), one of the two alphabets, loose last bits. */

const STANDARD = alphabet('+', '/');
const WEB_SAFE = alphabet('-', '_');
const NONE = 0xff;

function alphabet(c62: string, c63: string): Uint8Array {
  const table = new Uint8Array(256).fill(0xff);
  const chars = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${c62}${c63}`;
  for (let i = 0; i < chars.length; i++) table[chars.charCodeAt(i)] = i;
  return table;
}

/** The bytes, or null; the web-safe alphabet is tried first. */
export function decodeBase64(text: string): Buffer | null {
  return decode(text, WEB_SAFE) ?? decode(text, STANDARD);
}

export function decodeWebSafeBase64(text: string): Buffer | null {
  return decode(text, WEB_SAFE);
}

function decode(text: string, table: Uint8Array): Buffer | null {
  const out = Buffer.allocUnsafe(Math.ceil(text.length * 0.75) + 1);
  let length = 0;
  let bits = 0;
  let held = 0;
  let at = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const value = table[code];
    if (value === NONE) {
      if (isSpace(code)) continue;
      break;
    }
    bits = (bits << 6) | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[length++] = (bits >> held) & 0xff;
      bits &= (1 << held) - 1;
    }
  }
  // 0, 4 or 2 bits are left over after 4, 2 or 3 characters; 6 after a lone one.
  if (held === 6) return null;
  const padding = countPadding(text, at);
  const expected = held === 4 ? 2 : held === 2 ? 1 : 0;
  return padding === 0 || padding === expected ? out.subarray(0, length) : null;
}

/** How many padding characters end the text; -1 when there is anything else. */
function countPadding(text: string, from: number): number {
  let count = 0;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x3d || code === 0x2e) count++;
    else if (!isSpace(code)) return -1;
  }
  return count;
}
