import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrpcService } from '#api/envoy/config/core/v3/grpc_service_pb.js';
import { ConfigError, ConfigErrors } from '../contract/errors.ts';
import { HeaderMap } from '../contract/header-map.ts';
import { expectMessage } from '../contract/message.ts';
import { readGrpcService } from './grpc-service.ts';
import type { GrpcServiceConfig } from './grpc-service.ts';
import { ignoredFields } from './testing/field-walk.ts';
import { fromYamlUnchecked } from './testing/messages.ts';

const TYPE = 'envoy.config.core.v3.GrpcService';

function read(yaml: string): GrpcServiceConfig {
  return readGrpcService(fromYamlUnchecked<GrpcService>(TYPE, yaml));
}

function google(fields: string, more = ''): GrpcServiceConfig {
  return read(`{google_grpc: {stat_prefix: s, ${fields}}${more}}`);
}

/** `path: why` of every error. */
function errorsOf(yaml: string): string[] {
  try {
    read(yaml);
  } catch (error) {
    if (error instanceof ConfigErrors) return error.errors.map((each) => `${each.path}: ${each.why}`);
    if (error instanceof ConfigError) return [`${error.path}: ${error.why}`];
    throw error;
  }
  return [];
}

test('envoy_grpc with its defaults', () => {
  const config = read('envoy_grpc: {cluster_name: c}');
  assert.deepEqual(config, {
    target: { kind: 'envoy', clusterName: 'c', authority: 'c', maxReceiveMessageLength: 0, skipEnvoyHeaders: false, reconnectBackOff: null },
    timeout: -1, initialMetadata: null, retryPolicy: null,
  });
});

test('envoy_grpc with everything', () => {
  const config = read(
    '{envoy_grpc: {cluster_name: c, authority: a, max_receive_message_length: 9, skip_envoy_headers: true, retry_policy: {retry_back_off: {base_interval: 1s}}}, ' +
    'timeout: 1.5s, initial_metadata: [{key: X-A, value: "100%%"}, {key: x-b, value: ""}], ' +
    'retry_policy: {retry_on: "unavailable, internal", num_retries: 4, retry_back_off: {base_interval: 0.2s, max_interval: 3s}}}',
  );
  assert.deepEqual(config.target, {
    kind: 'envoy', clusterName: 'c', authority: 'a', maxReceiveMessageLength: 9, skipEnvoyHeaders: true, reconnectBackOff: { base: 1_000, max: 10_000 },
  });
  assert.equal(config.timeout, 1_500);
  assert.deepEqual(config.retryPolicy, {
    retryOn: ['unavailable', 'internal'], numRetries: 4, perTryTimeout: 3_000, perTryIdleTimeout: 0, retriableStatusCodes: [], baseInterval: 200, maxInterval: 3_000,
  });
  const headers = HeaderMap.of(['x-a', 'old']);
  config.initialMetadata?.apply(headers, null);
  assert.deepEqual(headers.entries(), [['x-a', '100%%']]);
});

test('a retry policy without back-off: one retry, 1 to 10 seconds', () => {
  const policy = read('{envoy_grpc: {cluster_name: c}, retry_policy: {retry_on: cancelled}}').retryPolicy;
  assert.deepEqual([policy?.numRetries, policy?.baseInterval, policy?.maxInterval, policy?.perTryTimeout], [1, 1_000, 10_000, 10_000]);
});

const ADDRESSES: readonly (readonly [uri: string, address: object, authority: string])[] = [
  ['svc.test:50051', { kind: 'dns', host: 'svc.test', port: 50_051 }, 'svc.test:50051'],
  ['svc.test', { kind: 'dns', host: 'svc.test', port: 443 }, 'svc.test'],
  ['dns:///svc.test:1', { kind: 'dns', host: 'svc.test', port: 1 }, 'svc.test:1'],
  ['dns:svc.test:1', { kind: 'dns', host: 'svc.test', port: 1 }, 'svc.test:1'],
  ['10.0.0.1:1', { kind: 'ip', addresses: [{ ip: '10.0.0.1', port: 1 }] }, '10.0.0.1:1'],
  ['[::1]:1', { kind: 'ip', addresses: [{ ip: '::1', port: 1 }] }, '[::1]:1'],
  ['ipv4:10.0.0.1:1,10.0.0.2:2', { kind: 'ip', addresses: [{ ip: '10.0.0.1', port: 1 }, { ip: '10.0.0.2', port: 2 }] }, '10.0.0.1:1'],
  ['ipv6:[::1]:1', { kind: 'ip', addresses: [{ ip: '::1', port: 1 }] }, '[::1]:1'],
  ['unix:rel/path', { kind: 'pipe', path: 'rel/path' }, 'localhost'],
  ['unix:///abs/path', { kind: 'pipe', path: '/abs/path' }, 'localhost'],
];

for (const [uri, address, authority] of ADDRESSES) {
  test(`google_grpc target ${uri}`, () => {
    const { target } = google(`target_uri: "${uri}"`);
    assert.ok(target.kind === 'google');
    assert.deepEqual([target.address, target.authority], [address, authority]);
  });
}

test('google_grpc: defaults and channel arguments', () => {
  const plain = google('target_uri: "a:1"').target;
  assert.ok(plain.kind === 'google');
  assert.deepEqual([plain.maxReceiveMessageLength, plain.perStreamBufferLimit, plain.keepaliveTime, plain.userAgent], [4_194_304, 1_048_576, 0, 'grpc-nuncio']);
  const { target } = google(
    'target_uri: "a:1", per_stream_buffer_limit_bytes: 7, channel_args: {args: {grpc.default_authority: {string_value: auth}, ' +
    'grpc.max_receive_message_length: {int_value: -1}, grpc.primary_user_agent: {string_value: me}, grpc.keepalive_time_ms: {int_value: 5000}, ' +
    'grpc.keepalive_permit_without_calls: {int_value: 1}, grpc.enable_retries: {int_value: 0}}}',
  );
  assert.ok(target.kind === 'google');
  assert.deepEqual(
    [target.authority, target.maxReceiveMessageLength, target.perStreamBufferLimit, target.userAgent, target.keepaliveTime, target.keepaliveTimeout],
    ['auth', 0, 7, 'me grpc-nuncio', 5_000, 20_000],
  );
  assert.equal(google('target_uri: "unix:/s", channel_credentials: {local_credentials: {}}').target.kind, 'google');
});

const NOT_YET = 'known to Envoy, not in nuncio yet: ';
const ERRORS: readonly (readonly [yaml: string, ...errors: string[]])[] = [
  ['{}', ': one of envoy_grpc, google_grpc is required'],
  ['envoy_grpc: {}', 'envoy_grpc.cluster_name: value length must be at least 1 characters'],
  ['{envoy_grpc: {cluster_name: c}, initial_metadata: [{key: ":path", value: v}]}', 'initial_metadata[0].key: :-prefixed or host headers may not be modified'],
  [
    '{envoy_grpc: {cluster_name: c}, retry_policy: {retry_back_off: {base_interval: 2s, max_interval: 1s}}}',
    'retry_policy.retry_back_off.max_interval: max_interval must be greater than or equal to the base_interval',
  ],
  [
    '{envoy_grpc: {cluster_name: c}, retry_policy: {retry_priority: {name: x}, host_selection_retry_max_attempts: 2}}',
    `retry_policy.retry_priority: ${NOT_YET}envoy.config.core.v3.RetryPolicy.retry_priority`,
    `retry_policy.host_selection_retry_max_attempts: ${NOT_YET}envoy.config.core.v3.RetryPolicy.host_selection_retry_max_attempts`,
  ],
  ['google_grpc: {target_uri: "xds:///a", stat_prefix: s}', `google_grpc.target_uri: ${NOT_YET}gRPC targets of the scheme xds`],
  ['google_grpc: {target_uri: "dns://8.8.8.8/a:1", stat_prefix: s}', `google_grpc.target_uri: ${NOT_YET}a DNS server of its own in a gRPC target`],
  ['google_grpc: {target_uri: "a:99999", stat_prefix: s}', "google_grpc.target_uri: malformed target 'a:99999'"],
  ['google_grpc: {target_uri: "a/b", stat_prefix: s}', "google_grpc.target_uri: malformed target 'a/b'"],
  ['google_grpc: {target_uri: "ipv4:[::1]:1", stat_prefix: s}', 'google_grpc.target_uri: malformed IP address: [::1]:1'],
  ['google_grpc: {target_uri: "unix:", stat_prefix: s}', "google_grpc.target_uri: no path in 'unix:'"],
  [
    'google_grpc: {target_uri: "a:1", channel_credentials: {ssl_credentials: {}}, credentials_factory_name: f, call_credentials: [{access_token: t}]}',
    `google_grpc.call_credentials: ${NOT_YET}GrpcService.GoogleGrpc.call_credentials`,
    'google_grpc.stat_prefix: value length must be at least 1 characters',
    `google_grpc.credentials_factory_name: ${NOT_YET}google_grpc credentials factory f`,
    `google_grpc.channel_credentials.ssl_credentials: ${NOT_YET}google_grpc with TLS`,
  ],
  ['google_grpc: {target_uri: "a:1", stat_prefix: s, channel_credentials: {google_default: {}}}', `google_grpc.channel_credentials.google_default: ${NOT_YET}Google default credentials`],
  [
    'google_grpc: {target_uri: "a:1", stat_prefix: s, channel_credentials: {local_credentials: {}}}',
    'google_grpc.channel_credentials.local_credentials: local credentials are for Unix domain sockets only',
  ],
  [
    'google_grpc: {target_uri: "a:1", stat_prefix: s, channel_args: {args: {grpc.nonsense: {int_value: 1}}}}',
    `google_grpc.channel_args.args[grpc.nonsense]: ${NOT_YET}channel argument grpc.nonsense`,
  ],
  [
    'google_grpc: {target_uri: "a:1", stat_prefix: s, channel_args: {args: {grpc.keepalive_time_ms: {string_value: "1"}}}}',
    'google_grpc.channel_args.args[grpc.keepalive_time_ms]: grpc.keepalive_time_ms is an int_value',
  ],
  [
    '{google_grpc: {target_uri: "a:1", stat_prefix: s}, initial_metadata: [{key: "a b", value: v}]}',
    'google_grpc: Illegal characters in gRPC initial metadata header key: a b.',
  ],
  [
    '{google_grpc: {target_uri: "a:1", stat_prefix: s}, initial_metadata: [{key: a, value: "ä"}]}',
    'google_grpc: Illegal ASCII value for gRPC initial metadata header key: a.',
  ],
];

for (const [yaml, ...errors] of ERRORS) test(`refused: ${yaml}`, () => assert.deepEqual(errorsOf(yaml), errors));

test('no field is accepted and ignored', () => {
  const CORE = 'envoy.config.core.v3.';
  assert.deepEqual(
    ignoredFields({
      typeName: TYPE,
      build: (message) => readGrpcService(expectMessage<GrpcService>(message, TYPE)),
      unchecked: true,
      samples: {
        [TYPE]: { envoy_grpc: { cluster_name: 'c' } },
        [`${TYPE}.EnvoyGrpc`]: { cluster_name: 'c' },
        [`${TYPE}.GoogleGrpc`]: { target_uri: 'unix:/s', stat_prefix: 's' },
        [`${TYPE}.GoogleGrpc.target_uri`]: { value: 'unix:/s' },
        [`${TYPE}.GoogleGrpc.ChannelCredentials.google_default`]: { value: {} },
        [`${TYPE}.GoogleGrpc.ChannelArgs.args`]: { value: { 'grpc.enable_retries': { int_value: 0 } } },
        [`${CORE}HeaderValue`]: { key: 'x', value: 'v' },
        [`${CORE}HeaderValue.raw_value`]: { value: 'YQ==' },
        [`${CORE}BackoffStrategy`]: { base_interval: '1s', max_interval: '2s' },
      },
      allowed: {
        [`${TYPE}.GoogleGrpc.ChannelCredentials.local_credentials`]: 'its message is empty: that it is chosen is all',
        [`${CORE}RetryPolicy.retry_on`]: 'of envoy_grpc.retry_policy, of which only the back-off counts; GrpcService.retry_policy has its own test',
        [`${CORE}RetryPolicy.num_retries`]: 'of envoy_grpc.retry_policy, of which only the back-off counts; GrpcService.retry_policy has its own test',
        [`${CORE}RetryPolicy.retry_priority`]: 'of envoy_grpc.retry_policy, of which only the back-off counts; GrpcService.retry_policy has its own test',
        [`${CORE}RetryPolicy.retry_host_predicate`]: 'of envoy_grpc.retry_policy, of which only the back-off counts; GrpcService.retry_policy has its own test',
        [`${CORE}RetryPolicy.host_selection_retry_max_attempts`]: 'of envoy_grpc.retry_policy, of which only the back-off counts; GrpcService.retry_policy has its own test',
      },
    }),
    [],
  );
});
