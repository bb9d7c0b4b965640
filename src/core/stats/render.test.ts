import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BUCKETS } from './histogram-settings.ts';
import { HistogramIntervals } from './intervals.ts';
import { StatsMerger } from './merger.ts';
import { formatG, formatJsonNumber } from './number-format.ts';
import { renderPrometheus } from './prometheus.ts';
import { renderStatsJson, renderStatsText } from './render.ts';
import { StatsStore } from './store.ts';
import { TagProducer } from './tags.ts';

function setUp() {
  const merger = new StatsMerger();
  const source = merger.attach();
  const scope = new StatsStore((definition) => source.apply(definition)).root();
  const intervals = new HistogramIntervals(merger);
  const sources = { merger, intervals, tags: new TagProducer(undefined, []), buckets: () => DEFAULT_BUCKETS };
  return { scope, intervals, sources };
}

const all = {
  usedOnly: false,
  shows: () => true,
  types: new Set(['counter', 'gauge', 'histogram', 'text'] as const),
  histogramBuckets: 'summary',
} as const;

test('text lists readouts, numbers and histograms, each sorted', () => {
  const { scope, intervals, sources } = setUp();
  scope.counter('b.c').add(2);
  scope.gauge('a.g');
  scope.textReadout('z.text').set('x');
  const time = scope.histogram('h.time', 'milliseconds');
  scope.histogram('h.idle', 'milliseconds');
  for (let i = 0; i < 3; i++) time.record(2);
  assert.match([...renderStatsText(sources, all)].join(''), /h\.time: No recorded values/, 'before the first flush');
  intervals.flush();
  assert.equal(
    [...renderStatsText(sources, all)].join(''),
    'z.text: "x"\na.g: 0\nb.c: 2\nh.idle: No recorded values\n' +
      'h.time: P0(2.025,2.025) P25(2.025,2.025) P50(2.05,2.05) P75(2.075,2.075) P90(2.075,2.075) P95(2.075,2.075) P99(2.075,2.075) ' +
      'P99.5(2.075,2.075) P99.9(2.075,2.075) P100(2.075,2.075)\n',
  );
  intervals.flush();
  assert.match([...renderStatsText(sources, all)].join(''), /P0\(nan,2\.025\)/, 'an interval without values');
  const json: unknown = JSON.parse([...renderStatsJson(sources, { ...all, histogramBuckets: 'cumulative' })].join(''));
  assert.ok(typeof json === 'object' && json !== null && 'stats' in json);
});

test('prometheus groups by extracted name', () => {
  const { scope, intervals, sources } = setUp();
  scope.counter('cluster.b.upstream_rq_200').inc();
  scope.counter('cluster.a.upstream_rq_200').inc();
  scope.counter('cluster.a.upstream_rq_404').inc();
  scope.gauge('server.live').set(1);
  scope.histogram('cluster.a.upstream_rq_time', 'milliseconds').record(2);
  intervals.flush();
  const text = [...renderPrometheus({ ...sources, buckets: () => [1, 5] }, { usedOnly: false, shows: () => true, textReadouts: false, histograms: 'cumulative' })].join('');
  assert.equal(
    text,
    `# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="a"} 1
envoy_cluster_upstream_rq{envoy_response_code="404",envoy_cluster_name="a"} 1
envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="b"} 1
# TYPE envoy_server_live gauge
envoy_server_live{} 1
# TYPE envoy_cluster_upstream_rq_time histogram
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="1"} 0
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="5"} 1
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="+Inf"} 1
envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="a"} 2.0487804878048780921062643756159
envoy_cluster_upstream_rq_time_count{envoy_cluster_name="a"} 1
`,
  );
});

test('numbers are printed as C++ prints them', () => {
  assert.deepEqual([0.5, 300_000, 1_800_000, 1e-7].map((value) => formatG(value)), ['0.5', '300000', '1.8e+06', '1e-07']);
  assert.deepEqual([300_000, 60_000, 1_800_000, 0.5].map(formatJsonNumber), ['3e+05', '60000', '1800000', '0.5']);
});
