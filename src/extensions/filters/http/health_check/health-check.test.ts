import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthCheck } from '#api/envoy/extensions/filters/http/health_check/v3/health_check_pb.js';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import type { FakeContext } from '../../../../common/testing/fake-context.ts';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import type { FilterChainCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import { FLAG_FAILED_LOCAL_HEALTH_CHECK } from '../../../../contract/response-flags.ts';
import { HEADERS_CONTINUE, HEADERS_STOP_ITERATION } from '../../../../contract/status.ts';
import { HOST_DEGRADED_ACTIVE_HC, HOST_FAILED_ACTIVE_HC } from '../../../../contract/upstream.ts';
import type { ThreadLocalCluster } from '../../../../contract/upstream.ts';
import { HEALTH_CHECK, healthCheckConfig } from './config.ts';
import { healthCheckFilter } from './index.ts';

const MATCH = 'headers: [{name: ":path", string_match: {exact: /healthz}}]';

/** Makes filters, one a stream, with the callbacks that record what they did. */
function setUp(yaml: string, context: FakeContext = fakeContext()) {
  const create = healthCheckFilter.create(fromYaml<HealthCheck>(HEALTH_CHECK, yaml), 'http.h.', context);
  return {
    context,
    stat: (name: string): number => context.rootScope.value(`http.h.health_check.${name}`),
    stream: () => {
      const record = fakeFilterCallbacks();
      let filter: StreamFilter | undefined;
      const chain: Partial<FilterChainCallbacks> = {
        addStreamFilter: (_name, added) => {
          filter = added;
        },
      };
      create(chain as FilterChainCallbacks);
      if (filter === undefined) assert.fail('no filter was added');
      filter.setDecoderFilterCallbacks(record.callbacks);
      return { record, filter };
    },
  };
}

function clusterOf(...flags: number[]): ThreadLocalCluster {
  return { hosts: flags.map((flag) => ({ healthFlags: { load: () => flag } })) } as unknown as ThreadLocalCluster;
}

test('other requests pass', () => {
  const { filter, record } = setUp(`{pass_through_mode: false, ${MATCH}}`).stream();
  assert.equal(filter.decodeHeaders(testRequest('/other'), true), HEADERS_CONTINUE);
  assert.equal(record.streamInfo.healthCheck, false);
  assert.equal(record.replies.length, 0);
});

test('no pass through: answers 200, after the body if there is one', () => {
  const set = setUp(`{pass_through_mode: false, ${MATCH}}`);
  const { filter, record } = set.stream();
  assert.equal(filter.decodeHeaders(testRequest('/healthz'), false), HEADERS_STOP_ITERATION);
  assert.equal(record.replies.length, 0);
  filter.decodeData(Buffer.from('x'), true);
  assert.deepEqual([record.replies[0].status, record.replies[0].details], [200, 'health_check_ok']);
  assert.equal(record.streamInfo.healthCheck, true);
  const response = HeaderMap.of([':status', '200']);
  filter.encodeHeaders(response, true);
  assert.equal(response.get('x-envoy-upstream-healthchecked-cluster'), 'local_cluster');
  assert.deepEqual([set.stat('request_total'), set.stat('ok'), set.stat('failed')], [1, 1, 0]);
});

test('the server was told to fail', () => {
  const set = setUp(`{pass_through_mode: true, ${MATCH}}`);
  set.context.serverHealth.failed = true;
  const { filter, record } = set.stream();
  filter.decodeHeaders(testRequest('/healthz'), true);
  assert.deepEqual([record.replies[0].status, record.replies[0].details], [503, 'health_check_failed']);
  assert.ok(record.streamInfo.hasResponseFlag(FLAG_FAILED_LOCAL_HEALTH_CHECK));
  const other = set.stream();
  assert.equal(other.filter.decodeHeaders(testRequest('/x'), true), HEADERS_CONTINUE);
  const response = HeaderMap.of([':status', '200']);
  other.filter.encodeHeaders(response, true);
  assert.equal(response.get('x-envoy-immediate-health-check-fail'), 'true');
  assert.equal(set.stat('failed'), 1);
});

test('percentages of healthy and degraded hosts', () => {
  const rows: readonly (readonly [ThreadLocalCluster | null, number, number, string])[] = [
    [clusterOf(0, HOST_DEGRADED_ACTIVE_HC, HOST_FAILED_ACTIVE_HC, HOST_FAILED_ACTIVE_HC), 50, 200, 'health_check_ok_cluster_healthy'],
    [clusterOf(0, HOST_FAILED_ACTIVE_HC, HOST_FAILED_ACTIVE_HC), 50, 503, 'health_check_failed_cluster_unhealthy'],
    [clusterOf(), 1, 503, 'health_check_failed_cluster_empty'],
    [clusterOf(), 0, 200, 'health_check_ok_cluster_healthy'],
    [null, 0, 503, 'health_check_failed_no_cluster_found'],
  ];
  for (const [cluster, percent, status, details] of rows) {
    const context = fakeContext();
    context.clusters.set('c', cluster);
    const { filter, record } = setUp(`{pass_through_mode: false, ${MATCH}, cluster_min_healthy_percentages: {c: {value: ${percent}}}}`, context).stream();
    filter.decodeHeaders(testRequest('/healthz'), true);
    assert.deepEqual([record.replies[0].status, record.replies[0].details], [status, details]);
  }
});

test('pass through with a cache: the answer is kept for a period, degraded or not', () => {
  const set = setUp(`{pass_through_mode: true, cache_time: 1s, ${MATCH}}`);
  const first = set.stream();
  assert.equal(first.filter.decodeHeaders(testRequest('/healthz'), true), HEADERS_CONTINUE);
  first.filter.encodeHeaders(HeaderMap.of([':status', '503'], ['x-envoy-degraded', '']), true);
  const second = set.stream();
  assert.equal(second.filter.decodeHeaders(testRequest('/healthz'), true), HEADERS_STOP_ITERATION);
  const reply = second.record.replies[0];
  assert.deepEqual([reply.status, reply.details], [503, 'health_check_cached']);
  const headers = new HeaderMap();
  reply.modify?.(headers);
  assert.equal(headers.get('x-envoy-degraded'), '');
  assert.deepEqual([set.stat('cached_response'), set.stat('degraded'), set.stat('failed')], [1, 1, 1]);
  set.context.dispatcher.advance(1_000);
  assert.equal(set.stream().filter.decodeHeaders(testRequest('/healthz'), true), HEADERS_CONTINUE);
  assert.equal(set.context.dispatcher.armedTimers, 0);
});

test('bad configuration', () => {
  const build = (yaml: string) => healthCheckConfig(fromYaml<HealthCheck>(HEALTH_CHECK, yaml));
  assert.throws(() => build('{}'), /pass_through_mode/);
  assert.throws(() => build('{pass_through_mode: false, cache_time: 1s}'), (error) => error instanceof ConfigError &&
    error.why === 'cache_time_ms must not be set when path_through_mode is disabled' && error.path === 'cache_time');
  assert.throws(() => build('{pass_through_mode: false, cluster_min_healthy_percentages: {c: {value: NaN}}}'), /cluster_min_healthy_percentages/);
});
