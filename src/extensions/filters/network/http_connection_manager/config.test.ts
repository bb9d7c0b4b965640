import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { HttpConnectionManager } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { testRequest, testStreamInfo } from '../../../../common/testing/stream.ts';
import type { CodecConnection } from '../../../../contract/codec.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import type { ExtensionFactory, HttpFilterFactory } from '../../../../contract/extension.ts';
import type { Connection } from '../../../../contract/network.ts';
import { PROTOCOL_HTTP11, PROTOCOL_HTTP2 } from '../../../../contract/stream-info.ts';
import type { ConnectionManagerConfig } from '../../../../core/http/conn-manager-config.ts';
import { ipAddress, pipeAddress } from '../../../../core/network/address.ts';
import { StatsStore } from '../../../../core/stats/store.ts';
import { HTTP_CONNECTION_MANAGER, connectionManagerConfig } from './config.ts';

const TYPE = 'type.googleapis.com';
const ROUTER = `- {name: router, typed_config: {"@type": ${TYPE}/envoy.extensions.filters.http.router.v3.Router}}`;
const BUFFER = `{name: buf, typed_config: {"@type": ${TYPE}/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 5}}`;

const bufferFilter: HttpFilterFactory = {
  name: 'envoy.filters.http.buffer', category: 'envoy.filters.http', configTypes: [], status: 'works', terminal: false, create: () => () => {},
};
const routerFilter: HttpFilterFactory = { ...bufferFilter, name: 'envoy.filters.http.router', terminal: true };
const plain: ExtensionFactory = { name: 'x', category: 'envoy.request_id', configTypes: [], status: 'works' };

/** The registry as far as these configurations ask it. */
const lookup = {
  httpFilter(any: Any | undefined, name: string): HttpFilterFactory {
    if (any?.typeUrl.endsWith('.Router') === true) return routerFilter;
    if (any?.typeUrl.endsWith('.Buffer') === true) return bufferFilter;
    throw new ConfigError(`Didn't find a registered implementation for '${name}' with type URL: ''`);
  },
  networkFilter: (): never => {
    throw new Error('not asked');
  },
  downstreamTransportSocket: () => assert.fail(),
  upstreamTransportSocket: () => assert.fail(),
  accessLog: (): never => {
    throw new Error('not asked');
  },
  find: (): ExtensionFactory => plain,
  perRouteHttpFilter: (): null => null,
};

class SilentConnection implements CodecConnection {
  readonly pendingWriteBytes = 0;

  write(): void {}
  readDisable(): void {}
  resumeDispatch(): void {}
  endWrite(): void {}
  atTurnEnd(): void {}
}

function build(yaml: string, filters = ROUTER): ConnectionManagerConfig {
  const text = `stat_prefix: p\nroute_config: {virtual_hosts: []}\nhttp_filters:\n${filters}\n${yaml}`;
  const root = new StatsStore(() => {}).root();
  const context = { ...fakeContext(lookup), rootScope: root, listenerScope: root.scope('listener.l') };
  return connectionManagerConfig(fromYaml<HttpConnectionManager>(HTTP_CONNECTION_MANAGER, text), context);
}

test('defaults are Envoy\'s', () => {
  const config = build('');
  const expected: Partial<ConnectionManagerConfig> = {
    idleTimeout: 3_600_000, maxConnectionDuration: 0, maxStreamDuration: 0, streamIdleTimeout: 300_000, requestTimeout: 0,
    requestHeadersTimeout: 0, drainTimeout: 5_000, delayedCloseTimeout: 1_000, maxRequestsPerConnection: 0, useRemoteAddress: false,
    xffNumTrustedHops: 0, generateRequestId: true, serverName: 'envoy', serverHeaderTransformation: 0, via: '', userAgent: null,
    proxy100Continue: false, forwardClientCert: 0, stripPort: 0, proxyStatus: null, accessLogFlushInterval: 0,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(config[name as keyof ConnectionManagerConfig], value, name);
  assert.deepEqual(config.clientCertDetails, { cert: false, chain: false, subject: false, uri: false, dns: false, issuer: false, json: false });
  assert.deepEqual({ ...config.path }, { normalizePath: false, mergeSlashes: false, escapedSlashes: 0, rejectFragment: true });
  assert.equal(config.isInternalAddress(ipAddress('10.0.0.1', 0)), false);
});

test('internal addresses: by range, or private networks when none is given', () => {
  const ranges = build('internal_address_config: {unix_sockets: true, cidr_ranges: [{address_prefix: 100.64.0.0, prefix_len: 10}]}');
  assert.equal(ranges.isInternalAddress(ipAddress('100.64.1.1', 0)), true);
  assert.equal(ranges.isInternalAddress(ipAddress('10.0.0.1', 0)), false);
  assert.equal(ranges.isInternalAddress(pipeAddress('/s')), true);
  const open = build('internal_address_config: {}');
  for (const [ip, internal] of [
    ['10.0.0.1', true], ['172.16.0.1', true], ['172.32.0.1', false], ['192.168.1.1', true], ['127.0.0.1', true], ['8.8.8.8', false],
    ['fd00::1', true], ['::1', true], ['2001:db8::1', false],
  ] as const) {
    assert.equal(open.isInternalAddress(ipAddress(ip, 0)), internal, ip);
  }
});

test('durations, jitter, scheme, proxy-status', () => {
  const config = build(`
common_http_protocol_options: {idle_timeout: 0s, max_connection_duration: 1.5s, max_connection_duration_jitter: {value: 20}}
stream_idle_timeout: 0s
request_timeout: 0.25s
scheme_header_transformation: {scheme_to_overwrite: https}
proxy_status_config: {literal_proxy_name: edge}
access_log_options: {flush_access_log_on_new_request: true, access_log_flush_interval: 2s}
`);
  assert.deepEqual(
    [config.idleTimeout, config.maxConnectionDuration, config.maxConnectionDurationJitter, config.streamIdleTimeout, config.requestTimeout],
    [0, 1_500, 0.2, 0, 250],
  );
  assert.deepEqual([config.schemeToSet, config.proxyStatus?.proxyName], ['https', 'edge']);
  assert.deepEqual([config.flushAccessLogOnNewRequest, config.accessLogFlushInterval], [true, 2_000]);
});

test('codec_type and the first bytes choose the codec', () => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  for (const [type, first, protocol] of [
    ['AUTO', preface, PROTOCOL_HTTP2], ['AUTO', 'GET / HTTP/1.1\r\n', PROTOCOL_HTTP11], ['HTTP1', preface, PROTOCOL_HTTP11],
    ['HTTP2', 'GET / HTTP/1.1\r\n', PROTOCOL_HTTP2],
  ] as const) {
    const config = build(`codec_type: ${type}`);
    const callbacks = {
      newStream: () => assert.fail(), onGoAway: () => {}, onFrameReceived: () => {}, onPingAck: () => {}, onOutboundFlood: () => {},
    };
    const network = { ssl: null, bufferLimit: 1 } as unknown as Connection;
    const codec = config.createCodec(new SilentConnection(), callbacks, Buffer.from(first, 'latin1'), network);
    assert.deepEqual([codec.protocol, config.inspectPreface], [protocol, type === 'AUTO'], type + first.slice(0, 3));
  }
});

test('PINGs and flush timeouts of HTTP/2', () => {
  const config = build('http2_protocol_options: {connection_keepalive: {interval: 2s, timeout: 1s}}\nstream_flush_timeout: 3s');
  assert.deepEqual([config.http2Keepalive?.interval, config.streamFlushTimeout, config.flushFollowsIdle], [2_000, 3_000, false]);
  const plain = build('stream_idle_timeout: 4s');
  assert.deepEqual([plain.http2Keepalive, plain.streamFlushTimeout, plain.flushFollowsIdle], [null, 4_000, true]);
});

interface Bad {
  readonly yaml: string;
  readonly filters?: string;
  readonly path: string;
  readonly why: string;
}

const bad: readonly Bad[] = [
  { yaml: 'codec_type: HTTP3', path: 'codec_type', why: 'known to Envoy, not in nuncio yet: HTTP/3 (codec_type: HTTP3)' },
  {
    yaml: 'http2_protocol_options: {custom_settings_parameters: [{identifier: 2, value: 1}]}',
    path: 'http2_protocol_options.custom_settings_parameters',
    why: 'server push is not supported by Envoy and can not be enabled via a SETTINGS parameter.',
  },
  { yaml: 'tracing: {}', path: 'tracing', why: 'known to Envoy, not in nuncio yet: HttpConnectionManager.tracing' },
  {
    yaml: 'common_http_protocol_options: {max_response_headers_kb: 10}', path: 'common_http_protocol_options.max_response_headers_kb',
    why: 'Error: max_response_headers_kb cannot be set on http_connection_manager.',
  },
  {
    yaml: 'strip_any_host_port: true\nstrip_matching_host_port: true', path: 'strip_any_host_port',
    why: 'Error: Only one of `strip_matching_host_port` or `strip_any_host_port` can be set.',
  },
  {
    yaml: `use_remote_address: true\noriginal_ip_detection_extensions: [{name: x, typed_config: {"@type": ${TYPE}/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig}}]`,
    path: 'original_ip_detection_extensions', why: 'Original IP detection extensions and use_remote_address may not be mixed',
  },
  {
    yaml: 'access_log_options: {}\nflush_access_log_on_new_request: true', path: 'flush_access_log_on_new_request',
    why: 'Only one of flush_access_log_on_new_request or access_log_options can be specified.',
  },
  {
    yaml: 'upgrade_configs: [{upgrade_type: websocket}, {upgrade_type: WebSocket}]', path: 'upgrade_configs[1]',
    why: "Error: multiple upgrade configs with the same name: 'WebSocket'",
  },
  {
    yaml: '', filters: `- ${BUFFER}`, path: 'http_filters[0]',
    why: 'Error: non-terminal filter named buf of type envoy.filters.http.buffer is the last filter in a http filter chain.',
  },
  {
    yaml: '', filters: `${ROUTER}\n- ${BUFFER}`, path: 'http_filters[0]',
    why: 'Error: terminal filter named router of type envoy.filters.http.router must be the last filter in a http filter chain.',
  },
];

for (const { yaml, filters, path, why } of bad) {
  test(`refused: ${why}`, () => {
    assert.throws(() => build(yaml, filters), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual([error.path, error.why], [path, why]);
      return true;
    });
  });
}

test('an optional filter that nuncio does not have is left out', () => {
  const unknown = `- {name: other, is_optional: true, typed_config: {"@type": ${TYPE}/envoy.extensions.filters.http.cors.v3.Cors}}`;
  assert.doesNotThrow(() => build('', `${unknown}\n${ROUTER}`));
});

test('early header mutations change the headers one after the other', () => {
  const type = 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation';
  const config = build(`early_header_mutation_extensions:
- name: e
  typed_config:
    "@type": type.googleapis.com/${type}
    mutations: [{append: {header: {key: a, value: "%REQ(b)%"}}}, {remove: b}]
`);
  const headers = testRequest('/', ['b', 'v']);
  for (const mutation of config.earlyHeaderMutations) assert.equal(mutation.mutate(headers, testStreamInfo()), true);
  assert.deepEqual([headers.get('a'), headers.get('b')], ['v', undefined]);
});
