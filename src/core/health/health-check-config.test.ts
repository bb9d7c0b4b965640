import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthCheck } from '#api/envoy/config/core/v3/health_check_pb.js';
import { FakeLogFile } from '../../common/testing/fake-context.ts';
import { fromYamlUnchecked } from '../../common/testing/messages.ts';
import { ConfigError, ConfigErrors } from '../../contract/errors.ts';
import { TestThread } from '../upstream/test-support.ts';
import type { HealthCheckConfig } from './health-check-config.ts';
import { readHealthCheck } from './health-check-config.ts';
import { HealthEventLog } from './health-events.ts';

const REQUIRED = 'timeout: 1s, interval: 5s, unhealthy_threshold: 2, healthy_threshold: 3';

function read(fields: string, http2 = false): HealthCheckConfig {
  const thread = new TestThread();
  thread.dispose();
  return readHealthCheck(fromYamlUnchecked<HealthCheck>('envoy.config.core.v3.HealthCheck', `{${REQUIRED}, ${fields}}`), http2, thread.context);
}

test('defaults', () => {
  assert.deepEqual(read('tcp_health_check: {}'), {
    name: '', check: { kind: 'tcp', send: null, receive: [], proxyProtocol: 0 },
    timeout: 1_000, interval: 5_000, initialJitter: 0, intervalJitter: 0, intervalJitterPercent: 0, unhealthyThreshold: 2, healthyThreshold: 3,
    reuseConnection: true, noTrafficInterval: 60_000, noTrafficHealthyInterval: 60_000, unhealthyInterval: 5_000, unhealthyEdgeInterval: 5_000,
    healthyEdgeInterval: 5_000, eventLogPaths: [], alwaysLogFailures: false, alwaysLogSuccess: false, socketOptions: null,
  });
});

test('intervals take each other as defaults, as in Envoy', () => {
  const config = read('tcp_health_check: {}, no_traffic_interval: 7s, unhealthy_interval: 8s');
  assert.deepEqual([config.noTrafficHealthyInterval, config.unhealthyEdgeInterval, config.healthyEdgeInterval], [7_000, 8_000, 5_000]);
});

test('event logs of both kinds', () => {
  const sink = '{name: f, typed_config: {"@type": type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink, event_log_path: /b}}';
  assert.deepEqual(read(`tcp_health_check: {}, event_log_path: /a, event_logger: [${sink}]`).eventLogPaths, ['/a', '/b']);
});

const NOT_YET = 'known to Envoy, not in nuncio yet: ';
const ERRORS: readonly (readonly [fields: string, ...errors: string[]])[] = [
  ['interval_jitter: 1s', ': invalid cluster config: a health check needs one of http_, tcp_, grpc_ or custom_health_check'],
  ['grpc_health_check: {}', 'grpc_health_check: cluster must support HTTP/2 for gRPC healthchecking'],
  [
    'http_health_check: {path: /, send: {text: "61"}}',
    "http_health_check.send: HTTP health check cannot specify a request payload with method 'GET'. Only methods that support a request body (POST, PUT, PATCH, OPTIONS) can be used with payload.",
  ],
  ['http_health_check: {path: /, receive: [{text: "6"}]}', "http_health_check.receive[0].text: invalid hex string '6'"],
  ['tcp_health_check: {send: {text: xx}}', "tcp_health_check.send.text: invalid hex string 'xx'"],
  [
    'http_health_check: {path: /, response_buffer_size: 1, receive: [{text: "6161"}]}',
    "http_health_check.receive: The expected response length '2' is over than http health response buffer size '1'",
  ],
  [
    'http_health_check: {path: /, expected_statuses: [{start: 200, end: 200}]}',
    'http_health_check.expected_statuses[0]: Invalid http expected status range: expecting start < end, but found start=200 and end=200',
  ],
  [
    'http_health_check: {path: /, retriable_statuses: [{start: 99, end: 200}]}',
    'http_health_check.retriable_statuses[0]: Invalid http retriable status range: expecting start >= 100, but found start=99',
  ],
  [
    'http_health_check: {path: /, expected_statuses: [{start: 100, end: 601}]}',
    'http_health_check.expected_statuses[0]: Invalid http expected status range: expecting end <= 600, but found end=601',
  ],
  ['http_health_check: {path: /, codec_client_type: HTTP3}', `http_health_check.codec_client_type: ${NOT_YET}health checks over HTTP/3`],
  ['tcp_health_check: {}, transport_socket_match_criteria: {a: b}, alt_port: 1', `alt_port: ${NOT_YET}HealthCheck.alt_port`, `transport_socket_match_criteria: ${NOT_YET}HealthCheck.transport_socket_match_criteria`],
  [
    'custom_health_check: {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.health_checkers.redis.v3.Redis}}',
    `custom_health_check: ${NOT_YET}envoy.health_checkers r`,
  ],
];

for (const [fields, ...errors] of ERRORS) {
  test(`refused: ${fields}`, () => {
    let found: string[] = [];
    try {
      read(fields);
    } catch (error) {
      const all = error instanceof ConfigErrors ? error.errors : error instanceof ConfigError ? [error] : [];
      found = all.map((each) => `${each.path}: ${each.why}`);
    }
    assert.deepEqual(found, errors);
  });
}

test('several checks of a cluster have names of their own', () => {
  const cluster = (names: readonly string[]): string => {
    const thread = new TestThread();
    const checks = names.map((name) => `{${REQUIRED}, tcp_health_check: {}, name: "${name}"}`).join(', ');
    try {
      thread.addCluster(`{name: a, type: STATIC, load_assignment: {cluster_name: a}, health_checks: [${checks}]}`);
      return '';
    } catch (error) {
      return error instanceof ConfigErrors ? error.message : String(error);
    } finally {
      thread.dispose();
    }
  };
  assert.equal(
    cluster(['one', '', 'one']),
    'health_checks[1].name: health check at index 1 is missing a name; all health checks must have a name when multiple health checks are configured\n' +
    "health_checks[2].name: duplicate health check name 'one' at index 2; all health check names must be unique within a cluster",
  );
  assert.equal(cluster(['one', 'two']), '');
});

test('events are what Envoy writes', () => {
  const thread = new TestThread();
  try {
    const { hosts } = thread.addCluster(
      '{name: a, type: STATIC, load_assignment: {cluster_name: a, endpoints: [{locality: {zone: z}, lb_endpoints: [' +
      '{metadata: {filter_metadata: {envoy.lb: {k: "ä"}}}, endpoint: {address: {socket_address: {address: 192.0.2.1, port_value: 80}}}}]}]}}',
    );
    const file = new FakeLogFile();
    const log = new HealthEventLog(['/e'], 'http', { open: () => file }, thread.dispatcher);
    log.ejectUnhealthy(hosts[0], 0, 404);
    log.addHealthy(hosts[0], true);
    log.failure(hosts[0], 3, false, 0);
    log.success(hosts[0]);
    log.degraded(hosts[0]);
    log.noLongerDegraded(hosts[0]);
    const host = '"host":{"socket_address":{"protocol":"TCP","address":"192.0.2.1","port_value":80,"resolver_name":"","ipv4_compat":false,"network_namespace_filepath":""}}';
    const time = `"timestamp":"${new Date(thread.clock.wall()).toISOString()}"`;
    const place = '"metadata":{"filter_metadata":{"envoy.lb":{"k":"ä"}},"typed_filter_metadata":{}},"locality":{"region":"","zone":"z","sub_zone":""}';
    const head = `{"health_checker_type":"HTTP",${host},"cluster_name":"a"`;
    assert.deepEqual(file.records.map((each) => Buffer.from(each, 'latin1').toString()), [
      `${head},"eject_unhealthy_event":{"failure_type":"ACTIVE","http_status_code":404},${time},${place}}\n`,
      `${head},"add_healthy_event":{"first_check":true},${time},${place}}\n`,
      `${head},${time},"health_check_failure_event":{"failure_type":"NETWORK_TIMEOUT","first_check":false,"http_status_code":0},${place}}\n`,
      `${head},${time},${place},"successful_health_check_event":{}}\n`,
      `${head},${time},"degraded_healthy_host":{},${place}}\n`,
      `${head},${time},"no_longer_degraded_host":{},${place}}\n`,
    ]);
  } finally {
    thread.dispose();
  }
});
