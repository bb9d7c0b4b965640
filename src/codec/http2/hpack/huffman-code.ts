/**
 * The Huffman code of RFC 7541 appendix B. It is canonical: symbols sorted by length and then value have consecutive codes, so the
 * lengths say everything.
 */

/** The symbol that no string may have; its first bits are the padding. */
export const EOS = 256;
export const SYMBOL_COUNT = 257;
/** Bits of the longest code. */
export const MAX_CODE_BITS = 30;

/** Bits of each symbol's code. */
// prettier-ignore
export const CODE_BITS: Uint8Array = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
);

/** Symbols in the order of their codes. */
export const SYMBOLS_BY_CODE: Uint16Array = Uint16Array.from({ length: SYMBOL_COUNT }, (_, symbol) => symbol).sort(
  (a, b) => CODE_BITS[a] - CODE_BITS[b] || a - b,
);

/** Each symbol's code in the low bits. */
export const CODES: Uint32Array = buildCodes();

function buildCodes(): Uint32Array {
  const codes = new Uint32Array(SYMBOL_COUNT);
  let code = 0;
  let bits = CODE_BITS[SYMBOLS_BY_CODE[0]];
  for (const symbol of SYMBOLS_BY_CODE) {
    code <<= CODE_BITS[symbol] - bits;
    bits = CODE_BITS[symbol];
    codes[symbol] = code++;
  }
  return codes;
}
