import type { AdminHandler, AdminRequest, AdminResponse } from '../../contract/admin.ts';
import { renderPrometheus } from '../../core/stats/prometheus.ts';
import type { PrometheusOptions } from '../../core/stats/prometheus.ts';
import { renderStatsJson, renderStatsText } from '../../core/stats/render.ts';
import type { HistogramBucketsMode, StatsListOptions } from '../../core/stats/render.ts';
import type { AdminContext } from './context.ts';
import type { NameFilter } from './filter.ts';
import { compileFilter } from './filter.ts';
import { escapeHtml } from './home-page.ts';
import { JSON_TYPE, choice } from './router.ts';

type Format = 'html' | 'active-html' | 'json' | 'prometheus' | 'text';
type Kind = 'counter' | 'gauge' | 'histogram' | 'text';

interface StatsParameters {
  readonly usedOnly: boolean;
  readonly textReadouts: boolean;
  readonly filter: NameFilter;
  readonly types: ReadonlySet<Kind>;
  readonly buckets: HistogramBucketsMode | 'prometheusnative';
  readonly format: Format;
  readonly pretty: boolean;
  /** Only hidden stats: nuncio hides none. */
  readonly hiddenOnly: boolean;
}

const ALL_TYPES: ReadonlySet<Kind> = new Set<Kind>(['counter', 'gauge', 'histogram', 'text']);
const TYPES: Readonly<Record<string, ReadonlySet<Kind>>> = {
  All: ALL_TYPES,
  Counters: new Set<Kind>(['counter']),
  Gauges: new Set<Kind>(['gauge']),
  Histograms: new Set<Kind>(['histogram']),
  TextReadouts: new Set<Kind>(['text']),
};
const FORMATS: readonly string[] = ['html', 'active-html', 'json', 'prometheus', 'text'];
const BUCKETS: readonly string[] = ['none', 'cumulative', 'disjoint', 'detailed', 'summary', 'prometheusnative'];

/** Reads the query, or answers 400 with the text that Envoy has for the first thing wrong. */
function parse(query: URLSearchParams): StatsParameters | AdminResponse {
  const filter = compileFilter(query.get('filter'), query.has('invert_filter'));
  if (filter.error !== null) return { status: 400, body: filter.error };
  const buckets = query.get('histogram_buckets') ?? '';
  if (buckets !== '' && !BUCKETS.includes(buckets)) {
    return { status: 400, body: 'usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary|prometheusnative)\n' };
  }
  const type = query.get('type') ?? '';
  const types = TYPES[type === '' ? 'All' : type];
  if (types === undefined) return { status: 400, body: 'invalid &type= param' };
  const hidden = query.get('hidden') ?? '';
  if (!['', 'include', 'only', 'showonly', 'exclude'].includes(hidden)) {
    return { status: 400, body: 'usage: /stats?hidden=(include|only|exclude)\n\n' };
  }
  const format = query.get('format') ?? '';
  if (format !== '' && !FORMATS.includes(format)) {
    return { status: 400, body: 'usage: /stats?format=(html|active-html|json|prometheus|text)\n\n' };
  }
  return {
    usedOnly: query.has('usedonly'),
    textReadouts: query.has('text_readouts'),
    filter,
    types,
    buckets: (buckets === '' ? 'none' : buckets) as StatsParameters['buckets'],
    format: (format === '' ? 'text' : format) as Format,
    pretty: query.has('pretty'),
    hiddenOnly: hidden === 'only' || hidden === 'showonly',
  };
}

const FILTER = { id: 'filter', help: 'Regular expression (Google re2) for filtering stats' };
const INVERT = { id: 'invert_filter', help: 'Invert the filter regex' };
const USED_ONLY = { id: 'usedonly', help: 'Only include stats that have been written by system since restart' };

/** `/stats`, `/stats/prometheus`, `/stats/recentlookups…`. */
export function statsPages(context: AdminContext): AdminHandler[] {
  return [
    {
      path: '/stats',
      help: 'print server stats',
      mutates: false,
      parameters: [
        USED_ONLY,
        FILTER,
        INVERT,
        choice('format', 'Format to use', ['html', 'active-html', 'text', 'json']),
        choice('type', 'Stat types to include.', ['All', 'Counters', 'Histograms', 'Gauges', 'TextReadouts']),
        choice('histogram_buckets', 'Histogram bucket display mode', ['cumulative', 'disjoint', 'detailed', 'summary']),
      ],
      handle: (request) => answer(context, request, null),
    },
    {
      path: '/stats/prometheus',
      help: 'print server stats in prometheus format',
      mutates: false,
      parameters: [
        USED_ONLY,
        { id: 'text_readouts', help: 'Render text_readouts as new gaugues with value 0 (increases Prometheus data size)' },
        FILTER,
        INVERT,
        choice('histogram_buckets', 'Histogram bucket display mode', ['cumulative', 'summary']),
      ],
      handle: (request) => answer(context, request, 'prometheus'),
    },
    ...recentLookups(),
  ];
}

function answer(context: AdminContext, request: AdminRequest, fixed: Format | null): AdminResponse {
  const parsed = parse(request.query);
  if ('status' in parsed) return parsed;
  context.refreshStats();
  const format = fixed ?? parsed.format;
  if (format === 'prometheus') return prometheus(context, parsed);
  const options: StatsListOptions = {
    usedOnly: parsed.usedOnly,
    shows: parsed.hiddenOnly ? () => false : (name) => parsed.filter.test(name),
    types: parsed.types,
    // Envoy's default, `none`, shows quantiles, as `summary` does.
    histogramBuckets: parsed.buckets === 'prometheusnative' || parsed.buckets === 'none' ? 'summary' : parsed.buckets,
  };
  if (format === 'json') {
    const pieces = renderStatsJson(context.stats, options);
    return { status: 200, contentType: JSON_TYPE, body: parsed.pretty ? prettyJson(pieces) : inTurns(pieces) };
  }
  const text = renderStatsText(context.stats, options);
  if (format === 'text') return { status: 200, body: inTurns(text) };
  return { status: 200, contentType: 'text/html; charset=UTF-8', body: inTurns(html(text, format === 'active-html')) };
}

function prometheus(context: AdminContext, parsed: StatsParameters): AdminResponse {
  if (!['none', 'cumulative', 'summary'].includes(parsed.buckets)) {
    return { status: 400, body: 'unsupported prometheus histogram bucket mode' };
  }
  const options: PrometheusOptions = {
    usedOnly: parsed.usedOnly,
    shows: parsed.hiddenOnly ? () => false : (name) => parsed.filter.test(name),
    textReadouts: parsed.textReadouts,
    histograms: parsed.buckets === 'summary' ? 'summary' : 'cumulative',
  };
  return { status: 200, body: inTurns(renderPrometheus(context.stats, options)) };
}

function prettyJson(pieces: Iterable<string>): string {
  const value: unknown = JSON.parse([...pieces].join(''));
  return `${JSON.stringify(value, null, 1)}\n`;
}

/** Lets the loop turn between pieces: a scrape of a million stats must not stop health checks. */
async function* inTurns(pieces: Iterable<string>): AsyncGenerator<string> {
  let waiting = '';
  for (const piece of pieces) {
    waiting += piece;
    if (waiting.length < PIECE_LENGTH) continue;
    yield waiting;
    waiting = '';
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (waiting !== '') yield waiting;
}

const PIECE_LENGTH = 65_536;
const REFRESH_SECONDS = 5;

function* html(pieces: Iterable<string>, active: boolean): Generator<string> {
  const refresh = active ? `<meta http-equiv="refresh" content="${REFRESH_SECONDS}">` : '';
  yield `<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">${refresh}<title>nuncio stats</title></head>\n<body>\n<pre>\n`;
  for (const piece of pieces) yield escapeHtml(piece);
  yield '</pre>\n</body>\n</html>\n';
}

/** Names are resolved when a stat is made, never looked up later: there is nothing to record. */
function recentLookups(): AdminHandler[] {
  const command = (path: string, help: string): AdminHandler => ({
    path,
    help,
    mutates: true,
    parameters: [],
    handle: () => ({ status: 200, body: 'OK\n' }),
  });
  return [
    {
      path: '/stats/recentlookups',
      help: 'Show recent stat-name lookups',
      mutates: false,
      parameters: [],
      handle: () => ({
        status: 200,
        body: 'Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n\ntotal: 0\n',
      }),
    },
    command('/stats/recentlookups/clear', 'clear list of stat-name lookups and counter'),
    command('/stats/recentlookups/disable', 'disable recording of reset stat-name lookup names'),
    command('/stats/recentlookups/enable', 'enable recording of reset stat-name lookup names'),
  ];
}
