/** Remembers how a peer wrote header names (Envoy's StatefulHeaderKeyFormatter); travels with the map to the encoder. */
export interface StatefulHeaderKeyFormatter {
  /** The name as it is to be written. */
  format(name: string): string;
  /** The peer's reason phrase where it is to be passed on, else empty. */
  readonly reasonPhrase: string;
}

/**
 * The headers of one message: a flat list of name and value pairs in the order in which they came.
 *
 * Names MUST be lower case; values are byte strings, one character a byte (Latin-1), without leading or trailing whitespace, CR,
 * LF or NUL: the codec that makes a map guarantees it, a filter that writes one keeps it. Pseudo-headers (`:method`, `:path`,
 * `:authority`, `:scheme`, `:status`) are entries like all others; HTTP/1's `Host` is `:authority`.
 * An entry repeated by the peer is an entry repeated here, but for the names that Envoy keeps in slots: their values are joined with a comma
 * by the codec (lists in base/header-names.ts). Lookups are linear: maps are small, and names that codecs and
 * filters share are the same string object, so a miss costs one pointer comparison an entry.
 *
 * A map belongs to one stream at a time: whoever receives it through a `decode…`/`encode…` call may change it until that call's
 * successor runs.
 */
export class HeaderMap {
  private names: string[];
  private values: string[];
  /** How HTTP/1 writes the names of this message when its decoder remembers their case; null = as the encoder is configured. */
  keyFormatter: StatefulHeaderKeyFormatter | null;

  constructor() {
    this.names = [];
    this.values = [];
    this.keyFormatter = null;
  }

  /** Builds a map from pairs; for tests and rare paths. */
  static of(...pairs: readonly (readonly [string, string])[]): HeaderMap {
    const map = new HeaderMap();
    for (const [name, value] of pairs) map.add(name, value);
    return map;
  }

  get size(): number {
    return this.names.length;
  }

  nameAt(index: number): string {
    return this.names[index];
  }

  valueAt(index: number): string {
    return this.values[index];
  }

  setValueAt(index: number, value: string): void {
    this.values[index] = value;
  }

  /** Index of the first entry called `name` at or after `from`, or -1. */
  indexOf(name: string, from = 0): number {
    const names = this.names;
    for (let i = from; i < names.length; i++) if (names[i] === name) return i;
    return -1;
  }

  has(name: string): boolean {
    return this.indexOf(name) >= 0;
  }

  /** Value of the first entry called `name`, or undefined. */
  get(name: string): string | undefined {
    const names = this.names;
    for (let i = 0; i < names.length; i++) if (names[i] === name) return this.values[i];
    return undefined;
  }

  /** All values of `name` in order; allocates. */
  getAll(name: string): string[] {
    const all: string[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) all.push(this.values[i]);
    return all;
  }

  /** All values of `name` joined with `separator`, or undefined when there is none. */
  getJoined(name: string, separator = ','): string | undefined {
    const first = this.indexOf(name);
    if (first < 0) return undefined;
    let joined = this.values[first];
    for (let i = this.indexOf(name, first + 1); i >= 0; i = this.indexOf(name, i + 1)) joined += separator + this.values[i];
    return joined;
  }

  /** Appends an entry. */
  add(name: string, value: string): void {
    this.names.push(name);
    this.values.push(value);
  }

  /** Replaces the first entry called `name` and drops the others; appends when there is none. */
  set(name: string, value: string): void {
    const first = this.indexOf(name);
    if (first < 0) {
      this.add(name, value);
      return;
    }
    this.values[first] = value;
    if (this.indexOf(name, first + 1) >= 0) this.removeFrom(name, first + 1);
  }

  /** Appends to the value of the first entry with `separator` between, or adds the entry (Envoy's appendCopy). */
  append(name: string, value: string, separator = ','): void {
    const first = this.indexOf(name);
    if (first < 0) this.add(name, value);
    else if (this.values[first] === '') this.values[first] = value;
    else this.values[first] += separator + value;
  }

  /** Removes all entries called `name`; returns how many there were. */
  remove(name: string): number {
    const first = this.indexOf(name);
    return first < 0 ? 0 : this.removeFrom(name, first);
  }

  /** Removes the entry at `index`; the entries after it move down by one. */
  removeAt(index: number): void {
    const last = this.names.length - 1;
    for (let i = index; i < last; i++) this.move(i + 1, i);
    this.truncate(last);
  }

  /** Removes all entries whose name starts with `prefix`. */
  removePrefix(prefix: string): void {
    let kept = 0;
    for (let i = 0; i < this.names.length; i++) {
      if (this.names[i].startsWith(prefix)) continue;
      if (kept !== i) this.move(i, kept);
      kept++;
    }
    this.truncate(kept);
  }

  clear(): void {
    this.truncate(0);
  }

  /** An independent copy. */
  clone(): HeaderMap {
    const copy = new HeaderMap();
    copy.names = this.names.slice();
    copy.values = this.values.slice();
    copy.keyFormatter = this.keyFormatter;
    return copy;
  }

  /** Sum of the lengths of all names and values, as Envoy's byteSize. */
  byteSize(): number {
    let size = 0;
    for (let i = 0; i < this.names.length; i++) size += this.names[i].length + this.values[i].length;
    return size;
  }

  /** Pairs in order; for tests, logs and rare paths. */
  entries(): [string, string][] {
    return this.names.map((name, i) => [name, this.values[i]]);
  }

  private removeFrom(name: string, from: number): number {
    let kept = from;
    for (let i = from; i < this.names.length; i++) {
      if (this.names[i] === name) continue;
      if (kept !== i) this.move(i, kept);
      kept++;
    }
    const removed = this.names.length - kept;
    this.truncate(kept);
    return removed;
  }

  private move(from: number, to: number): void {
    this.names[to] = this.names[from];
    this.values[to] = this.values[from];
  }

  private truncate(length: number): void {
    const { names, values } = this;
    // `pop` is a machine instruction or two, setting `length` a call into the runtime; nearly always one entry goes.
    while (names.length > length) {
      names.pop();
      values.pop();
    }
  }
}
