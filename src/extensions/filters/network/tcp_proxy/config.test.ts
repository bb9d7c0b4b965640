import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { TcpProxy } from '#api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import { ConfigError } from '../../../../contract/errors.ts';
import { parseMessage, TestThread } from '../../../../core/upstream/test-support.ts';
import { readTcpProxy, TCP_PROXY } from './config.ts';

let thread: TestThread;
beforeEach(() => {
  thread = new TestThread();
});
afterEach(() => thread.dispose());

function read(yaml: string): ReturnType<typeof readTcpProxy> {
  return readTcpProxy(parseMessage<TcpProxy>(TCP_PROXY, `{stat_prefix: t, ${yaml}}`), thread.context);
}

test('defaults', () => {
  const config = read('cluster: a');
  assert.deepEqual(
    [config.idleTimeout, config.maxConnectAttempts, config.maxDuration, config.backOff, config.logInterval, config.logOnConnected],
    [3_600_000, 1, -1, null, 0, false],
  );
});

test('weighted clusters with subset metadata', () => {
  const config = read(`metadata_match: {filter_metadata: {envoy.lb: {x: '1', y: '1'}}},
    weighted_clusters: {clusters: [{name: a, weight: 1}, {name: b, weight: 3, metadata_match: {filter_metadata: {envoy.lb: {y: '2'}}}}]}`);
  assert.equal(config.totalWeight, 4);
  assert.deepEqual(config.routes.map((route) => route.metadataMatch), [{ x: '1', y: '1' }, { x: '1', y: '2' }]);
});

const WRONG: readonly (readonly [string, string, string])[] = [
  ['cluster: a, tunneling_config: {hostname: x, post_path: /y}', 'tunneling_config.post_path', "Can't set a post path when POST method isn't used"],
  ['cluster: a, tunneling_config: {hostname: "%NOPE%"}', 'tunneling_config.hostname', 'Not supported field in StreamInfo: NOPE'],
  [
    'cluster: a, upstream_connect_mode: ON_DOWNSTREAM_DATA', 'max_early_data_bytes',
    'max_early_data_bytes must be set when upstream_connect_mode is not IMMEDIATE',
  ],
  ['cluster: a, on_demand: {odcds_config: {ads: {}}}', 'on_demand', 'known to Envoy, not in nuncio yet: TcpProxy.on_demand'],
  [
    'cluster: a, backoff_options: {base_interval: 2s, max_interval: 1s}',
    'backoff_options',
    'max_backoff_interval must be greater or equal to base_backoff_interval',
  ],
  [
    'cluster: a, flush_access_log_on_connected: true, access_log_options: {}',
    'access_log_options',
    'Only one of flush_access_log_on_connected or access_log_options can be specified.',
  ],
];

for (const [yaml, path, why] of WRONG) {
  test(`refused: ${yaml}`, () => {
    assert.throws(
      () => read(yaml),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.deepEqual([error.path, error.why], [path, why]);
        return true;
      },
    );
  });
}
