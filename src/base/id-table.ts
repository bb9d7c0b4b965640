/** With fewer places a table is not made. */
const SMALLEST = 16;

/**
 * Objects by a positive integer, for tables whose entries come and go with every request. A `Map` would make a new table every so many entries,
 * and each old one keeps what it held, and the tables after it, alive until the old generation is collected: garbage of many requests then
 * survives scavenges. Here a place that is left is empty at once.
 */
export class IdTable<T extends object> {
  size: number;
  private keys: Int32Array;
  private items: (T | null)[];
  private mask: number;
  /** Of a hash, to the number of its first place. */
  private shift: number;

  constructor() {
    this.size = 0;
    this.keys = new Int32Array(SMALLEST);
    this.items = emptyPlaces(SMALLEST);
    this.mask = SMALLEST - 1;
    this.shift = shiftOf(SMALLEST);
  }

  /** `id` is from 1 to 2^31-1. */
  get(id: number): T | undefined {
    const { keys, mask } = this;
    for (let at = place(id, this.shift); keys[at] !== 0; at = (at + 1) & mask) if (keys[at] === id) return this.items[at] ?? undefined;
    return undefined;
  }

  set(id: number, item: T): void {
    if ((this.size + 1) * 2 > this.mask) this.grow();
    const { keys, mask } = this;
    let at = place(id, this.shift);
    while (keys[at] !== 0 && keys[at] !== id) at = (at + 1) & mask;
    if (keys[at] === 0) this.size++;
    keys[at] = id;
    this.items[at] = item;
  }

  /** Whether it was there. */
  delete(id: number): boolean {
    const { keys, mask } = this;
    let at = place(id, this.shift);
    for (; keys[at] !== 0; at = (at + 1) & mask) if (keys[at] === id) break;
    if (keys[at] === 0) return false;
    this.size--;
    this.closeGap(at);
    return true;
  }

  /** All items, in no order; a copy, so that items may leave during a walk. */
  values(): T[] {
    const all: T[] = [];
    for (const item of this.items) if (item !== null) all.push(item);
    return all;
  }

  /** Moves those behind the gap that would not be found across it. */
  private closeGap(from: number): void {
    const { keys, items, mask, shift } = this;
    let gap = from;
    for (let at = (gap + 1) & mask; keys[at] !== 0; at = (at + 1) & mask) {
      // How far from its own place it stands, and how far it is behind the gap.
      if (((at - place(keys[at], shift)) & mask) < ((at - gap) & mask)) continue;
      keys[gap] = keys[at];
      items[gap] = items[at];
      gap = at;
    }
    keys[gap] = 0;
    items[gap] = null;
  }

  private grow(): void {
    const { keys, items } = this;
    const size = (this.mask + 1) * 2;
    this.keys = new Int32Array(size);
    this.items = emptyPlaces<T>(size);
    this.mask = size - 1;
    this.shift = shiftOf(size);
    this.size = 0;
    for (let i = 0; i < keys.length; i++) {
      const item = items[i];
      if (item !== null) this.set(keys[i], item);
    }
    items.fill(null);
  }
}

/**
 * Ids of one side are all odd or all even, and follow each other: side by side they would be one run, which every deletion would walk to its end.
 * Fibonacci hashing (Knuth, volume 3, section 6.4) puts them evenly over the table.
 */
function place(id: number, shift: number): number {
  return Math.imul(id >>> 1, GOLDEN) >>> shift;
}

/** 2^32 divided by the golden ratio, odd. */
const GOLDEN = 0x9e37_79b1;

function shiftOf(size: number): number {
  return Math.clz32(size) + 1;
}

function emptyPlaces<T>(count: number): (T | null)[] {
  return new Array<T | null>(count).fill(null);
}
