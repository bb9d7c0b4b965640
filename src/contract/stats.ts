/** Statistics as the data path sees them. Names are dot-joined; `:` in addresses is written `_`. Handles are taken at load, never per request. */

export interface Counter {
  readonly name: string;
  inc(): void;
  add(amount: number): void;
  /** Value of this thread's row. */
  readonly value: number;
}

export interface Gauge {
  readonly name: string;
  inc(): void;
  dec(): void;
  add(amount: number): void;
  sub(amount: number): void;
  /** Only for gauges with one writer (main thread); the others change by inc/dec so that rows add up. */
  set(value: number): void;
  readonly value: number;
}

export type HistogramUnit = 'unspecified' | 'bytes' | 'microseconds' | 'milliseconds' | 'percent';

export interface Histogram {
  readonly name: string;
  readonly unit: HistogramUnit;
  /** Records an integer ≥ 0 in the histogram's unit. */
  record(value: number): void;
}

export interface TextReadout {
  readonly name: string;
  set(value: string): void;
  readonly value: string;
}

/** Names below one prefix. Asking twice for one name gives the same handle. Scopes free their stats when disposed (config update). */
export interface Scope {
  /** Full prefix with its final dot, or empty for the root. */
  readonly prefix: string;
  counter(name: string): Counter;
  gauge(name: string): Gauge;
  histogram(name: string, unit: HistogramUnit): Histogram;
  textReadout(name: string): TextReadout;
  /**
   * A family of stats whose names are known at build time (all of a cluster's). Costs next to nothing until a handle is asked for, while
   * listings show every member as zero from the start: 10,000 clusters have a million stats, of which few are ever touched.
   * Take handles once, when the owner is first used; the same block for the same schema and prefix.
   */
  block(schema: StatsSchema): StatsBlock;
  /** A scope below this one; `prefix` without a final dot. */
  scope(prefix: string): Scope;
  dispose(): void;
}

/** Names (relative to the scope) of one family; made by `defineStatsSchema` as a module constant. */
export interface StatsSchema {
  /** Unique in the process, such as `cluster`; the same on all threads. */
  readonly id: string;
  readonly counters: readonly string[];
  readonly gauges: readonly string[];
  readonly histograms: readonly (readonly [name: string, unit: HistogramUnit])[];
  /** Gauges of a thread that died stay in the sum (as counters do), because other threads undo what it did. Default false. */
  readonly gaugesOutliveThreads?: boolean;
}

/** Handles by name; asking for a name that the schema lacks is a bug. The handle for one name is made once. */
export interface StatsBlock {
  counter(name: string): Counter;
  gauge(name: string): Gauge;
  histogram(name: string): Histogram;
}
