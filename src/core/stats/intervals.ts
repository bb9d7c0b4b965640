import type { Bin } from './log-linear.ts';
import type { MergedStat, StatsMerger } from './merger.ts';

/**
 * Histograms have two faces: since the start, and of the last complete flush interval. The merger knows the first; this keeps what
 * is needed for the second. `flush` is called at every `stats_flush_interval`.
 */
export class HistogramIntervals {
  private readonly merger: StatsMerger;
  /** Bins since the start at the last flush. */
  private atFlush = new Map<string, readonly Bin[]>();
  /** Bins of the last complete interval; absent = nothing recorded. */
  private last = new Map<string, readonly Bin[]>();

  constructor(merger: StatsMerger) {
    this.merger = merger;
  }

  flush(): void {
    const before = this.atFlush;
    const now = new Map<string, readonly Bin[]>();
    const last = new Map<string, readonly Bin[]>();
    this.merger.forEach((stat) => {
      if (stat.kind !== 'histogram' || !stat.used) return;
      now.set(stat.name, stat.bins);
      const difference = subtract(stat.bins, before.get(stat.name) ?? []);
      if (difference.length > 0) last.set(stat.name, difference);
    });
    this.atFlush = now;
    this.last = last;
  }

  /** Bins recorded during the last complete interval. */
  of(stat: MergedStat): readonly Bin[] {
    return this.last.get(stat.name) ?? [];
  }

  /** Bins as of the last flush: what Envoy shows as cumulative. A histogram that was never flushed shows nothing. */
  cumulative(stat: MergedStat): readonly Bin[] {
    return this.atFlush.get(stat.name) ?? [];
  }
}

function subtract(bins: readonly Bin[], earlier: readonly Bin[]): Bin[] {
  const counts = new Map(earlier.map((bin) => [bin.left, bin.count]));
  const rest: Bin[] = [];
  for (const bin of bins) {
    const count = bin.count - (counts.get(bin.left) ?? 0);
    if (count > 0) rest.push({ left: bin.left, width: bin.width, count });
  }
  return rest;
}
