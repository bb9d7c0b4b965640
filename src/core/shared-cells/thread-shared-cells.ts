import type { SharedCell, SharedCells } from '../../contract/shared-cells.ts';

/**
 * Cells in one SharedArrayBuffer, found by name from any thread without a message: the buffer holds a directory of names beside the cells,
 * guarded by a lock that is only taken at load.
 *
 * The buffer is big but costs memory only where it has been touched (the system gives pages on first write). Layout, in 32-bit words:
 * header · directory (open addressing, 4 words an entry) · names (UTF-16 code units packed two a word, first their count) · cells.
 *
 * A block is its cells, and behind them for every worker a row of what that worker holds of each (SharedCell.hold): only the worker
 * writes its row, and main subtracts the row when the worker has died.
 */
const LOCK = 0;
const CELL_TOP = 1;
const NAME_TOP = 2;
const USED = 3;
/** Heads of free lists by size class (power of two of the block's length). */
const FREE_LISTS = 8;
const SIZE_CLASSES = 24;
const HEADER = FREE_LISTS + SIZE_CLASSES;
const ENTRY = 4;
/** Entry words. */
const HASH = 0;
const AT = 1;
const COUNT = 2;
const NAME = 3;
/** AT of an entry that was freed: the search goes on behind it. */
const TOMBSTONE = -1;

export interface SharedCellSizes {
  /** Names that fit; a power of two. */
  readonly names: number;
  /** Words for names and for cells. */
  readonly nameWords: number;
  readonly cellWords: number;
}

/** 1 million names, 16 million words of names, 32 million cells: 200 MiB of addresses, not of memory. */
const DEFAULT_SIZES: SharedCellSizes = { names: 1 << 20, nameWords: 1 << 24, cellWords: 1 << 25 };

/** What threads pass each other. */
export interface SharedCellSpace {
  readonly buffer: SharedArrayBuffer;
  readonly sizes: SharedCellSizes;
  /** Workers that have a row of their own. */
  readonly rows: number;
  /** Row of the thread that this is for; -1 = none (main, whose death ends everything). */
  readonly row: number;
}

/** Makes the space; main thread, once. `rows` = workers. */
export function createSharedCellSpace(rows: number, sizes: SharedCellSizes = DEFAULT_SIZES): SharedCellSpace {
  const words = HEADER + sizes.names * ENTRY + sizes.nameWords + sizes.cellWords;
  return { buffer: new SharedArrayBuffer(words * 4), sizes, rows, row: -1 };
}

/** One thread's view of the space. */
export class ThreadSharedCells implements SharedCells {
  private readonly words: Int32Array;
  private readonly sizes: SharedCellSizes;
  private readonly rows: number;
  private readonly row: number;
  private readonly nameBase: number;
  private readonly cellBase: number;

  constructor(space: SharedCellSpace) {
    this.words = new Int32Array(space.buffer);
    this.sizes = space.sizes;
    this.rows = space.rows;
    this.row = space.row;
    this.nameBase = HEADER + space.sizes.names * ENTRY;
    this.cellBase = this.nameBase + space.sizes.nameWords;
  }

  cell(name: string): SharedCell {
    return this.block(name, 1)[0];
  }

  block(name: string, count: number): readonly SharedCell[] {
    this.lock();
    const at = this.find(name, hashOf(name)) ?? this.add(name, count);
    this.unlock();
    const cells: SharedCell[] = [];
    const held = at + count * (1 + this.row);
    for (let i = 0; i < count; i++) cells.push(new WordCell(this.words, at + i, this.row < 0 ? -1 : held + i));
    return cells;
  }

  /** Takes back what a dead worker holds. Main thread, before the row is used again. Returns the names of the blocks that it changed. */
  reclaim(row: number): string[] {
    const changed: string[] = [];
    this.lock();
    for (let i = 0; i < this.sizes.names; i++) {
      const entry = HEADER + i * ENTRY;
      if (this.words[entry + AT] > 0 && this.reclaimBlock(entry, row)) changed.push(this.nameAt(this.words[entry + NAME]));
    }
    this.unlock();
    return changed;
  }

  private reclaimBlock(entry: number, row: number): boolean {
    const { words } = this;
    const at = words[entry + AT];
    const count = words[entry + COUNT];
    let changed = false;
    for (let i = 0; i < count; i++) {
      const heldAt = at + count * (1 + row) + i;
      const held = words[heldAt];
      if (held === 0) continue;
      words[heldAt] = 0;
      Atomics.sub(words, at + i, held);
      changed = true;
    }
    return changed;
  }

  free(name: string): void {
    this.lock();
    this.freeEntry(this.search(name, hashOf(name)));
    this.unlock();
  }

  freePrefix(prefix: string): void {
    this.lock();
    for (let i = 0; i < this.sizes.names; i++) {
      const entry = HEADER + i * ENTRY;
      if (this.words[entry + AT] > 0 && this.nameAt(this.words[entry + NAME]).startsWith(prefix)) this.freeEntry(entry);
    }
    this.unlock();
  }

  /** Names in use; for leak checks. */
  get size(): number {
    return Atomics.load(this.words, USED);
  }

  private find(name: string, hash: number): number | null {
    const entry = this.search(name, hash);
    return entry < 0 ? null : this.words[entry + AT];
  }

  /** Index of the name's entry or -1. */
  private search(name: string, hash: number): number {
    const { words } = this;
    const mask = this.sizes.names - 1;
    for (let i = hash & mask, steps = 0; steps <= mask; i = (i + 1) & mask, steps++) {
      const entry = HEADER + i * ENTRY;
      const at = words[entry + AT];
      if (at === 0) return -1;
      if (at !== TOMBSTONE && words[entry + HASH] === hash && this.nameIs(words[entry + NAME], name)) return entry;
    }
    return -1;
  }

  private add(name: string, count: number): number {
    const hash = hashOf(name);
    const { words } = this;
    // Three quarters full is full: searches stay short.
    if (words[USED] >= (this.sizes.names / 4) * 3) return this.exhausted('names');
    const at = this.allocate(this.cellBase, CELL_TOP, this.sizes.cellWords, this.wordsOf(count), 'cells');
    words.fill(0, at, at + this.wordsOf(count));
    const mask = this.sizes.names - 1;
    let i = hash & mask;
    while (words[HEADER + i * ENTRY + AT] > 0) i = (i + 1) & mask;
    const entry = HEADER + i * ENTRY;
    words[entry + HASH] = hash;
    words[entry + AT] = at;
    words[entry + COUNT] = count;
    words[entry + NAME] = this.storeName(name);
    words[USED]++;
    return at;
  }

  private freeEntry(entry: number): void {
    if (entry < 0) return;
    const { words } = this;
    this.release(words[entry + AT], this.wordsOf(words[entry + COUNT]));
    const name = words[entry + NAME];
    this.release(name, nameSize(words[name]));
    words[entry + AT] = TOMBSTONE;
    words[USED]--;
  }

  /** Of a block: its cells and every worker's row. */
  private wordsOf(count: number): number {
    return count * (1 + this.rows);
  }

  private allocate(base: number, top: number, limit: number, count: number, what: string): number {
    const { words } = this;
    const sizeClass = classOf(count);
    // Cells and names share the free lists: a block is words, whatever it was.
    const free = words[FREE_LISTS + sizeClass];
    if (free !== 0) {
      words[FREE_LISTS + sizeClass] = words[free];
      return free;
    }
    const size = 1 << sizeClass;
    if (words[top] + size > limit) return this.exhausted(what);
    const at = base + words[top];
    words[top] += size;
    return at;
  }

  private release(at: number, count: number): void {
    const sizeClass = classOf(count);
    this.words[at] = this.words[FREE_LISTS + sizeClass];
    this.words[FREE_LISTS + sizeClass] = at;
  }

  private storeName(name: string): number {
    const size = nameSize(name.length);
    const at = this.allocate(this.nameBase, NAME_TOP, this.sizes.nameWords, size, 'name words');
    const { words } = this;
    words[at] = name.length;
    for (let i = 0; i < name.length; i += 2) {
      const low = name.charCodeAt(i);
      const high = i + 1 < name.length ? name.charCodeAt(i + 1) : 0;
      words[at + 1 + (i >> 1)] = low | (high << 16);
    }
    return at;
  }

  private nameIs(at: number, name: string): boolean {
    return this.words[at] === name.length && this.nameAt(at) === name;
  }

  private nameAt(at: number): string {
    const { words } = this;
    const length = words[at];
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode((words[at + 1 + (i >> 1)] >>> ((i & 1) * 16)) & 0xffff);
    return text;
  }

  private exhausted(what: string): never {
    this.unlock();
    throw new Error(`shared cells: out of ${what}`);
  }

  /** A spin lock with sleep: it is held for microseconds, at load only. */
  private lock(): void {
    while (Atomics.compareExchange(this.words, LOCK, 0, 1) !== 0) Atomics.wait(this.words, LOCK, 1, 1);
  }

  private unlock(): void {
    Atomics.store(this.words, LOCK, 0);
    Atomics.notify(this.words, LOCK, 1);
  }
}

class WordCell implements SharedCell {
  private readonly words: Int32Array;
  private readonly at: number;
  /** This thread's own part, or -1. */
  private readonly heldAt: number;

  constructor(words: Int32Array, at: number, heldAt: number) {
    this.words = words;
    this.at = at;
    this.heldAt = heldAt;
  }

  load(): number {
    return Atomics.load(this.words, this.at);
  }

  store(value: number): void {
    Atomics.store(this.words, this.at, value);
  }

  add(amount: number): number {
    return (Atomics.add(this.words, this.at, amount) + amount) | 0;
  }

  hold(amount: number): number {
    if (this.heldAt >= 0) this.words[this.heldAt] += amount;
    return (Atomics.add(this.words, this.at, amount) + amount) | 0;
  }

  compareExchange(expected: number, value: number): boolean {
    return Atomics.compareExchange(this.words, this.at, expected, value) === expected;
  }
}

function nameSize(length: number): number {
  return 1 + ((length + 1) >> 1);
}

function classOf(count: number): number {
  return 32 - Math.clz32(Math.max(1, count) - 1);
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return hash | 0;
}
