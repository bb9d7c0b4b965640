import { bug } from '../../base/bug.ts';
import type { Counter, Gauge, Histogram, HistogramUnit, Scope, StatsBlock, StatsSchema, TextReadout } from '../../contract/stats.ts';
import { CellSpace, offsetOf } from './cells.ts';
import { LANE_CELLS, LANES, binOf, laneOf } from './log-linear.ts';

/**
 * The statistics of one thread. Values live in shared cells; names travel to the main thread once, as definitions, when a stat is made.
 * See docs/internals/stats.md.
 */

export type StatKind = 'counter' | 'gauge' | 'histogram';

/** What the main thread is told; `StatsMerger.apply` takes it. Structured-clonable. */
export type StatsDefinition =
  | { readonly type: 'chunk'; readonly buffer: SharedArrayBuffer }
  | { readonly type: 'stat'; readonly kind: StatKind; readonly name: string; readonly address: number; readonly unit: HistogramUnit }
  /** Cells of a block: one a member, in the order counters, gauges, histograms. */
  | { readonly type: 'block'; readonly schema: string; readonly prefix: string; readonly address: number }
  | { readonly type: 'text'; readonly name: string; readonly value: string }
  | { readonly type: 'drop'; readonly names: readonly string[]; readonly blocks: readonly string[] };

const schemas = new Map<string, StatsSchema>();

/** Registers a family of stats under its id; once per module. */
export function defineStatsSchema(schema: StatsSchema): StatsSchema {
  const known = schemas.get(schema.id);
  if (known !== undefined && known !== schema) bug('stats schema defined twice', schema.id);
  schemas.set(schema.id, schema);
  return schema;
}

export function findStatsSchema(id: string): StatsSchema | undefined {
  return schemas.get(id);
}

class CellCounter implements Counter {
  readonly name: string;
  readonly address: number;
  private readonly cells: Float64Array;
  private readonly at: number;

  constructor(name: string, address: number, cells: Float64Array) {
    this.name = name;
    this.address = address;
    this.cells = cells;
    this.at = offsetOf(address);
  }

  inc(): void {
    this.cells[this.at] += 1;
  }

  add(amount: number): void {
    this.cells[this.at] += amount;
  }

  get value(): number {
    return this.cells[this.at];
  }
}

class CellGauge implements Gauge {
  readonly name: string;
  readonly address: number;
  private readonly cells: Float64Array;
  private readonly at: number;

  constructor(name: string, address: number, cells: Float64Array) {
    this.name = name;
    this.address = address;
    this.cells = cells;
    this.at = offsetOf(address);
  }

  inc(): void {
    this.cells[this.at] += 1;
  }

  dec(): void {
    this.cells[this.at] -= 1;
  }

  add(amount: number): void {
    this.cells[this.at] += amount;
  }

  sub(amount: number): void {
    this.cells[this.at] -= amount;
  }

  set(value: number): void {
    this.cells[this.at] = value;
  }

  get value(): number {
    return this.cells[this.at];
  }
}

/** Bins in lanes that are allocated when first hit; a directory of LANES cells holds their addresses plus one (0 = none). */
class CellHistogram implements Histogram {
  readonly name: string;
  readonly unit: HistogramUnit;
  readonly address: number;
  private readonly space: CellSpace;
  private readonly owner: Float64Array;
  private readonly at: number;
  private directory: number;
  private readonly lanes: (Float64Array | null)[];
  private readonly laneAt: number[];

  constructor(name: string, unit: HistogramUnit, address: number, space: CellSpace) {
    this.name = name;
    this.unit = unit;
    this.address = address;
    this.space = space;
    this.owner = space.chunkOf(address);
    this.at = offsetOf(address);
    this.directory = 0;
    this.lanes = [];
    this.laneAt = [];
  }

  record(value: number): void {
    const whole = value < 0 ? 0 : Math.floor(value);
    const lane = laneOf(whole);
    const cells = this.lanes[lane] ?? this.addLane(lane);
    cells[this.laneAt[lane] + binOf(whole, lane)] += 1;
  }

  private addLane(lane: number): Float64Array {
    while (this.lanes.length <= lane) {
      this.lanes.push(null);
      this.laneAt.push(0);
    }
    if (this.directory === 0) {
      this.directory = this.space.allocate(LANES) + 1;
      this.owner[this.at] = this.directory;
    }
    const address = this.space.allocate(LANE_CELLS);
    const cells = this.space.chunkOf(address);
    this.lanes[lane] = cells;
    this.laneAt[lane] = offsetOf(address);
    const directory = this.directory - 1;
    this.space.chunkOf(directory)[offsetOf(directory) + lane] = address + 1;
    return cells;
  }

  release(): void {
    for (let lane = 0; lane < this.lanes.length; lane++) {
      if (this.lanes[lane] === null) continue;
      const directory = this.directory - 1;
      const stored = this.space.chunkOf(directory)[offsetOf(directory) + lane];
      this.space.release(stored - 1, LANE_CELLS);
    }
    if (this.directory !== 0) this.space.release(this.directory - 1, LANES);
  }
}

class StoredTextReadout implements TextReadout {
  readonly name: string;
  private current = '';
  private readonly store: StatsStore;

  constructor(name: string, store: StatsStore) {
    this.name = name;
    this.store = store;
  }

  set(value: string): void {
    if (value === this.current) return;
    this.current = value;
    this.store.define({ type: 'text', name: this.name, value });
  }

  get value(): string {
    return this.current;
  }
}

class SchemaBlock implements StatsBlock {
  readonly schema: StatsSchema;
  readonly prefix: string;
  private readonly store: StatsStore;
  private address = -1;
  private readonly handles = new Map<string, CellCounter | CellGauge | CellHistogram>();

  constructor(schema: StatsSchema, prefix: string, store: StatsStore) {
    this.schema = schema;
    this.prefix = prefix;
    this.store = store;
  }

  counter(name: string): Counter {
    const known = this.handles.get(name);
    if (known instanceof CellCounter) return known;
    const address = this.cell(this.schema.counters.indexOf(name), name);
    const made = new CellCounter(this.prefix + name, address, this.store.space.chunkOf(address));
    this.handles.set(name, made);
    return made;
  }

  gauge(name: string): Gauge {
    const known = this.handles.get(name);
    if (known instanceof CellGauge) return known;
    const index = this.schema.gauges.indexOf(name);
    const address = this.cell(index < 0 ? -1 : this.schema.counters.length + index, name);
    const made = new CellGauge(this.prefix + name, address, this.store.space.chunkOf(address));
    this.handles.set(name, made);
    return made;
  }

  histogram(name: string): Histogram {
    const known = this.handles.get(name);
    if (known instanceof CellHistogram) return known;
    const index = this.schema.histograms.findIndex((each) => each[0] === name);
    const address = this.cell(index < 0 ? -1 : this.schema.counters.length + this.schema.gauges.length + index, name);
    const unit = index < 0 ? 'unspecified' : this.schema.histograms[index][1];
    const made = new CellHistogram(this.prefix + name, unit, address, this.store.space);
    this.handles.set(name, made);
    return made;
  }

  /** Gives the cells back; returns whether there were any. */
  release(): boolean {
    if (this.address < 0) return false;
    for (const handle of this.handles.values()) if (handle instanceof CellHistogram) handle.release();
    this.store.space.release(this.address, this.size());
    return true;
  }

  private size(): number {
    return this.schema.counters.length + this.schema.gauges.length + this.schema.histograms.length;
  }

  private cell(index: number, name: string): number {
    if (this.address < 0) {
      this.address = this.store.space.allocate(this.size());
      this.store.define({ type: 'block', schema: this.schema.id, prefix: this.prefix, address: this.address });
    }
    if (index >= 0) return this.address + index;
    bug('stat is not in its schema', `${this.schema.id}: ${name}`);
    return this.store.space.allocate(1);
  }
}

interface Shared<T> {
  readonly stat: T;
  /** Scopes that use it; freed with the last. */
  users: number;
}

/** One thread's stats. `publish` carries definitions to the merger, in order. */
export class StatsStore {
  readonly space: CellSpace;
  readonly define: (definition: StatsDefinition) => void;
  private readonly stats = new Map<string, Shared<CellCounter | CellGauge | CellHistogram | StoredTextReadout>>();
  private readonly blocks = new Map<string, Shared<SchemaBlock>>();

  constructor(publish: (definition: StatsDefinition) => void) {
    this.define = publish;
    this.space = new CellSpace((buffer) => publish({ type: 'chunk', buffer }));
  }

  /** The scope without prefix. */
  root(): Scope {
    return new StoreScope(this, '');
  }

  takeCounter(name: string, users: Set<string>): Counter {
    const found = this.find(name, users);
    if (found instanceof CellCounter) return found;
    const address = this.place('counter', name, 'unspecified', found !== null);
    return this.keep(name, users, found, new CellCounter(name, address, this.space.chunkOf(address)));
  }

  takeGauge(name: string, users: Set<string>): Gauge {
    const found = this.find(name, users);
    if (found instanceof CellGauge) return found;
    const address = this.place('gauge', name, 'unspecified', found !== null);
    return this.keep(name, users, found, new CellGauge(name, address, this.space.chunkOf(address)));
  }

  takeHistogram(name: string, unit: HistogramUnit, users: Set<string>): Histogram {
    const found = this.find(name, users);
    if (found instanceof CellHistogram) return found;
    const address = this.place('histogram', name, unit, found !== null);
    return this.keep(name, users, found, new CellHistogram(name, unit, address, this.space));
  }

  takeTextReadout(name: string, users: Set<string>): TextReadout {
    const found = this.find(name, users);
    if (found instanceof StoredTextReadout) return found;
    this.define({ type: 'text', name, value: '' });
    return this.keep(name, users, found, new StoredTextReadout(name, this));
  }

  takeBlock(schema: StatsSchema, prefix: string, users: Set<string>): SchemaBlock {
    const key = `${schema.id}|${prefix}`;
    let shared = this.blocks.get(key);
    if (shared === undefined) {
      shared = { stat: new SchemaBlock(schema, prefix, this), users: 0 };
      this.blocks.set(key, shared);
      this.define({ type: 'block', schema: schema.id, prefix, address: -1 });
    }
    if (!users.has(key)) {
      users.add(key);
      shared.users++;
    }
    return shared.stat;
  }

  /** A scope is gone: frees what no other scope uses. `statNames` and `blockKeys` are what it had taken. */
  release(statNames: ReadonlySet<string>, blockKeys: ReadonlySet<string>): void {
    const names: string[] = [];
    const blocks: string[] = [];
    for (const name of statNames) {
      const shared = this.stats.get(name);
      if (shared === undefined || --shared.users > 0) continue;
      this.stats.delete(name);
      names.push(name);
      if (shared.stat instanceof StoredTextReadout) continue;
      if (shared.stat instanceof CellHistogram) shared.stat.release();
      this.space.release(shared.stat.address, 1);
    }
    for (const key of blockKeys) {
      const shared = this.blocks.get(key);
      if (shared === undefined || --shared.users > 0) continue;
      this.blocks.delete(key);
      shared.stat.release();
      blocks.push(key);
    }
    if (names.length > 0 || blocks.length > 0) this.define({ type: 'drop', names, blocks });
  }

  private find(name: string, users: Set<string>): CellCounter | CellGauge | CellHistogram | StoredTextReadout | null {
    const shared = this.stats.get(name);
    if (shared === undefined) return null;
    if (!users.has(name)) {
      users.add(name);
      shared.users++;
    }
    return shared.stat;
  }

  /** `clash`: the name exists with another kind, which is a bug; the new one gets a cell that nobody lists. */
  private place(kind: StatKind, name: string, unit: HistogramUnit, clash: boolean): number {
    const address = this.space.allocate(1);
    if (clash) bug('stat exists with another kind', name);
    else this.define({ type: 'stat', kind, name, address, unit });
    return address;
  }

  private keep<T extends CellCounter | CellGauge | CellHistogram | StoredTextReadout>(
    name: string,
    users: Set<string>,
    clash: object | null,
    stat: T,
  ): T {
    if (clash !== null) return stat;
    users.add(name);
    this.stats.set(name, { stat, users: 1 });
    return stat;
  }
}

class StoreScope implements Scope {
  readonly prefix: string;
  private readonly store: StatsStore;
  private readonly statNames = new Set<string>();
  private readonly blockKeys = new Set<string>();
  /** Asked for through this scope: a name of theirs is theirs, else it would be listed twice. */
  private readonly blocks: SchemaBlock[] = [];

  constructor(store: StatsStore, prefix: string) {
    this.store = store;
    this.prefix = prefix;
  }

  counter(name: string): Counter {
    for (const block of this.blocks) if (block.schema.counters.includes(name)) return block.counter(name);
    return this.store.takeCounter(this.prefix + name, this.statNames);
  }

  gauge(name: string): Gauge {
    for (const block of this.blocks) if (block.schema.gauges.includes(name)) return block.gauge(name);
    return this.store.takeGauge(this.prefix + name, this.statNames);
  }

  histogram(name: string, unit: HistogramUnit): Histogram {
    return this.store.takeHistogram(this.prefix + name, unit, this.statNames);
  }

  textReadout(name: string): TextReadout {
    return this.store.takeTextReadout(this.prefix + name, this.statNames);
  }

  block(schema: StatsSchema): StatsBlock {
    const block = this.store.takeBlock(schema, this.prefix, this.blockKeys);
    if (!this.blocks.includes(block)) this.blocks.push(block);
    return block;
  }

  scope(prefix: string): Scope {
    return new StoreScope(this.store, prefix === '' ? this.prefix : `${this.prefix}${sanitize(prefix)}.`);
  }

  dispose(): void {
    this.store.release(this.statNames, this.blockKeys);
    this.statNames.clear();
    this.blockKeys.clear();
    this.blocks.length = 0;
  }
}

/** `:` would end a name in statsd, NUL a line: Envoy writes `_` for both, and for `://` too. */
function sanitize(name: string): string {
  return name.includes(':') || name.includes('\0') ? name.replaceAll('://', '_').replaceAll(':/', '_').replaceAll(':', '_').replaceAll('\0', '_') : name;
}
