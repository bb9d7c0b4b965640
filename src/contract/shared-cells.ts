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
  /**
   * As `add`, for what this thread holds and gives back later (requests and connections that are open now): should the thread die before, the
   * main thread takes the rest back.
   */
  hold(amount: number): number;
  /** Replaces `expected` by `value` atomically; false when another thread was quicker. */
  compareExchange(expected: number, value: number): boolean;
}

export interface SharedCells {
  /** Finds or makes the cell called `name`; at load only. */
  cell(name: string): SharedCell;
  /**
   * Finds or makes `count` neighbouring cells under one name (one entry of the directory for all numbers of a host or cluster). A name
   * MUST be asked for with the same count everywhere. `cell(name)` is the first of a block of one.
   */
  block(name: string, count: number): readonly SharedCell[];
  /** Gives a name's cells back. Main thread only, when no thread uses them any more. Harmless for an unknown name. */
  free(name: string): void;
  /** `free` for every name that begins with `prefix`. */
  freePrefix(prefix: string): void;
}
