import type { DataPiece } from './data-piece.ts';

/**
 * Takes the events of a JSON text, in order. `name` is the member's name in its object, a byte string; empty for list elements and the root.
 * Faults are reported to the listener at the end of the chain; events after one are taken and ignored.
 */
export interface ObjectWriter {
  startObject(name: string): void;
  endObject(): void;
  startList(name: string): void;
  endList(): void;
  render(name: string, data: DataPiece): void;
}
