/** What an entry takes beside its name and value (RFC 7541 section 4.1). */
export const ENTRY_OVERHEAD = 32;

const FIRST_SLOTS = 16;

/**
 * The decoder's dynamic table (RFC 7541 section 2.3.2): a ring of ready strings, newest first. Its memory is bounded by `limit`, in the
 * RFC's measure, plus one slot for each 32 bytes of that.
 */
export class DynamicTable {
  /** Bytes that the entries may take; lowered and raised by the peer's updates. */
  limit: number;
  /** Bytes that they take. */
  size: number;
  count: number;
  private names: string[];
  private values: string[];
  private tags: Int32Array;
  /** Slot of the newest entry; older ones follow upwards, round the end. */
  private newest: number;
  private mask: number;

  constructor(limit: number) {
    this.limit = limit;
    this.size = 0;
    this.count = 0;
    this.names = [];
    this.values = [];
    this.tags = new Int32Array(0);
    this.newest = 0;
    this.mask = -1;
  }

  /** `age` 0 = the newest entry; MUST be below `count`. */
  nameAt(age: number): string {
    return this.names[(this.newest + age) & this.mask];
  }

  valueAt(age: number): string {
    return this.values[(this.newest + age) & this.mask];
  }

  tagAt(age: number): number {
    return this.tags[(this.newest + age) & this.mask];
  }

  /** Inserts an entry, evicting what is in its way; one that is larger than the table only empties it (section 4.4). */
  insert(name: string, value: string, tag: number): void {
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.evictDownTo(this.limit - size);
    if (size > this.limit) return;
    if (this.count > this.mask) this.grow();
    this.newest = (this.newest - 1) & this.mask;
    this.names[this.newest] = name;
    this.values[this.newest] = value;
    this.tags[this.newest] = tag;
    this.count++;
    this.size += size;
  }

  /** A dynamic table size update. */
  resize(limit: number): void {
    this.limit = limit;
    this.evictDownTo(limit);
  }

  private evictDownTo(size: number): void {
    while (this.size > size && this.count > 0) {
      const slot = (this.newest + --this.count) & this.mask;
      this.size -= this.names[slot].length + this.values[slot].length + ENTRY_OVERHEAD;
      this.names[slot] = '';
      this.values[slot] = '';
    }
  }

  private grow(): void {
    const slots = this.count === 0 ? FIRST_SLOTS : (this.mask + 1) * 2;
    const names = new Array<string>(slots).fill('');
    const values = new Array<string>(slots).fill('');
    const tags = new Int32Array(slots);
    for (let age = 0; age < this.count; age++) {
      names[age] = this.nameAt(age);
      values[age] = this.valueAt(age);
      tags[age] = this.tagAt(age);
    }
    this.names = names;
    this.values = values;
    this.tags = tags;
    this.newest = 0;
    this.mask = slots - 1;
  }
}
