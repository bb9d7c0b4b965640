import { DEFAULT_HEADER_TABLE_SIZE } from './decoder.ts';
import { ENTRY_OVERHEAD } from './dynamic-table.ts';
import { EncoderTable, NO_ENTRY } from './encoder-table.ts';
import { HUFFMAN_SLACK, HUFFMAN_TOO_LONG, huffmanLength, writeHuffman } from './huffman-encode.ts';
import { MAX_INTEGER_BYTES, writeInteger } from './integer.ts';
import { KnownName, KnownNames, MOST_WASTED, NOWHERE, VOLATILE } from './known-names.ts';
import type { OutBuffer } from './out-buffer.ts';
import { STATIC_COUNT, STATIC_VALUES } from './static-table.ts';

const INDEXED = 0x80;
const LITERAL_INDEXED = 0x40;
const SIZE_UPDATE = 0x20;
const LITERAL_NEVER_INDEXED = 0x10;
const LITERAL = 0x00;

/** Room beside name and value: two size updates, the index, two lengths. */
const OVERHEAD_ROOM = 5 * MAX_INTEGER_BYTES + HUFFMAN_SLACK;
/** Shorter strings are written character by character: cheaper than the call of Node's writer. */
const SHORT_TEXT = 12;
const PRINT_SLOTS = 64;

/**
 * HPACK encoder of one connection (RFC 7541). Representations are chosen for the fewest bytes and the least churn: what repeats is indexed;
 * a name whose values keep changing (request ids, traces) is found out after a few insertions, and then a value gets a place when it comes a second
 * time. Envoy's codec inserts all but the pseudo-headers, and `:authority`; the receiver cannot tell but by the size.
 *
 * Memory: the peer's table size, never more than `maxTableSize`, and a few hundred names.
 *
 * Hot: see docs/internals/hot-path.md; bench/micro/hpack.ts.
 */
export class HpackEncoder {
  private readonly table: EncoderTable;
  private readonly names: KnownNames;
  private readonly maxTableSize: number;
  private readonly huffman: boolean;
  /** Smallest and last table size to be announced at the beginning of the next block; -1 = nothing to announce. */
  private smallestUpdate: number;
  private pendingUpdate: number;
  /** The name that was encoded last; its `next` is the guess for this one. */
  private last: KnownName;
  /** Hashes of values that were written without a place. */
  private readonly prints: Int32Array;

  /** `maxTableSize`: the most that we use of the table that the peer allows. `huffman`: use the code where it is shorter. */
  constructor(maxTableSize: number, huffman: boolean) {
    const size = Math.min(maxTableSize, DEFAULT_HEADER_TABLE_SIZE);
    this.table = new EncoderTable(size);
    this.names = new KnownNames();
    this.maxTableSize = maxTableSize;
    this.huffman = huffman;
    this.smallestUpdate = size < DEFAULT_HEADER_TABLE_SIZE ? size : -1;
    this.pendingUpdate = this.smallestUpdate;
    this.last = new KnownName('');
    this.prints = new Int32Array(PRINT_SLOTS);
  }

  /** Bytes of the dynamic table in the measure of RFC 7541 section 4.1. */
  get tableSize(): number {
    return this.table.size;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, when its acknowledgement is sent. The next block announces what changes. */
  setMaxTableSize(size: number): void {
    const used = Math.min(size, this.maxTableSize);
    if (used === this.table.limit) return;
    this.smallestUpdate = this.pendingUpdate < 0 ? used : Math.min(this.smallestUpdate, used);
    this.pendingUpdate = used;
    this.table.resize(used);
  }

  /**
   * Appends one field to the header block in `out`. A block MUST have at least one: its beginning announces table sizes. Pseudo-headers come first; that is the caller's affair. `name` MUST be lower case. A
   * field that must not be put into any table, here or further on, is `neverIndex` (section 7.1.3); credentials and short cookies always are.
   */
  encode(name: string, value: string, out: OutBuffer, neverIndex = false): void {
    out.ensure(name.length + value.length + OVERHEAD_ROOM);
    if (this.pendingUpdate >= 0) this.writeSizeUpdates(out);
    let known = this.last.next;
    if (known === null || known.name !== name) {
      known = this.names.get(name, this.table.oldest);
      this.last.next = known;
    }
    this.last = known;
    if (neverIndex || value.length < known.neverIndexedBelow) {
      this.writeLiteral(LITERAL_NEVER_INDEXED, 0x0f, known, value, out);
      return;
    }
    const place = known.lastValue === value ? known.lastPlace : NOWHERE;
    if (place >= this.table.oldest) this.writeDynamic(place, known, out);
    else if (place < 0 && place !== NOWHERE) out.bytes[out.position++] = INDEXED | -place;
    else this.encodeOther(known, value, out);
  }

  /** Not the value that the name had last. */
  private encodeOther(known: KnownName, value: string, out: OutBuffer): void {
    for (let index = known.staticIndex; index < known.staticEnd; index++) {
      if (STATIC_VALUES[index] !== value) continue;
      known.lastValue = STATIC_VALUES[index];
      known.lastPlace = -index;
      out.bytes[out.position++] = INDEXED | index;
      return;
    }
    const number = this.table.find(known, value);
    if (number !== NO_ENTRY) {
      this.remember(known, number);
      this.writeDynamic(number, known, out);
    } else if (this.isWorthAPlace(known, value)) {
      this.writeLiteral(LITERAL_INDEXED, 0x3f, known, value, out);
      if (known.wasted < MOST_WASTED) known.wasted++;
      this.remember(known, this.table.insert(known, value));
    } else {
      this.writeLiteral(LITERAL, 0x0f, known, value, out);
    }
  }

  private remember(known: KnownName, number: number): void {
    known.lastValue = this.table.valueOf(number);
    known.lastPlace = number;
  }

  private writeDynamic(number: number, known: KnownName, out: OutBuffer): void {
    if (known.wasted > 0) known.wasted--;
    const index = this.table.next - number + STATIC_COUNT;
    if (index < 0x7f) out.bytes[out.position++] = INDEXED | index;
    else out.position = writeInteger(out.bytes, out.position, INDEXED, 0x7f, index);
  }

  /** An entry of more than three quarters of the table would cost more than it brings. */
  private isWorthAPlace(known: KnownName, value: string): boolean {
    if ((known.name.length + value.length + ENTRY_OVERHEAD) * 4 > this.table.limit * 3) return false;
    if (known.wasted < VOLATILE) return true;
    const print = printOf(value, known.name.length);
    const slot = print & (PRINT_SLOTS - 1);
    if (this.prints[slot] === print) return true;
    this.prints[slot] = print;
    return false;
  }

  private writeLiteral(opcode: number, prefix: number, known: KnownName, value: string, out: OutBuffer): void {
    const newest = known.newest;
    let index = known.staticIndex;
    if (index === 0 && newest >= this.table.oldest) index = this.table.next - newest + STATIC_COUNT;
    out.position = writeInteger(out.bytes, out.position, opcode, prefix, index);
    if (index === 0) this.writeString(known.name, out);
    this.writeString(value, out);
  }

  private writeString(text: string, out: OutBuffer): void {
    const length = text.length;
    const bytes = out.bytes;
    if (this.huffman && length > 0) {
      // The code must be shorter than the text. Below 127 bytes its length takes one byte, so it can be put in front afterwards.
      const start = length <= 127 ? out.position + 1 : writeInteger(bytes, out.position, 0x80, 0x7f, huffmanLength(text));
      const end = writeHuffman(bytes, start, start + length - 1, text);
      if (end !== HUFFMAN_TOO_LONG) {
        if (length <= 127) bytes[out.position] = 0x80 | (end - start);
        out.position = end;
        return;
      }
    }
    const at = writeInteger(bytes, out.position, 0, 0x7f, length);
    if (length < SHORT_TEXT) for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
    else bytes.latin1Write(text, at, length);
    out.position = at + length;
  }

  private writeSizeUpdates(out: OutBuffer): void {
    if (this.smallestUpdate < this.pendingUpdate) out.position = writeInteger(out.bytes, out.position, SIZE_UPDATE, 0x1f, this.smallestUpdate);
    out.position = writeInteger(out.bytes, out.position, SIZE_UPDATE, 0x1f, this.pendingUpdate);
    this.pendingUpdate = -1;
    this.smallestUpdate = -1;
  }
}

/** Characters of a value that its print looks at, from either end. */
const PRINT_SPAN = 32;

/** A hash of a value: its ends and its length. */
function printOf(value: string, seed: number): number {
  const length = value.length;
  let print = (seed << 16) ^ length;
  const head = Math.min(length, PRINT_SPAN);
  for (let i = 0; i < head; i++) print = (Math.imul(print, 31) + value.charCodeAt(i)) | 0;
  for (let i = Math.max(head, length - PRINT_SPAN); i < length; i++) print = (Math.imul(print, 31) + value.charCodeAt(i)) | 0;
  return print ^ (print >>> 15);
}
