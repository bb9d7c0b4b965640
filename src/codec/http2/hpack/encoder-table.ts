import { ENTRY_OVERHEAD } from './dynamic-table.ts';
import type { KnownName } from './known-names.ts';

/** Number of an entry that is not there. Numbers count insertions from 0. */
export const NO_ENTRY = -1;

const FIRST_SLOTS = 16;
/** Entries of one name that a search looks at: bounds its cost whatever the peer of the other side sends. */
const MAX_SEARCHED = 32;
/** V8 makes a substring of 13 characters and more a view that keeps the whole parent alive. */
const SHORTEST_VIEW = 13;

/**
 * The encoder's view of the peer's dynamic table (RFC 7541 section 2.3.2): a ring by entry number. Entries of one name are chained from the
 * newest, which the name knows, to older ones.
 */
export class EncoderTable {
  /** Bytes that the entries may take, and those that they take (section 4.1). */
  limit: number;
  size: number;
  /** Number of the oldest live entry, and of the next one: `[oldest, next)` are alive. */
  oldest: number;
  next: number;
  private values: string[];
  private names: (KnownName | null)[];
  private older: Float64Array;
  private mask: number;

  constructor(limit: number) {
    this.limit = limit;
    this.size = 0;
    this.oldest = 0;
    this.next = 0;
    this.values = [];
    this.names = [];
    this.older = new Float64Array(0);
    this.mask = -1;
  }

  /** Number of the newest of the entries with this name and value that are searched, or NO_ENTRY. */
  find(known: KnownName, value: string): number {
    let number = known.newest;
    for (let i = 0; i < MAX_SEARCHED && number >= this.oldest; i++) {
      const slot = number & this.mask;
      if (this.values[slot] === value) return number;
      number = this.older[slot];
    }
    return NO_ENTRY;
  }

  /** Adds an entry that MUST fit into the table, evicting others; returns its number. */
  insert(known: KnownName, value: string): number {
    const size = known.name.length + value.length + ENTRY_OVERHEAD;
    this.evictDownTo(this.limit - size);
    if (this.next - this.oldest > this.mask) this.grow();
    const number = this.next++;
    const slot = number & this.mask;
    this.values[slot] = value.length < SHORTEST_VIEW ? value : ownCopy(value);
    this.names[slot] = known;
    this.older[slot] = known.newest;
    this.size += size;
    known.newest = number;
    return number;
  }

  valueOf(number: number): string {
    return this.values[number & this.mask];
  }

  resize(limit: number): void {
    this.limit = limit;
    this.evictDownTo(limit);
  }

  private evictDownTo(size: number): void {
    while (this.size > size && this.oldest < this.next) {
      const slot = this.oldest++ & this.mask;
      const known = this.names[slot];
      if (known === null) continue;
      this.size -= known.name.length + this.values[slot].length + ENTRY_OVERHEAD;
      known.forget(this.oldest - 1);
      this.values[slot] = '';
      this.names[slot] = null;
    }
  }

  private grow(): void {
    const slots = this.mask < 0 ? FIRST_SLOTS : (this.mask + 1) * 2;
    const values = new Array<string>(slots).fill('');
    const names = new Array<KnownName | null>(slots).fill(null);
    const older = new Float64Array(slots);
    for (let number = this.oldest; number < this.next; number++) {
      const from = number & this.mask;
      const to = number & (slots - 1);
      values[to] = this.values[from];
      names[to] = this.names[from];
      older[to] = this.older[from];
    }
    this.values = values;
    this.names = names;
    this.older = older;
    this.mask = slots - 1;
  }
}

let copySpace = Buffer.allocUnsafeSlow(4096);

function ownCopy(value: string): string {
  if (copySpace.length < value.length) copySpace = Buffer.allocUnsafeSlow(value.length);
  copySpace.latin1Write(value, 0, value.length);
  return copySpace.latin1Slice(0, value.length);
}
