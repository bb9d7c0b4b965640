import type { SharedCell, SharedCells } from '../../contract/shared-cells.ts';

/** Cells of one thread, by name. */
export class FakeSharedCells implements SharedCells {
  readonly blocks = new Map<string, readonly FakeCell[]>();

  cell(name: string): SharedCell {
    return this.block(name, 1)[0];
  }

  block(name: string, count: number): readonly SharedCell[] {
    let cells = this.blocks.get(name);
    if (cells === undefined) this.blocks.set(name, (cells = Array.from({ length: count }, () => new FakeCell())));
    return cells;
  }

  free(name: string): void {
    this.blocks.delete(name);
  }

  freePrefix(prefix: string): void {
    for (const name of this.blocks.keys()) if (name.startsWith(prefix)) this.blocks.delete(name);
  }
}

class FakeCell implements SharedCell {
  value = 0;

  load(): number {
    return this.value;
  }

  store(value: number): void {
    this.value = value | 0;
  }

  add(amount: number): number {
    return (this.value = (this.value + amount) | 0);
  }

  hold(amount: number): number {
    return this.add(amount);
  }

  compareExchange(expected: number, value: number): boolean {
    if (this.value !== expected) return false;
    this.value = value | 0;
    return true;
  }
}
