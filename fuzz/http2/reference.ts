/**
 * A second HPACK decoder, written for being plainly right: arrays, bits as text, exceptions. The fuzzer compares the fast one with it.
 */
import { CODE_BITS, CODES, EOS, SYMBOL_COUNT } from '../../src/codec/http2/hpack/huffman-code.ts';
import { STATIC_NAMES, STATIC_VALUES } from '../../src/codec/http2/hpack/static-table.ts';

export type Field = readonly [name: string, value: string];

const symbols = new Map<string, number>();
for (let symbol = 0; symbol < SYMBOL_COUNT; symbol++) symbols.set(CODES[symbol].toString(2).padStart(CODE_BITS[symbol], '0'), symbol);

function huffman(data: Buffer): string {
  let text = '';
  let code = '';
  for (const byte of data) {
    for (const bit of byte.toString(2).padStart(8, '0')) {
      code += bit;
      const symbol = symbols.get(code);
      if (symbol === undefined) continue;
      if (symbol === EOS) throw new Error('EOS');
      text += String.fromCharCode(symbol);
      code = '';
    }
  }
  if (code.length > 7 || code.includes('0')) throw new Error('padding');
  return text;
}

export class ReferenceDecoder {
  /** Newest first. */
  readonly entries: Field[] = [];
  private limit = 4096;
  private acknowledged = 4096;
  private lowest = 4096;
  private data: Buffer = Buffer.alloc(0);
  private at = 0;

  get tableSize(): number {
    return this.entries.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  }

  setMaxTableSize(size: number): void {
    this.acknowledged = size;
    this.lowest = Math.min(this.lowest, size);
  }

  /** The fields, or an exception. */
  decode(block: Buffer): Field[] {
    this.data = block;
    this.at = 0;
    const fields: Field[] = [];
    let mustUpdate = this.lowest < this.tableSize || this.acknowledged < this.limit;
    while (this.at < block.length) {
      const byte = block[this.at];
      if (byte >> 5 === 1) {
        const size = this.integer(5);
        if (fields.length > 0 || size > (mustUpdate ? this.lowest : this.acknowledged)) throw new Error('update');
        mustUpdate = false;
        this.lowest = this.acknowledged;
        this.limit = size;
        this.evict(size);
        continue;
      }
      if (mustUpdate) throw new Error('no update');
      if (byte >> 7 === 1) {
        fields.push(this.entry(this.integer(7)));
        continue;
      }
      const isInserted = byte >> 6 === 1;
      const index = this.integer(isInserted ? 6 : 4);
      const name = index === 0 ? this.string() : this.entry(index)[0];
      const field: Field = [name, this.string()];
      fields.push(field);
      if (!isInserted) continue;
      const size = field[0].length + field[1].length + 32;
      this.evict(this.limit - size);
      if (size <= this.limit) this.entries.unshift(field);
    }
    if (mustUpdate) throw new Error('no update');
    return fields;
  }

  private evict(size: number): void {
    while (this.tableSize > size && this.entries.length > 0) this.entries.pop();
  }

  private entry(index: number): Field {
    if (index >= 1 && index <= 61) return [STATIC_NAMES[index], STATIC_VALUES[index]];
    const entry = this.entries[index - 62];
    if (index === 0 || entry === undefined) throw new Error('index');
    return entry;
  }

  private integer(bits: number): number {
    const mask = 2 ** bits - 1;
    const first = this.next() & mask;
    if (first < mask) return first;
    let value = BigInt(mask);
    for (let group = 0; ; group++) {
      if (group === 5) throw new Error('integer');
      const byte = this.next();
      value += BigInt(byte & 0x7f) << BigInt(7 * group);
      if (value > 0xffff_ffffn) throw new Error('integer');
      if (byte < 0x80) return Number(value);
    }
  }

  private string(): string {
    if (this.at >= this.data.length) throw new Error('truncated');
    const isHuffman = this.data[this.at] >= 0x80;
    const length = this.integer(7);
    const end = this.at + length;
    if (end > this.data.length) throw new Error('truncated');
    const bytes = this.data.subarray(this.at, end);
    this.at = end;
    return isHuffman ? huffman(bytes) : bytes.toString('latin1');
  }

  private next(): number {
    if (this.at >= this.data.length) throw new Error('truncated');
    return this.data[this.at++];
  }
}
