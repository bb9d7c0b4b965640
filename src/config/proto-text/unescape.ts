import { TextFault } from './lexer.ts';

const SIMPLE = new Map<string, number>([
  ['a', 7],
  ['b', 8],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
  ['?', 63],
  ['\\', 92],
  ["'", 39],
  ['"', 34],
]);

const OCTAL = /[0-7]{1,3}/y;
const HEX = /[xX]([0-9a-fA-F]{1,2})/y;
const UNICODE = /u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})/y;

/** The bytes of a text-format string without its quotes: C escapes, and UTF-8 for everything else. */
export function unescapeBytes(text: string, offset: number): Uint8Array {
  if (!text.includes('\\')) return Buffer.from(text, 'utf8');
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', start)) {
    parts.push(Buffer.from(text.slice(start, at), 'utf8'));
    const [bytes, length] = escapeAt(text, at + 1, offset);
    parts.push(bytes);
    start = at + 1 + length;
  }
  parts.push(Buffer.from(text.slice(start), 'utf8'));
  return Buffer.concat(parts);
}

/** The bytes of one escape and how many characters it takes after the backslash. */
function escapeAt(text: string, at: number, offset: number): [Uint8Array, number] {
  const simple = SIMPLE.get(text.charAt(at));
  if (simple !== undefined) return [Uint8Array.of(simple), 1];
  for (const expression of [OCTAL, HEX, UNICODE]) {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (match === null) continue;
    if (expression === OCTAL) return [Uint8Array.of(parseInt(match[0], 8) & 0xff), match[0].length];
    if (expression === HEX) return [Uint8Array.of(parseInt(match[1] ?? '0', 16)), match[0].length];
    const point = parseInt(match[1] ?? match[2] ?? '0', 16);
    if (point > 0x10ffff) break;
    return [Buffer.from(String.fromCodePoint(point), 'utf8'), match[0].length];
  }
  throw new TextFault(offset, `invalid escape \\${text.charAt(at)}`);
}
