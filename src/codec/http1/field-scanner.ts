import { findHeaderName, HEADER_NAMES, ID_CONTENT_LENGTH, ID_TRANSFER_ENCODING, NAME_HASH_SEED, TOKEN_LOWER } from '../../base/header-names.ts';
import { FIELD_OK } from './message-head.ts';
import type { FieldResult, MessageHead } from './message-head.ts';

/**
 * The quick way through header lines: one pass over the bytes, for lines as all sane peers write them. Whatever is the least bit
 * unusual (folding, bare LF, odd framing headers, more lines than the scratch table holds) is left to exact-head.ts, which judges
 * it as Envoy does. What this accepts, exact-head accepts with the same result; the fuzzer checks it.
 *
 * Hot: see docs/internals/hot-path.md; bench/micro/http1.ts.
 */

/** Results of `scanFields` other than the index behind the head. */
export const SCAN_INCOMPLETE = -1;
export const SCAN_UNUSUAL = -2;

const CR = 13;
const LF = 10;
const SP = 32;
const HT = 9;
const COLON = 58;

/** 1 for bytes that may stand in a field value: visible, obs-text, space and tab (RFC 9110 section 5.5). */
export const VALUE_BYTE: Uint8Array = buildValueTable();

function buildValueTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0x20; c <= 0xff; c++) table[c] = 1;
  table[0x7f] = 0;
  table[HT] = 1;
  return table;
}

/** Lines that one scan can hold; more are unusual. */
const MAX_LINES = 128;
/** Per line: id or -1, name start, name end, value start, value end. */
const LINE_CELLS = 5;
const lines = new Int32Array(MAX_LINES * LINE_CELLS);
let lineCount = 0;
let scannedLength = -1;
let scannedChunked = false;

/** Names that are not well known, by hash: the same name in the next message is the same string. */
const RECENT_NAMES = 256;
const recentNames: string[] = new Array<string>(RECENT_NAMES).fill('');
const hashes = new Int32Array(MAX_LINES);

/**
 * Scans field lines from `pos` on to the empty line. Returns the index behind the empty line, SCAN_INCOMPLETE when `end` comes first,
 * or SCAN_UNUSUAL. The result waits for `addScannedFields`, and lasts until the next scan.
 */
export function scanFields(data: Uint8Array, pos: number, end: number): number {
  lineCount = 0;
  scannedLength = -1;
  scannedChunked = false;
  let at = pos;
  for (;;) {
    if (at >= end) return SCAN_INCOMPLETE;
    if (data[at] === CR) {
      if (at + 1 >= end) return SCAN_INCOMPLETE;
      return data[at + 1] === LF ? at + 2 : SCAN_UNUSUAL;
    }
    const nameStart = at;
    let hash = NAME_HASH_SEED;
    let lower = TOKEN_LOWER[data[at]];
    while (lower !== 0) {
      hash = (Math.imul(hash, 31) + lower) | 0;
      if (++at >= end) return SCAN_INCOMPLETE;
      lower = TOKEN_LOWER[data[at]];
    }
    const nameEnd = at;
    if (data[at] !== COLON || nameEnd === nameStart || lineCount >= MAX_LINES) return SCAN_UNUSUAL;
    at++;
    while (at < end && (data[at] === SP || data[at] === HT)) at++;
    const valueStart = at;
    while (at < end && VALUE_BYTE[data[at]] === 1) at++;
    if (at + 1 >= end) return SCAN_INCOMPLETE;
    if (data[at] !== CR || data[at + 1] !== LF) return SCAN_UNUSUAL;
    let valueEnd = at;
    while (valueEnd > valueStart && (data[valueEnd - 1] === SP || data[valueEnd - 1] === HT)) valueEnd--;
    const id = findHeaderName(data, nameStart, nameEnd, hash);
    if ((id === ID_CONTENT_LENGTH || id === ID_TRANSFER_ENCODING) && !noteFraming(id, data, valueStart, valueEnd)) return SCAN_UNUSUAL;
    const cell = lineCount * LINE_CELLS;
    lines[cell] = id;
    lines[cell + 1] = nameStart;
    lines[cell + 2] = nameEnd;
    lines[cell + 3] = valueStart;
    lines[cell + 4] = valueEnd;
    hashes[lineCount++] = hash;
    at += 2;
  }
}

/** Content-Length of up to 15 digits or `Transfer-Encoding: chunked`, once: anything else is unusual. */
function noteFraming(id: number, data: Uint8Array, start: number, end: number): boolean {
  if (id === ID_TRANSFER_ENCODING) {
    if (scannedChunked || end - start !== 7) return false;
    for (let i = 0; i < 7; i++) if (TOKEN_LOWER[data[start + i]] !== CHUNKED[i]) return false;
    scannedChunked = true;
    return true;
  }
  if (scannedLength >= 0 || end === start || end - start > 15) return false;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = data[i] - 0x30;
    if (digit < 0 || digit > 9) return false;
    length = length * 10 + digit;
  }
  scannedLength = length;
  return true;
}

const CHUNKED: readonly number[] = [0x63, 0x68, 0x75, 0x6e, 0x6b, 0x65, 0x64];

/**
 * Adds the fields of the last scan to `head`. `text` is the Latin-1 text of the bytes from `base` on. Stops at the first field that
 * `head` refuses and returns why.
 */
export function addScannedFields(data: Uint8Array, text: string, base: number, head: MessageHead): FieldResult {
  for (let i = 0, cell = 0; i < lineCount; i++, cell += LINE_CELLS) {
    const id = lines[cell];
    const nameStart = lines[cell + 1];
    const nameEnd = lines[cell + 2];
    const name = id >= 0 ? HEADER_NAMES[id] : recentName(data, nameStart, nameEnd, hashes[i], text, base);
    const value = text.substring(lines[cell + 3] - base, lines[cell + 4] - base);
    const original = head.formatter === null ? name : text.substring(nameStart - base, nameEnd - base);
    const result = head.addField(id, name, value, original);
    if (result !== FIELD_OK) {
      // Envoy has metered the name of the next line when it judges this one.
      if (i + 1 < lineCount) head.fieldBytes += lines[cell + LINE_CELLS + 2] - lines[cell + LINE_CELLS + 1];
      return result;
    }
  }
  head.contentLength = scannedLength;
  head.isChunked = scannedChunked;
  return FIELD_OK;
}

function recentName(data: Uint8Array, start: number, end: number, hash: number, text: string, base: number): string {
  const slot = (hash ^ (hash >>> 13)) & (RECENT_NAMES - 1);
  const recent = recentNames[slot];
  if (recent.length === end - start) {
    let i = 0;
    while (i < recent.length && TOKEN_LOWER[data[start + i]] === recent.charCodeAt(i)) i++;
    if (i === recent.length) return recent;
  }
  const name = text.substring(start - base, end - base).toLowerCase();
  // A substring would keep the whole head alive in the table; long names are not worth a place.
  if (name.length <= 64) recentNames[slot] = Buffer.from(name, 'latin1').toString('latin1');
  return name;
}
