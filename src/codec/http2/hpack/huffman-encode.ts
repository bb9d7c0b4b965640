import { CODE_BITS, CODES } from './huffman-code.ts';

/** Huffman encoding of strings (RFC 7541 section 5.2). Characters are bytes: only the low eight bits count. */

/** Bytes that `text` takes in Huffman code. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i) & 0xff];
  return (bits + 7) >>> 3;
}

/** Puts the code of `text` into `target` at `at`; the caller has made room for `huffmanLength`. Returns the index behind it. */
export function writeHuffman(target: Uint8Array, at: number, text: string): number {
  // Bits not written yet are the low `count` ones of `pending`, fewer than 8 between symbols; what is above them is of no account.
  let pending = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    let code = CODES[symbol];
    let bits = CODE_BITS[symbol];
    if (bits > 24) {
      // 7 pending bits and these would not fit into 32: first the upper part.
      bits -= 16;
      pending = (pending << bits) | (code >>> 16);
      count += bits;
      for (; count >= 8; target[at++] = pending >>> count) count -= 8;
      code &= 0xffff;
      bits = 16;
    }
    pending = (pending << bits) | code;
    count += bits;
    for (; count >= 8; target[at++] = pending >>> count) count -= 8;
  }
  if (count > 0) target[at++] = (pending << (8 - count)) | (0xff >>> count);
  return at;
}
