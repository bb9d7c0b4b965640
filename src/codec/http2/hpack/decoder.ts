import { DynamicTable } from './dynamic-table.ts';
import { HPACK_HUFFMAN_ERROR, HPACK_INTEGER_ERROR, HPACK_INVALID_INDEX, HPACK_INVALID_NAME_INDEX, HPACK_MISSING_SIZE_UPDATE, HPACK_OK, HPACK_SIZE_UPDATE_ABOVE_LOW_WATER_MARK, HPACK_SIZE_UPDATE_ABOVE_SETTING, HPACK_SIZE_UPDATE_NOT_ALLOWED, HPACK_STRING_TOO_LONG, HPACK_TRUNCATED } from './errors.ts';
import type { HpackResult } from './errors.ts';
import { lastNameTag, paddingTag, readName, valueTag } from './field-tag.ts';
import { decodeHuffman, hasRareSymbols, huffmanRoom } from './huffman-decode.ts';
import { INTEGER_TRUNCATED, integerEnd, readInteger } from './integer.ts';
import { shortText } from './short-text.ts';
import { STATIC_COUNT, STATIC_NAMES, STATIC_TAGS, STATIC_VALUES } from './static-table.ts';

/** Takes the fields of a header block in order. */
export interface HeaderSink {
  /**
   * One field as it came, unchecked: `tag` (field-tag.ts) says which name it is and what is wrong with it. Returns false to get no more
   * of this block; the decoder goes on alone to keep its table right, without making strings that nobody wants.
   */
  onHeader(name: string, value: string, tag: number): boolean;
}

/** What SETTINGS_HEADER_TABLE_SIZE is until it is set (RFC 9113 section 6.5.2). */
export const DEFAULT_HEADER_TABLE_SIZE = 4096;

/** Strings are looked at before they become strings; grows to the longest literal that the frame layer's limit lets through. */
let scratch = Buffer.allocUnsafeSlow(4096);

/**
 * HPACK decoder of one connection (RFC 7541). Strings in the table and names are ready made and shared, so a header that repeats costs
 * one call of the sink.
 *
 * After an error the connection MUST end: the decoder is of no use any more. Memory: the table's limit; the caller bounds the length of a
 * block.
 *
 * Hot: see docs/internals/hot-path.md; bench/micro/hpack.ts.
 */
export class HpackDecoder {
  private readonly table: DynamicTable;
  private readonly maxStringLength: number;
  /** The table size that the peer has acknowledged last, and the smallest of those since its last update. */
  private acknowledged: number;
  private lowest: number;
  /** State of the block: where the next byte is, the result so far, whether the sink wants more, whether a field has come. */
  private at: number;
  private result: HpackResult;
  private delivering: boolean;
  private fieldSeen: boolean;
  private updateRequired: boolean;
  /** What the last string literal was. */
  private tag: number;

  /**
   * `maxTableSize`: bytes in force when the connection begins; on HTTP/2 DEFAULT_HEADER_TABLE_SIZE, whatever our settings say, until they are
   * acknowledged. `maxStringLength`: bytes of an encoded name or value.
   */
  constructor(maxTableSize: number, maxStringLength = 0x3fff_ffff) {
    this.table = new DynamicTable(maxTableSize);
    this.maxStringLength = maxStringLength;
    this.acknowledged = maxTableSize;
    this.lowest = maxTableSize;
    this.at = 0;
    this.result = HPACK_OK;
    this.delivering = true;
    this.fieldSeen = false;
    this.updateRequired = false;
    this.tag = 0;
  }

  /** Bytes of the dynamic table in the measure of RFC 7541 section 4.1. */
  get tableSize(): number {
    return this.table.size;
  }

  /** The peer has acknowledged our SETTINGS_HEADER_TABLE_SIZE. When it is smaller than before, the next block must begin with an update. */
  setMaxTableSize(size: number): void {
    this.acknowledged = size;
    if (size < this.lowest) this.lowest = size;
  }

  /** Decodes a whole header block `block[start, end)`. `sink` MUST NOT use this decoder meanwhile. */
  decode(block: Buffer, start: number, end: number, sink: HeaderSink): HpackResult {
    this.delivering = true;
    this.result = HPACK_OK;
    this.fieldSeen = false;
    this.updateRequired = this.lowest < this.table.size || this.acknowledged < this.table.limit;
    const table = this.table;
    let at = start;
    while (at < end) {
      const byte = block[at];
      if (byte > 0x80 && byte < 0xff && !this.updateRequired) {
        // The common case, all in one place: an indexed field of one byte.
        at++;
        this.fieldSeen = true;
        const index = byte & 0x7f;
        if (index <= STATIC_COUNT) {
          if (this.delivering && !sink.onHeader(STATIC_NAMES[index], STATIC_VALUES[index], STATIC_TAGS[index])) this.delivering = false;
          continue;
        }
        const age = index - STATIC_COUNT - 1;
        if (age >= table.count) return HPACK_INVALID_INDEX;
        if (this.delivering && !sink.onHeader(table.nameAt(age), table.valueAt(age), table.tagAt(age))) this.delivering = false;
        continue;
      }
      this.at = at;
      this.decodeOther(byte, block, end, sink);
      if (this.result !== HPACK_OK) return this.result;
      at = this.at;
    }
    return this.updateRequired ? HPACK_MISSING_SIZE_UPDATE : HPACK_OK;
  }

  /** Any representation. Leaves `this.result` and `this.at`. */
  private decodeOther(byte: number, block: Buffer, end: number, sink: HeaderSink): void {
    if ((byte & 0xe0) === 0x20) {
      this.updateSize(block, end);
      return;
    }
    if (this.updateRequired) {
      this.result = HPACK_MISSING_SIZE_UPDATE;
      return;
    }
    this.fieldSeen = true;
    if (byte >= 0x80) {
      const index = this.integer(block, end, 0x7f);
      if (index >= 0) this.deliverIndexed(index, sink);
    } else if (byte >= 0x40) {
      this.literal(block, end, 0x3f, true, sink);
    } else {
      this.literal(block, end, 0x0f, false, sink);
    }
  }

  private deliverIndexed(index: number, sink: HeaderSink): void {
    const age = index - STATIC_COUNT - 1;
    if (index === 0 || age >= this.table.count) {
      this.result = HPACK_INVALID_INDEX;
      return;
    }
    if (!this.delivering) return;
    this.delivering =
      age < 0
        ? sink.onHeader(STATIC_NAMES[index], STATIC_VALUES[index], STATIC_TAGS[index])
        : sink.onHeader(this.table.nameAt(age), this.table.valueAt(age), this.table.tagAt(age));
  }

  /** A literal, with its name by index or as a string; `insert` = with incremental indexing. */
  private literal(block: Buffer, end: number, prefix: number, insert: boolean, sink: HeaderSink): void {
    const index = this.integer(block, end, prefix);
    if (index < 0) return;
    const isWanted = insert || this.delivering;
    let name = '';
    let tag = 0;
    if (index === 0) {
      name = this.string(block, end, true, isWanted);
      tag = this.tag;
    } else if (index <= STATIC_COUNT) {
      name = STATIC_NAMES[index];
      tag = STATIC_TAGS[index];
    } else {
      const age = index - STATIC_COUNT - 1;
      if (age >= this.table.count) {
        this.result = HPACK_INVALID_NAME_INDEX;
        return;
      }
      name = this.table.nameAt(age);
      tag = this.table.tagAt(age) & NAME_BITS;
    }
    if (this.result !== HPACK_OK) return;
    const value = this.string(block, end, false, isWanted);
    if (this.result !== HPACK_OK) return;
    tag |= this.tag;
    if (insert) this.table.insert(name, value, tag);
    if (this.delivering) this.delivering = sink.onHeader(name, value, tag);
  }

  /** A string literal; its bits are left in `this.tag`. Not `isWanted`: it is only checked. */
  private string(block: Buffer, end: number, isName: boolean, isWanted: boolean): string {
    if (this.at >= end) {
      this.result = HPACK_TRUNCATED;
      return '';
    }
    const isHuffman = block[this.at] >= 0x80;
    const length = this.integer(block, end, 0x7f);
    if (length < 0) return '';
    const start = this.at;
    if (length > this.maxStringLength || length > end - start) {
      this.result = length > this.maxStringLength ? HPACK_STRING_TOO_LONG : HPACK_TRUNCATED;
      return '';
    }
    this.at = start + length;
    if (!isHuffman) return isWanted ? this.text(block, start, this.at, isName, true) : '';
    const room = huffmanRoom(length);
    if (scratch.length < room) scratch = Buffer.allocUnsafeSlow(room * 2);
    const decoded = decodeHuffman(block, start, this.at, scratch);
    if (decoded < 0) {
      this.result = HPACK_HUFFMAN_ERROR;
      return '';
    }
    return isWanted ? this.text(scratch, 0, decoded, isName, hasRareSymbols()) : '';
  }

  /** `mayBeBad`: the bytes of a value have to be looked at. */
  private text(data: Buffer, start: number, end: number, isName: boolean, mayBeBad: boolean): string {
    if (isName) {
      const name = readName(data, start, end);
      this.tag = lastNameTag();
      return name;
    }
    this.tag = mayBeBad ? valueTag(data, start, end) : paddingTag(data, start, end);
    return shortText(data, start, end);
  }

  /** The integer at `this.at`, which is in the block; negative with `this.result` set. */
  private integer(block: Buffer, end: number, prefix: number): number {
    const first = block[this.at++] & prefix;
    if (first < prefix) return first;
    const value = readInteger(block, this.at, end, prefix);
    if (value < 0) {
      this.result = value === INTEGER_TRUNCATED ? HPACK_TRUNCATED : HPACK_INTEGER_ERROR;
      return value;
    }
    this.at = integerEnd();
    return value;
  }

  /**
   * Only at the beginning of a block, the first no larger than the smallest size acknowledged since the last (section 4.2). Two are all that an
   * encoder needs; Envoy's library takes any number, and they cost a byte each.
   */
  private updateSize(block: Buffer, end: number): void {
    const size = this.integer(block, end, 0x1f);
    if (size < 0) return;
    if (this.fieldSeen) this.result = HPACK_SIZE_UPDATE_NOT_ALLOWED;
    else if (this.updateRequired && size > this.lowest) this.result = HPACK_SIZE_UPDATE_ABOVE_LOW_WATER_MARK;
    else if (size > this.acknowledged) this.result = HPACK_SIZE_UPDATE_ABOVE_SETTING;
    if (this.result !== HPACK_OK) return;
    this.updateRequired = false;
    this.lowest = this.acknowledged;
    this.table.resize(size);
  }
}

/** Bits of a tag that belong to the name. */
const NAME_BITS = 0x3ff | 0x400 | 0x2000;
