import { QUANTILES } from './histogram-settings.ts';
import { countBelow, quantiles } from './log-linear.ts';
import type { Bin } from './log-linear.ts';
import type { MergedStat } from './merger.ts';
import { formatG, formatJsonNumber } from './number-format.ts';
import { PERCENT_SCALE } from './prometheus.ts';
import type { StatsSources } from './prometheus.ts';

/** `/stats` in text and JSON, as Envoy writes it: text readouts, then counters and gauges, then histograms, each sorted by name. */
export type HistogramBucketsMode = 'summary' | 'cumulative' | 'disjoint' | 'detailed' | 'none';

export interface StatsListOptions {
  readonly usedOnly: boolean;
  readonly shows: (statName: string) => boolean;
  readonly types: ReadonlySet<'counter' | 'gauge' | 'histogram' | 'text'>;
  readonly histogramBuckets: HistogramBucketsMode;
}

interface Listing {
  readonly texts: readonly (readonly [string, string])[];
  readonly scalars: readonly MergedStat[];
  readonly histograms: readonly MergedStat[];
}

const LINES_PER_PIECE = 2_000;

/** Lines `name: value` in pieces. */
export function* renderStatsText(sources: StatsSources, options: StatsListOptions): Generator<string> {
  const { texts, scalars, histograms } = list(sources, options);
  let piece = '';
  let lines = 0;
  for (const [name, value] of texts) piece += `${name}: "${value}"\n`;
  for (const stat of scalars) {
    piece += `${stat.name}: ${stat.value}\n`;
    if (++lines % LINES_PER_PIECE === 0) {
      yield piece;
      piece = '';
    }
  }
  for (const stat of histograms) piece += histogramText(stat, sources, options.histogramBuckets);
  yield piece;
}

/** `{"stats":[…]}` in pieces. */
export function* renderStatsJson(sources: StatsSources, options: StatsListOptions): Generator<string> {
  const { texts, scalars, histograms } = list(sources, options);
  let piece = '{"stats":[';
  let separator = '';
  let lines = 0;
  for (const [name, value] of texts) {
    piece += `${separator}{"name":${JSON.stringify(name)},"value":${JSON.stringify(value)}}`;
    separator = ',';
  }
  for (const stat of scalars) {
    piece += `${separator}{"name":${JSON.stringify(stat.name)},"value":${stat.value}}`;
    separator = ',';
    if (++lines % LINES_PER_PIECE === 0) {
      yield piece;
      piece = '';
    }
  }
  if (histograms.length > 0) piece += `${separator}{"histograms":${histogramsJson(histograms, sources, options.histogramBuckets)}}`;
  yield `${piece}]}`;
}

function list(sources: StatsSources, options: StatsListOptions): Listing {
  const texts: [string, string][] = [];
  const scalars: MergedStat[] = [];
  const histograms: MergedStat[] = [];
  if (options.types.has('text')) {
    sources.merger.forEachText((name, value) => {
      if (options.shows(name) && !(options.usedOnly && value === '')) texts.push([name, value]);
    });
  }
  sources.merger.forEach((stat) => {
    if (!options.types.has(stat.kind) || (options.usedOnly && !stat.used) || !options.shows(stat.name)) return;
    if (stat.kind !== 'histogram') scalars.push(stat);
    else if (options.histogramBuckets !== 'none') histograms.push(stat);
  });
  texts.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return { texts, scalars: scalars.sort(byName), histograms: histograms.sort(byName) };
}

function byName(a: MergedStat, b: MergedStat): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function scaleOf(stat: MergedStat): number {
  return stat.unit === 'percent' ? PERCENT_SCALE : 1;
}

function percentiles(stat: MergedStat, bins: readonly Bin[]): number[] {
  const scale = scaleOf(stat);
  return quantiles(bins, QUANTILES).map((value) => value / scale);
}

function below(stat: MergedStat, bins: readonly Bin[], bounds: readonly number[]): number[] {
  const scale = scaleOf(stat);
  return bounds.map((bound) => countBelow(bins, bound * scale));
}

function disjoint(counts: readonly number[]): number[] {
  return counts.map((count, i) => (i === 0 ? count : count - counts[i - 1]));
}

function histogramText(stat: MergedStat, sources: StatsSources, mode: HistogramBucketsMode): string {
  const interval = sources.intervals.of(stat);
  const total = sources.intervals.cumulative(stat);
  if (total.length === 0) return `${stat.name}: No recorded values\n`;
  const bounds = sources.buckets(stat.name);
  const pairs = (a: readonly number[], b: readonly number[]): string =>
    bounds.map((bound, i) => `B${formatG(bound)}(${a[i]},${b[i]})`).join(' ');
  switch (mode) {
    case 'cumulative':
      return `${stat.name}: ${pairs(below(stat, interval, bounds), below(stat, total, bounds))}\n`;
    case 'disjoint':
      return `${stat.name}: ${pairs(disjoint(below(stat, interval, bounds)), disjoint(below(stat, total, bounds)))}\n`;
    case 'detailed':
      return `${stat.name}:\n  totals=${detail(total)}\n  intervals=${detail(interval)}\n  summary=${summary(stat, interval, total)}\n`;
    default:
      return `${stat.name}: ${summary(stat, interval, total)}\n`;
  }
}

function summary(stat: MergedStat, interval: readonly Bin[], total: readonly Bin[]): string {
  const now = percentiles(stat, interval);
  const all = percentiles(stat, total);
  return QUANTILES.map((quantile, i) => `P${formatG(quantile * 100)}(${plain(now[i])},${plain(all[i])})`).join(' ');
}

function detail(bins: readonly Bin[]): string {
  return bins.map((bin) => `${formatG(bin.left, 15)},${formatG(bin.width, 15)}:${bin.count}`).join(', ');
}

function plain(value: number): string {
  return Number.isNaN(value) ? 'nan' : String(value);
}

function histogramsJson(stats: readonly MergedStat[], sources: StatsSources, mode: HistogramBucketsMode): string {
  const supported = `[${QUANTILES.map((quantile) => formatG(quantile * 100)).join(',')}]`;
  const values = (stat: MergedStat): string => {
    const now = percentiles(stat, sources.intervals.of(stat));
    const all = percentiles(stat, sources.intervals.cumulative(stat));
    return `[${now.map((value, i) => `{"cumulative":${formatJsonNumber(all[i])},"interval":${formatJsonNumber(value)}}`).join(',')}]`;
  };
  if (mode === 'cumulative' || mode === 'disjoint') return `[${stats.map((stat) => bucketsJson(stat, sources, mode)).join(',')}]`;
  if (mode === 'detailed') {
    const details = stats.map(
      (stat) =>
        `{"name":${JSON.stringify(stat.name)},"totals":${detailJson(sources.intervals.cumulative(stat))},` +
        `"intervals":${detailJson(sources.intervals.of(stat))},"percentiles":${values(stat)}}`,
    );
    return `{"supported_percentiles":${supported},"details":[${details.join(',')}]}`;
  }
  const computed = stats.map((stat) => `{"name":${JSON.stringify(stat.name)},"values":${values(stat)}}`);
  return `{"supported_quantiles":${supported},"computed_quantiles":[${computed.join(',')}]}`;
}

function bucketsJson(stat: MergedStat, sources: StatsSources, mode: 'cumulative' | 'disjoint'): string {
  const bounds = sources.buckets(stat.name);
  const view = (bins: readonly Bin[]): number[] => (mode === 'disjoint' ? disjoint(below(stat, bins, bounds)) : below(stat, bins, bounds));
  const interval = view(sources.intervals.of(stat));
  const total = view(sources.intervals.cumulative(stat));
  const buckets = bounds.map((bound, i) => `{"upper_bound":${formatJsonNumber(bound)},"interval":${interval[i]},"cumulative":${total[i]}}`);
  return `{"name":${JSON.stringify(stat.name)},"buckets":[${buckets.join(',')}]}`;
}

function detailJson(bins: readonly Bin[]): string {
  return `[${bins.map((bin) => `{"lower_bound":${formatJsonNumber(bin.left)},"width":${formatJsonNumber(bin.width)},"count":${bin.count}}`).join(',')}]`;
}
