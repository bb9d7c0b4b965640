import { CODE_BITS, CODES } from './huffman-code.ts';

/** Huffman encoding of strings (RFC 7541 section 5.2). Characters are bytes: only the low eight bits count. */

/** Code (bits 0-14) and its length (16-19) of the symbols that have up to 15 bits, all usual text; 0 for the others. */
const shortCodes: Int32Array = Int32Array.from({ length: 256 }, (_, symbol) => (CODE_BITS[symbol] <= 15 ? CODES[symbol] | (CODE_BITS[symbol] << 16) : 0));

/** Bytes that `text` takes in Huffman code. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i) & 0xff];
  return (bits + 7) >>> 3;
}

/** Result of `writeHuffman` when the code does not fit. */
export const HUFFMAN_TOO_LONG = -1;
/** Bytes behind `limit` that `writeHuffman` may write into before it sees that the code does not fit. */
export const HUFFMAN_SLACK = 8;

/**
 * Puts the code of `text` into `target` at `at`, ending at `limit` at the latest; returns the index behind it, or HUFFMAN_TOO_LONG.
 * The caller has made room up to `limit` and HUFFMAN_SLACK.
 */
export function writeHuffman(target: Uint8Array, at: number, limit: number, text: string): number {
  // Bits not written yet are the low `count` ones of `pending`, fewer than 16 between symbols; what is above them is of no account.
  let pending = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    const short = shortCodes[symbol];
    if (short !== 0) {
      const bits = short >>> 16;
      pending = (pending << bits) | (short & 0xffff);
      count += bits;
    } else {
      if (count >= 8) {
        count -= 8;
        target[at++] = pending >>> count;
      }
      // 7 bits and 15 of the code, then 15 more.
      const bits = CODE_BITS[symbol] - 15;
      pending = (pending << bits) | (CODES[symbol] >>> 15);
      for (count += bits; count >= 8; target[at++] = pending >>> count) count -= 8;
      pending = (pending << 15) | (CODES[symbol] & 0x7fff);
      count += 15;
    }
    if (count >= 16) {
      count -= 16;
      const both = pending >>> count;
      target[at] = both >>> 8;
      target[at + 1] = both;
      at += 2;
      if (at > limit) return HUFFMAN_TOO_LONG;
    }
  }
  if (count >= 8) {
    count -= 8;
    target[at++] = pending >>> count;
  }
  if (count > 0) target[at++] = (pending << (8 - count)) | (0xff >>> count);
  return at > limit ? HUFFMAN_TOO_LONG : at;
}
