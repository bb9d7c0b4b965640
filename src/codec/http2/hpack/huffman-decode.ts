import { CODE_BITS, CODES, EOS, MAX_CODE_BITS, SYMBOL_COUNT, SYMBOLS_BY_CODE } from './huffman-code.ts';

/**
 * Huffman decoding (RFC 7541 section 5.2): twelve bits at a time through a table that gives one or two symbols; the codes longer than that,
 * which no usual text has, bit by bit.
 *
 * Hot: see docs/internals/hot-path.md; bench/micro/hpack.ts.
 */

/** Result of `decodeHuffman` for input that is no code. */
export const HUFFMAN_INVALID = -1;

/** Room that the symbols of so many bytes take at the most, with one byte to spare: the shortest code has 5 bits. */
export function huffmanRoom(encodedBytes: number): number {
  return ((encodedBytes * 8) / 5 + 2) >>> 0;
}

const WINDOW = 12;
const WINDOW_MASK = (1 << WINDOW) - 1;
/**
 * By the next twelve bits: first symbol (bits 0-7), second symbol (8-15), bits of both (16-19), bits of the first (20-23), whether there
 * are two (24). 0 = the code is longer than the window.
 */
const windows: Int32Array = buildWindows();

function buildWindows(): Int32Array {
  const first = new Int16Array(1 << WINDOW).fill(-1);
  for (let symbol = 0; symbol < EOS; symbol++) {
    const spare = WINDOW - CODE_BITS[symbol];
    if (spare >= 0) first.fill(symbol, CODES[symbol] << spare, (CODES[symbol] + 1) << spare);
  }
  return Int32Array.from(first, (symbol, window) => {
    if (symbol < 0) return 0;
    const bits = CODE_BITS[symbol];
    const second = first[(window << bits) & WINDOW_MASK];
    const one = symbol | (bits << 20);
    if (second < 0 || bits + CODE_BITS[second] > WINDOW) return one | (bits << 16);
    return one | (second << 8) | ((bits + CODE_BITS[second]) << 16) | (1 << 24);
  });
}

let rare = false;

/**
 * Whether what `decodeHuffman` returned last has bytes with codes longer than the window: all control characters are among them, so
 * that the rest needs no look at what they are.
 */
export function hasRareSymbols(): boolean {
  return rare;
}

/**
 * Decodes `data[start, end)` into `target` from 0 on, which has `huffmanRoom(end - start)` bytes. Returns the number of bytes, or
 * HUFFMAN_INVALID.
 */
export function decodeHuffman(data: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let at = start;
  let out = 0;
  // The low `count` bits of `bits` are the ones not decoded yet.
  let bits = 0;
  let count = 0;
  rare = false;
  for (;;) {
    if (count < WINDOW) {
      if (at + 1 < end) {
        bits = (bits << 16) | (data[at] << 8) | data[at + 1];
        at += 2;
        count += 16;
      } else if (at < end) {
        bits = (bits << 8) | data[at++];
        count += 8;
        continue;
      } else break;
    }
    const found = windows[(bits >>> (count - WINDOW)) & WINDOW_MASK];
    if (found === 0) {
      const symbol = longSymbol(data, at * 8 - count, end * 8);
      if (symbol < 0) return HUFFMAN_INVALID;
      rare = true;
      target[out++] = symbol;
      const next = at * 8 - count + CODE_BITS[symbol];
      at = (next + 7) >>> 3;
      count = at * 8 - next;
      bits = count === 0 ? 0 : data[at - 1];
      continue;
    }
    // The second symbol is written even when there is none: it is overwritten by the next one.
    target[out] = found;
    target[out + 1] = found >>> 8;
    out += 1 + (found >>> 24);
    count -= (found >>> 16) & 15;
  }
  return decodeRest(bits, count, target, out);
}

/** The last bits, fewer than a window: single symbols, then padding. */
function decodeRest(bits: number, left: number, target: Uint8Array, written: number): number {
  let count = left;
  let out = written;
  while (count > 0) {
    const ones = (1 << count) - 1;
    if (count < 8 && (bits & ones) === ones) return out;
    // Filled up with ones: what is cut short or padding of a byte and more is the beginning of no code that fits.
    const spare = WINDOW - count;
    const found = windows[((bits << spare) | ((1 << spare) - 1)) & WINDOW_MASK];
    const length = (found >>> 20) & 15;
    if (found === 0 || length > count) return HUFFMAN_INVALID;
    target[out++] = found;
    count -= length;
  }
  return out;
}

/** First code of each length, and its place in SYMBOLS_BY_CODE less that code. */
const firstCodes = new Int32Array(MAX_CODE_BITS + 1);
const placeOffsets = new Int32Array(MAX_CODE_BITS + 1);
const codeCounts = new Int32Array(MAX_CODE_BITS + 1);

function fillCanonicalTables(): void {
  for (let place = SYMBOL_COUNT - 1; place >= 0; place--) {
    const symbol = SYMBOLS_BY_CODE[place];
    const bits = CODE_BITS[symbol];
    firstCodes[bits] = CODES[symbol];
    placeOffsets[bits] = place - CODES[symbol];
    codeCounts[bits]++;
  }
}
fillCanonicalTables();

/** The symbol whose code begins at bit `position`; negative when the bits up to `end` have none, or EOS. */
function longSymbol(data: Uint8Array, position: number, end: number): number {
  let code = 0;
  let at = position;
  for (let bits = 1; bits <= MAX_CODE_BITS && at < end; bits++, at++) {
    code = (code << 1) | ((data[at >>> 3] >>> (7 - (at & 7))) & 1);
    if (code - firstCodes[bits] < codeCounts[bits] && code >= firstCodes[bits]) {
      const symbol = SYMBOLS_BY_CODE[code + placeOffsets[bits]];
      return symbol === EOS ? HUFFMAN_INVALID : symbol;
    }
  }
  return HUFFMAN_INVALID;
}
