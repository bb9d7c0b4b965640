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
  /** A scope below this one; `prefix` without a final dot. */
  scope(prefix: string): Scope;
  dispose(): void;
}
