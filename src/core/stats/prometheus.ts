import type { BucketsFor } from './histogram-settings.ts';
import { QUANTILES } from './histogram-settings.ts';
import type { HistogramIntervals } from './intervals.ts';
import { approximateSum, countBelow, quantiles, totalCount } from './log-linear.ts';
import type { Bin } from './log-linear.ts';
import type { MergedStat, StatsMerger } from './merger.ts';
import { formatG } from './number-format.ts';
import type { Tag, TagProducer } from './tags.ts';

/** Prometheus text exposition, as Envoy's `/stats/prometheus` writes it. */
export interface PrometheusOptions {
  readonly usedOnly: boolean;
  /** Which stats to show, by full name. */
  readonly shows: (statName: string) => boolean;
  readonly textReadouts: boolean;
  readonly histograms: 'cumulative' | 'summary';
}

export interface StatsSources {
  readonly merger: StatsMerger;
  readonly intervals: HistogramIntervals;
  readonly tags: TagProducer;
  readonly buckets: BucketsFor;
}

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly stat: MergedStat;
}

type Groups = Map<string, Sample[]>;

/** Yields the exposition in pieces of about one metric family. Percent histograms are kept in parts per million, see `PERCENT_SCALE`. */
export function* renderPrometheus(sources: StatsSources, options: PrometheusOptions): Generator<string> {
  const groups: Record<MergedStat['kind'], Groups> = { counter: new Map(), gauge: new Map(), histogram: new Map() };
  sources.merger.forEach((stat) => {
    if ((options.usedOnly && !stat.used) || !options.shows(stat.name)) return;
    const { extracted, tags } = sources.tags.produce(stat.name);
    addTo(groups[stat.kind], extracted, { name: stat.name, labels: formatTags(tags), stat });
  });
  yield* family(groups.counter, 'counter', scalarLine);
  yield* family(groups.gauge, 'gauge', scalarLine);
  if (options.textReadouts) yield* textReadouts(sources, options);
  const summary = options.histograms === 'summary';
  yield* family(groups.histogram, summary ? 'summary' : 'histogram', (metric, sample) =>
    summary ? summaryLines(metric, sample, sources.intervals.of(sample.stat)) : bucketLines(metric, sample, sources),
  );
}

/** Percentages are recorded times this (Envoy's Histogram::PercentScale). */
export const PERCENT_SCALE = 1_000_000;

export function sanitizeMetricName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_');
}

function addTo(groups: Groups, key: string, sample: Sample): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [sample]);
  else group.push(sample);
}

function* family(groups: Groups, type: string, lines: (metric: string, sample: Sample) => string): Generator<string> {
  for (const key of [...groups.keys()].sort(byToken)) {
    const metric = `envoy_${sanitizeMetricName(key)}`;
    let text = `# TYPE ${metric} ${type}\n`;
    const group = groups.get(key) ?? [];
    group.sort((a, b) => byToken(a.name, b.name));
    for (const sample of group) text += lines(metric, sample);
    yield text;
  }
}

/** Envoy compares names token by token: a dot sorts before every other character. */
function byToken(a: string, b: string): number {
  const left = a.replaceAll('.', '\0');
  const right = b.replaceAll('.', '\0');
  return left < right ? -1 : left > right ? 1 : 0;
}

function formatTags(tags: readonly Tag[]): string {
  return tags.map((tag) => `${sanitizeMetricName(tag.name)}="${escapeValue(tag.value)}"`).join(',');
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function scalarLine(metric: string, sample: Sample): string {
  return `${metric}{${sample.labels}} ${sample.stat.value}\n`;
}

function* textReadouts(sources: StatsSources, options: PrometheusOptions): Generator<string> {
  const groups = new Map<string, { name: string; line: string }[]>();
  sources.merger.forEachText((name, value) => {
    if (!options.shows(name) || (options.usedOnly && value === '')) return;
    const { extracted, tags } = sources.tags.produce(name);
    const labels = formatTags([...tags, { name: 'text_value', value }]);
    const group = groups.get(extracted) ?? [];
    group.push({ name, line: `{${labels}} 0\n` });
    groups.set(extracted, group);
  });
  for (const key of [...groups.keys()].sort(byToken)) {
    const metric = `envoy_${sanitizeMetricName(key)}`;
    const group = (groups.get(key) ?? []).sort((a, b) => byToken(a.name, b.name));
    yield `# TYPE ${metric} gauge\n${group.map((each) => metric + each.line).join('')}`;
  }
}

function bucketLines(metric: string, sample: Sample, sources: StatsSources): string {
  const bins = sources.intervals.cumulative(sample.stat);
  const scale = sample.stat.unit === 'percent' ? PERCENT_SCALE : 1;
  const lead = sample.labels === '' ? '' : `${sample.labels},`;
  let text = '';
  for (const bound of sources.buckets(sample.name)) {
    text += `${metric}_bucket{${lead}le="${formatG(bound, 32)}"} ${countBelow(bins, bound * scale)}\n`;
  }
  return `${text}${metric}_bucket{${lead}le="+Inf"} ${totalCount(bins)}\n${totals(metric, sample, bins, scale)}`;
}

function summaryLines(metric: string, sample: Sample, bins: readonly Bin[]): string {
  const scale = sample.stat.unit === 'percent' ? PERCENT_SCALE : 1;
  const lead = sample.labels === '' ? '' : `${sample.labels},`;
  const values = quantiles(bins, QUANTILES);
  let text = '';
  QUANTILES.forEach((quantile, i) => {
    text += `${metric}{${lead}quantile="${quantile}"} ${formatG(values[i] / scale, 32)}\n`;
  });
  return text + totals(metric, sample, bins, scale);
}

function totals(metric: string, sample: Sample, bins: readonly Bin[], scale: number): string {
  const sum = formatG(approximateSum(bins) / scale, 32);
  return `${metric}_sum{${sample.labels}} ${sum}\n${metric}_count{${sample.labels}} ${totalCount(bins)}\n`;
}
