import type { SharedCell } from '../../contract/shared-cells.ts';

/** Health flags have several writers (checks, outlier detection, discovery): bits are changed one by one. */

export function hasFlag(cell: SharedCell, flag: number): boolean {
  return (cell.load() & flag) !== 0;
}

export function setFlag(cell: SharedCell, flag: number): void {
  for (;;) {
    const before = cell.load();
    if ((before & flag) === flag || cell.compareExchange(before, before | flag)) return;
  }
}

export function clearFlag(cell: SharedCell, flag: number): void {
  for (;;) {
    const before = cell.load();
    if ((before & flag) === 0 || cell.compareExchange(before, before & ~flag)) return;
  }
}
