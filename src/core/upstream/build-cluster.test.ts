import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ConfigError } from '../../contract/errors.ts';
import { ipAddress } from '../network/address.ts';
import { PROTOCOL_HTTP10, PROTOCOL_HTTP11, PROTOCOL_HTTP2, PROTOCOL_NONE } from '../../contract/stream-info.ts';
import { usesHttp2 } from './http-protocol-options.ts';
import { TestThread } from './test-support.ts';

let thread: TestThread;
beforeEach(() => {
  thread = new TestThread();
});
afterEach(() => thread.dispose());

const ENDPOINT = '{endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: 80}}}}';

function yaml(extra: string, endpoints = `[{lb_endpoints: [${ENDPOINT}]}]`): string {
  return `{name: a, load_assignment: {cluster_name: a, endpoints: ${endpoints}}${extra === '' ? '' : `, ${extra}`}}`;
}

function options(text: string): string {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  return `typed_extension_protocol_options: {${type}: {'@type': type.googleapis.com/${type}, ${text}}}`;
}

test('defaults', () => {
  const { info } = thread.addCluster(yaml(''));
  assert.equal(info.connectTimeout, 5_000);
  assert.equal(info.perConnectionBufferLimit, 1_048_576);
  assert.equal(info.idleTimeout, 3_600_000);
  assert.equal(info.maxConnectionDuration, -1);
  assert.equal(info.maxRequestsPerConnection, 0);
  assert.equal(info.maxResponseHeadersBytes, 80 * 1_024);
  assert.equal(info.maxResponseHeadersCount, 100);
  const { connections, pendingRequests, requests, retries } = info.resourceManager(0);
  assert.deepEqual([connections.max, pendingRequests.max, requests.max, retries.max], [1_024, 1_024, 1_024, 3]);
  assert.equal(info.maintenanceMode, false);
  assert.equal(info.observabilityName, 'a');
});

test('what is set', () => {
  const { info, hosts } = thread.addCluster(
    yaml(
      `alt_stat_name: 'b:c', connect_timeout: 0.25s, per_connection_buffer_limit_bytes: 5, metadata: {filter_metadata: {x: {y: 1}}},
       circuit_breakers: {thresholds: [{priority: HIGH, max_retries: 9}], per_host_thresholds: [{max_connections: 4}]}, ` +
        options(`explicit_http_config: {http_protocol_options: {enable_trailers: true}}, common_http_protocol_options:
       {idle_timeout: 7s, max_requests_per_connection: 3, max_headers_count: 50, max_stream_duration: 2s}`),
      `[{priority: 1, locality: {region: r, zone: z, sub_zone: s}, lb_endpoints: [{health_status: UNHEALTHY, load_balancing_weight: 3,
        metadata: {filter_metadata: {envoy.lb: {canary: true}}}, endpoint: {hostname: h, address: {pipe: {path: '@x'}}}}]}]`,
    ),
  );
  assert.equal(info.observabilityName, 'b:c');
  assert.equal(info.stats.scope.prefix, 'cluster.b_c.');
  assert.deepEqual([info.connectTimeout, info.perConnectionBufferLimit, info.idleTimeout, info.maxStreamDuration], [250, 5, 7_000, 2_000]);
  assert.deepEqual([info.maxRequestsPerConnection, info.maxResponseHeadersCount, info.http.http1.enableTrailers], [3, 50, true]);
  assert.equal(info.resourceManager(1).retries.max, 9);
  assert.equal(info.resourceManager(0).maxConnectionsPerHost, 4);
  const [host] = hosts;
  assert.equal(host.address.text, '@x');
  assert.deepEqual([host.hostname, host.weight, host.priority, host.canary, host.healthFlags.load()], ['h', 3, 1, true, 4]);
  assert.deepEqual(host.locality, { region: 'r', zone: 'z', subZone: 's' });
  assert.deepEqual(info.metadata, { x: { y: 1 } });
});

/** Every refusal names its place and says what it is. */
const REFUSED: readonly (readonly [string, string, string])[] = [
  ['type: EDS, eds_cluster_config: {eds_config: {ads: {}}}', 'type', 'cluster type EDS'],
  ['type: LOGICAL_DNS', 'type', 'cluster type LOGICAL_DNS'],
  ["cluster_type: {name: x, typed_config: {'@type': type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [b]}}", 'cluster_type', 'cluster_type x'],
  ['lb_policy: LEAST_REQUEST', 'lb_policy', 'lb_policy LEAST_REQUEST'],
  ['outlier_detection: {}', 'outlier_detection', 'Cluster.outlier_detection'],
  ['track_cluster_stats: {timeout_budgets: true}', 'track_cluster_stats', 'Cluster.track_cluster_stats'],
  [
    'preconnect_policy: {preconnect_enabled_metadata: {filter: a, path: [{key: b}], value: {present_match: true}}}', 'preconnect_enabled_metadata',
    'PreconnectPolicy.preconnect_enabled_metadata',
  ],
  ['circuit_breakers: {thresholds: [{max_connection_pools: 2}]}', 'circuit_breakers.thresholds[0].max_connection_pools', 'max_connection_pools'],
  ['common_lb_config: {locality_weighted_lb_config: {}}', 'common_lb_config', 'locality_weighted_lb_config'],
  [options('explicit_http_config: {http3_protocol_options: {}}'), 'explicit_http_config', 'HTTP/3 upstreams'],
  [
    options('use_downstream_protocol_config: {http3_protocol_options: {}}'), 'use_downstream_protocol_config.http3_protocol_options', 'HTTP/3 upstreams',
  ],
  ['upstream_bind_config: {source_address: {address: 127.0.0.1, port_value: 0}, freebind: true}', 'freebind', 'BindConfig.freebind'],
];

for (const [text, path, what] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => thread.addCluster(yaml(text)),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.equal(error.why, `known to Envoy, not in nuncio yet: ${what}`);
        assert.equal(error.path, path);
        return true;
      },
    );
    assert.equal(thread.clusters.getThreadLocalCluster('a'), null);
  });
}

test('STATIC takes no host names', () => {
  assert.throws(
    () => thread.addCluster(yaml('', '[{lb_endpoints: [{endpoint: {address: {socket_address: {address: example.com, port_value: 1}}}}]}]')),
    (error: unknown) =>
      error instanceof ConfigError &&
      error.path === 'load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address' &&
      /malformed IP address: example.com/.test(error.why),
  );
});

test('a name twice', () => {
  thread.addCluster(yaml(''));
  assert.throws(() => thread.addCluster(yaml('')), /duplicate cluster 'a'/);
});

test('load_balancing_policy: round_robin is taken, others are not', () => {
  const type = 'type.googleapis.com/envoy.extensions.load_balancing_policies';
  const policy = (name: string): string => `load_balancing_policy: {policies: [{typed_extension_config: {name: x, typed_config: {'@type': ${type}.${name}}}}]}`;
  thread.addCluster(yaml(policy('round_robin.v3.RoundRobin')));
  assert.throws(() => thread.addCluster(yaml(policy('random.v3.Random')).replace('name: a', 'name: b')), /not in nuncio yet/);
});

test('a cluster that nobody calls keeps no cells and no handles', () => {
  for (let i = 0; i < 100; i++) thread.addCluster(yaml('').replace('name: a', `name: a${i}`));
  assert.equal(thread.sharedCells.size, 0);
});

test('removing a cluster frees its statistics when its connections are gone', () => {
  const entry = thread.addCluster(yaml(''));
  thread.dispatcher.runInTurn(() => entry.tcpPool(0, null)?.newConnection({ onPoolReady: () => {}, onPoolFailure: () => {} }), undefined);
  let done = false;
  assert.equal(thread.clusters.removeCluster('a', thread.context, () => (done = true)), true);
  assert.equal(thread.clusters.getThreadLocalCluster('a'), null);
  assert.equal(done, false);
  thread.io.last.refused();
  assert.equal(done, true);
  assert.ok(thread.definitions.some((each) => each.type === 'drop'));
  const other = thread.addCluster(yaml('').replace('name: a', 'name: a.b'));
  other.hosts[0].stats.rqTotal.add(1);
  thread.clusters.freeSharedCells('a', thread.context);
  assert.equal(thread.sharedCells.size, 1);
  assert.equal(other.hosts[0].stats.rqTotal.load(), 1);
});

test('upstream_bind_config: connections are made from the source address of the same family', () => {
  const bind = 'upstream_bind_config: {source_address: {address: 192.0.2.7, port_value: 0}, extra_source_addresses: [{address: {address: "::1", port_value: 9}}]}';
  const { info } = thread.addCluster(yaml(bind));
  const sources = ['192.0.2.1', '2001:db8::1'].map((remote) => info.sourceAddressFor(ipAddress(remote, 80)));
  assert.deepEqual(sources.map((each) => each?.text), ['192.0.2.7:0', '[::1]:9']);
  assert.equal(thread.addCluster(yaml('').replace('name: a', 'name: b')).info.sourceAddressFor(ipAddress('192.0.2.1', 80)), null);
});

test('fields of other cluster types', () => {
  assert.throws(() => thread.addCluster(yaml('eds_cluster_config: {eds_config: {ads: {}}}')), /eds_cluster_config set in a non-EDS cluster/);
});

/** [what is configured, HTTP/2 towards the origin for a request that came over HTTP/1.1, and over HTTP/2]. */
const PROTOCOLS: readonly (readonly [string, boolean, boolean])[] = [
  ['', false, false],
  ['protocol_selection: USE_DOWNSTREAM_PROTOCOL', false, true],
  ['http2_protocol_options: {}', true, true],
  ['http2_protocol_options: {}, http_protocol_options: {}, protocol_selection: USE_DOWNSTREAM_PROTOCOL', false, true],
  [options('explicit_http_config: {http_protocol_options: {}}'), false, false],
  [options('explicit_http_config: {http2_protocol_options: {}}'), true, true],
  [`http2_protocol_options: {}, ${options('explicit_http_config: {http_protocol_options: {}}')}`, false, false],
  [options('use_downstream_protocol_config: {}'), false, true],
];

test('the protocol towards the origin', () => {
  PROTOCOLS.forEach(([text, http1, http2], i) => {
    const { choice } = thread.addCluster(yaml(text).replace('name: a', `name: a${i}`)).info.http;
    assert.deepEqual([usesHttp2(choice, PROTOCOL_HTTP11), usesHttp2(choice, PROTOCOL_HTTP2)], [http1, http2], text);
    assert.equal(usesHttp2(choice, PROTOCOL_HTTP10), http1, text);
    assert.equal(usesHttp2(choice, PROTOCOL_NONE), text.includes('http2_protocol_options') && http2 && !text.includes('explicit_http_config: {http_p'), text);
  });
});

test('options of HTTP/2', () => {
  const { http } = thread.addCluster(
    yaml(options(`explicit_http_config: {http2_protocol_options: {max_concurrent_streams: 7, allow_connect: true}},
      common_http_protocol_options: {max_response_headers_kb: 3}, upstream_http_protocol_options: {auto_sni: true}`)),
  ).info;
  assert.deepEqual([http.http2.maxConcurrentStreams, http.http2.allowConnect, http.maxHttp2HeadersBytes], [7, true, 3_072]);
  const own = thread.addCluster(yaml('http2_protocol_options: {hpack_table_size: 5}').replace('name: a', 'name: b')).info.http;
  assert.deepEqual([own.http2.hpackTableSize, own.maxHttp2HeadersBytes, own.maxResponseHeadersBytes], [5, 61_440, 81_920]);
});

test('what Envoy refuses', () => {
  for (const [text, path, why] of [
    [options('auto_config: {}'), 'auto_config', 'ALPN configured for cluster a which has a non-ALPN transport socket'],
    [
      'http2_protocol_options: {}, http_protocol_options: {}', 'protocol_selection',
      "cluster: Both HTTP1 and HTTP2 options may only be configured with non-default 'protocol_selection' values",
    ],
    [
      `max_requests_per_connection: 1, ${options('explicit_http_config: {http2_protocol_options: {}}, common_http_protocol_options: {max_requests_per_connection: 1}')}`,
      'max_requests_per_connection', 'Only one of max_requests_per_connection from Cluster or HttpProtocolOptions can be specified',
    ],
    [
      options('explicit_http_config: {http2_protocol_options: {custom_settings_parameters: [{identifier: 8, value: 1}]}}'),
      'explicit_http_config.http2_protocol_options.custom_settings_parameters',
      'the "allow_connect" SETTINGS parameter must only be configured through the named field',
    ],
    [
      options("explicit_http_config: {http_protocol_options: {}}, header_validation_config: {name: v, typed_config: {'@type': type.googleapis.com/envoy.extensions.http.header_validators.envoy_default.v3.HeaderValidatorConfig}}"),
      'header_validation_config', "This Envoy binary does not support header validator extensions: 'v'",
    ],
  ] as const) {
    assert.throws(() => thread.addCluster(yaml(text)), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.deepEqual([error.path, error.why], [path, why]);
      return true;
    });
  }
});
