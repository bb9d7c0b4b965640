import type { HistogramUnit } from '../../contract/stats.ts';
import { CellReader } from './cells.ts';
import { LANE_CELLS, LANES, binLeft, binWidth } from './log-linear.ts';
import type { Bin } from './log-linear.ts';
import { findStatsSchema } from './store.ts';
import type { StatKind, StatsDefinition } from './store.ts';

/** One number or histogram as the outside sees it: all threads added up. Made anew for each listing. */
export interface MergedStat {
  readonly kind: StatKind;
  readonly name: string;
  readonly unit: HistogramUnit;
  /** Of a counter or gauge; 0 for a histogram. */
  readonly value: number;
  /** Whether it was ever incremented, set or recorded (`usedonly`). */
  readonly used: boolean;
  /** Filled bins of a histogram since the start, ascending; empty for others. */
  readonly bins: readonly Bin[];
}

interface Row {
  readonly reader: CellReader;
  readonly address: number;
}

interface Entry {
  readonly kind: StatKind;
  readonly unit: HistogramUnit;
  readonly rows: Row[];
  /** Subtracted from counters: `/reset_counters`, and rows of threads that ended are added by a negative one. */
  baseline: number;
}

interface Block {
  readonly schema: string;
  readonly prefix: string;
  readonly rows: Row[];
  /** By member index; null until a reset or an ended thread needs it. */
  baselines: Float64Array | null;
  /** Threads that have it; without any it is dropped. */
  owners: number;
}

/** Adds up the statistics of all threads. Lives on the main thread. */
export class StatsMerger {
  private readonly entries = new Map<string, Entry>();
  private readonly blocks = new Map<string, Block>();
  private readonly texts = new Map<string, string>();
  private accepts: (name: string) => boolean = () => true;

  /** Only statistics whose full name `accepts` takes are seen from outside (`stats_config.stats_matcher`). */
  restrictTo(accepts: (name: string) => boolean): void {
    this.accepts = accepts;
  }

  /** A port for one thread: `apply` its definitions in order, `end` when the thread is gone. */
  attach(): StatsSource {
    return new StatsSource(this.entries, this.blocks, this.texts);
  }

  /** Calls `visit` for every counter, gauge and histogram, in no particular order. */
  forEach(visit: (stat: MergedStat) => void): void {
    for (const [name, entry] of this.entries) {
      if (this.accepts(name)) visit(merge(name, entry.kind, entry.unit, entry.rows, entry.baseline));
    }
    const visitAccepted = (stat: MergedStat): void => {
      if (this.accepts(stat.name)) visit(stat);
    };
    for (const block of this.blocks.values()) visitBlock(block, visitAccepted);
  }

  forEachText(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.texts) if (this.accepts(name)) visit(name, value);
  }

  /** Looks one stat up by its full name; for tests and single values. */
  find(name: string): MergedStat | null {
    const entry = this.entries.get(name);
    if (entry !== undefined) return merge(name, entry.kind, entry.unit, entry.rows, entry.baseline);
    for (const block of this.blocks.values()) {
      if (!name.startsWith(block.prefix)) continue;
      let found: MergedStat | null = null;
      visitBlock(block, (stat) => {
        if (stat.name === name) found = stat;
      });
      if (found !== null) return found;
    }
    return null;
  }

  /** Sets all counters to zero as seen from outside. */
  resetCounters(): void {
    for (const entry of this.entries.values()) {
      if (entry.kind === 'counter') entry.baseline = sum(entry.rows, 0);
    }
    for (const block of this.blocks.values()) {
      const schema = findStatsSchema(block.schema);
      if (schema === undefined || block.rows.length === 0) continue;
      const baselines = (block.baselines ??= new Float64Array(schema.counters.length + schema.gauges.length));
      for (let i = 0; i < schema.counters.length; i++) baselines[i] = sum(block.rows, i);
    }
  }
}

/** Definitions of one thread. */
export class StatsSource {
  private readonly reader = new CellReader();
  private readonly entries: Map<string, Entry>;
  private readonly blocks: Map<string, Block>;
  private readonly texts: Map<string, string>;
  private readonly ownedBlocks = new Set<string>();

  constructor(entries: Map<string, Entry>, blocks: Map<string, Block>, texts: Map<string, string>) {
    this.entries = entries;
    this.blocks = blocks;
    this.texts = texts;
  }

  apply(definition: StatsDefinition): void {
    switch (definition.type) {
      case 'chunk':
        this.reader.addChunk(definition.buffer);
        return;
      case 'stat':
        this.addStat(definition.kind, definition.name, definition.unit, definition.address);
        return;
      case 'block':
        this.addBlock(definition.schema, definition.prefix, definition.address);
        return;
      case 'text':
        this.texts.set(definition.name, definition.value);
        return;
      case 'drop':
        for (const name of definition.names) this.dropStat(name);
        for (const key of definition.blocks) this.dropBlock(key);
    }
  }

  /** The thread is gone: its counters keep counting towards the totals, its gauges do not. */
  end(): void {
    for (const [name, entry] of this.entries) {
      for (const row of takeRows(entry.rows, this.reader)) {
        if (entry.kind === 'counter') entry.baseline -= row.reader.read(row.address);
      }
      if (entry.rows.length === 0 && entry.kind !== 'counter') this.entries.delete(name);
    }
    for (const key of [...this.ownedBlocks]) this.endBlock(key);
  }

  private addStat(kind: StatKind, name: string, unit: HistogramUnit, address: number): void {
    const entry = this.entries.get(name);
    const row = { reader: this.reader, address };
    if (entry === undefined) this.entries.set(name, { kind, unit, rows: [row], baseline: 0 });
    else if (entry.kind === kind) entry.rows.push(row);
  }

  private addBlock(schema: string, prefix: string, address: number): void {
    const key = `${schema}|${prefix}`;
    let block = this.blocks.get(key);
    if (block === undefined) {
      block = { schema, prefix, rows: [], baselines: null, owners: 0 };
      this.blocks.set(key, block);
    }
    if (!this.ownedBlocks.has(key)) {
      this.ownedBlocks.add(key);
      block.owners++;
    }
    if (address >= 0) block.rows.push({ reader: this.reader, address });
  }

  private dropStat(name: string): void {
    const entry = this.entries.get(name);
    if (entry === undefined) {
      this.texts.delete(name);
      return;
    }
    takeRows(entry.rows, this.reader);
    if (entry.rows.length === 0) this.entries.delete(name);
  }

  private dropBlock(key: string): void {
    const block = this.blocks.get(key);
    if (block === undefined || !this.ownedBlocks.delete(key)) return;
    takeRows(block.rows, this.reader);
    if (--block.owners === 0) this.blocks.delete(key);
  }

  private endBlock(key: string): void {
    const block = this.blocks.get(key);
    const schema = block === undefined ? undefined : findStatsSchema(block.schema);
    if (block !== undefined && schema !== undefined) {
      for (const row of block.rows.filter((each) => each.reader === this.reader)) {
        const baselines = (block.baselines ??= new Float64Array(schema.counters.length + schema.gauges.length));
        const kept = schema.counters.length + (schema.gaugesOutliveThreads === true ? schema.gauges.length : 0);
        for (let i = 0; i < kept; i++) baselines[i] -= row.reader.read(row.address + i);
      }
    }
    // The block stays listed: a replacement of the thread is about to take it.
    if (block !== undefined) {
      takeRows(block.rows, this.reader);
      this.ownedBlocks.delete(key);
      block.owners--;
    }
  }
}

function takeRows(rows: Row[], reader: CellReader): Row[] {
  const taken = rows.filter((row) => row.reader === reader);
  if (taken.length > 0) rows.splice(0, rows.length, ...rows.filter((row) => row.reader !== reader));
  return taken;
}

/** -0 as long as no row was used. */
function sum(rows: readonly Row[], offset: number): number {
  let total = -0;
  for (const row of rows) total += row.reader.read(row.address + offset);
  return total;
}

function merge(name: string, kind: StatKind, unit: HistogramUnit, rows: readonly Row[], baseline: number): MergedStat {
  if (kind === 'histogram') {
    const bins = mergeBins(rows, 0);
    return { kind, name, unit, value: 0, used: bins.length > 0, bins };
  }
  return scalar(kind, name, sum(rows, 0) - baseline);
}

/** `raw` is -0 for a stat that was never used. */
function scalar(kind: StatKind, name: string, raw: number): MergedStat {
  return { kind, name, unit: 'unspecified', value: raw + 0, used: !Object.is(raw, -0), bins: [] };
}

function visitBlock(block: Block, visit: (stat: MergedStat) => void): void {
  const schema = findStatsSchema(block.schema);
  if (schema === undefined) return;
  let offset = 0;
  for (const kind of ['counter', 'gauge'] as const) {
    for (const name of kind === 'counter' ? schema.counters : schema.gauges) {
      visit(scalar(kind, block.prefix + name, sum(block.rows, offset) - (block.baselines?.[offset] ?? 0)));
      offset++;
    }
  }
  for (const [name, unit] of schema.histograms) {
    const bins = mergeBins(block.rows, offset++);
    visit({ kind: 'histogram', name: block.prefix + name, unit, value: 0, used: bins.length > 0, bins });
  }
}

function mergeBins(rows: readonly Row[], offset: number): Bin[] {
  const bins: Bin[] = [];
  for (let lane = 0; lane < LANES; lane++) {
    const counts = laneCounts(rows, offset, lane);
    if (counts === null) continue;
    for (let bin = 0; bin < LANE_CELLS; bin++) {
      if (counts[bin] > 0) bins.push({ left: binLeft(lane, bin), width: binWidth(lane, bin), count: counts[bin] });
    }
  }
  return bins;
}

function laneCounts(rows: readonly Row[], offset: number, lane: number): Float64Array | null {
  let counts: Float64Array | null = null;
  for (const { reader, address } of rows) {
    const directory = reader.read(address + offset);
    const stored = directory === 0 ? 0 : reader.read(directory - 1 + lane);
    if (stored === 0) continue;
    counts ??= new Float64Array(LANE_CELLS);
    for (let bin = 0; bin < LANE_CELLS; bin++) counts[bin] += reader.read(stored - 1 + bin);
  }
  return counts;
}
