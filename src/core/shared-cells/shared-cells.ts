import type { SharedCell, SharedCells } from '../../contract/shared-cells.ts';

/** Cells of one thread alone: the inline worker and most tests. */
export class LocalSharedCells implements SharedCells {
  private readonly blocks = new Map<string, readonly SharedCell[]>();

  cell(name: string): SharedCell {
    return this.block(name, 1)[0];
  }

  block(name: string, count: number): readonly SharedCell[] {
    let cells = this.blocks.get(name);
    if (cells === undefined) {
      cells = Array.from({ length: count }, () => new LocalCell());
      this.blocks.set(name, cells);
    }
    return cells;
  }

  free(name: string): void {
    this.blocks.delete(name);
  }

  freePrefix(prefix: string): void {
    for (const name of this.blocks.keys()) if (name.startsWith(prefix)) this.blocks.delete(name);
  }

  /** Blocks in use; for leak checks. */
  get size(): number {
    return this.blocks.size;
  }
}

class LocalCell implements SharedCell {
  private value = 0;

  load(): number {
    return this.value;
  }

  store(value: number): void {
    this.value = value | 0;
  }

  add(amount: number): number {
    this.value = (this.value + amount) | 0;
    return this.value;
  }

  /** A thread that dies takes its cells with it. */
  hold(amount: number): number {
    return this.add(amount);
  }

  compareExchange(expected: number, value: number): boolean {
    if (this.value !== expected) return false;
    this.value = value | 0;
    return true;
  }
}
