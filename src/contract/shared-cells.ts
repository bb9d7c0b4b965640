/**
 * Numbers that all threads change together (ARCHITECTURE section 3): circuit-breaker counts, per-host active requests, health flags,
 * token buckets. Cells live in shared memory and are found by name; the same name is the same cell on every thread.
 */
export interface SharedCell {
  /** Present value, a 32-bit signed integer. */
  load(): number;
  store(value: number): void;
  /** Adds atomically and returns the NEW value. */
  add(amount: number): number;
  /** Replaces `expected` by `value` atomically; false when another thread was quicker. */
  compareExchange(expected: number, value: number): boolean;
}

export interface SharedCells {
  /** Finds or makes the cell called `name`; at load only. */
  cell(name: string): SharedCell;
}
