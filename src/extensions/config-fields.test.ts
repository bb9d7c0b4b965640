import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '@bufbuild/protobuf';
import { fakeContext } from '../common/testing/fake-context.ts';
import { ignoredFields } from '../common/testing/field-walk.ts';
import type { JsonSample } from '../common/testing/field-walk.ts';
import { bufferFilter } from './filters/http/buffer/index.ts';
import { grpcFieldExtractionFilter } from './filters/http/grpc_field_extraction/index.ts';
import { grpcJsonReverseTranscoderFilter } from './filters/http/grpc_json_reverse_transcoder/index.ts';
import { grpcJsonTranscoderFilter } from './filters/http/grpc_json_transcoder/index.ts';
import { grpcHttp1BridgeFilter } from './filters/http/grpc_http1_bridge/index.ts';
import { grpcHttp1ReverseBridgeFilter } from './filters/http/grpc_http1_reverse_bridge/index.ts';
import { grpcStatsFilter } from './filters/http/grpc_stats/index.ts';
import { headerMutationFilter } from './filters/http/header_mutation/index.ts';
import { healthCheckFilter } from './filters/http/health_check/index.ts';
import { connectionLimitFilter } from './filters/network/connection_limit/index.ts';
import { localRateLimitFilter } from './filters/network/local_ratelimit/index.ts';
import { proxyProtocolFilter } from './filters/listener/proxy_protocol/index.ts';
import { tlsInspector } from './filters/listener/tls_inspector/index.ts';
import { networkRbacFilter } from './filters/network/rbac/index.ts';
import { setFilterStateFilter } from './filters/network/set_filter_state/index.ts';
import { fileAccessLog } from './access_loggers/file/index.ts';
import { LIBRARY_FILE } from '../../test/library/library.ts';
import { stderrAccessLog, stdoutAccessLog } from './access_loggers/stream/index.ts';

/** What validation asks for, by type. */
const SAMPLES: Readonly<Record<string, JsonSample>> = {
  'envoy.extensions.filters.http.buffer.v3.Buffer': { max_request_bytes: 5 },
  'envoy.extensions.filters.http.buffer.v3.BufferPerRoute': { disabled: true },
  'envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder': { proto_descriptor: LIBRARY_FILE, services: ['nuncio.library.Library'] },
  'envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder.proto_descriptor': { value: LIBRARY_FILE },
  'envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder.services': { value: ['nuncio.library.Library'] },
  'envoy.extensions.filters.http.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder': { descriptor_path: LIBRARY_FILE },
  'envoy.extensions.filters.http.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder.descriptor_path': { value: LIBRARY_FILE },
  'envoy.extensions.filters.http.grpc_field_extraction.v3.GrpcFieldExtractionConfig': { descriptor_set: { filename: LIBRARY_FILE } },
  'envoy.extensions.filters.http.grpc_field_extraction.v3.GrpcFieldExtractionConfig.extractions_by_method': {
    value: { 'nuncio.library.Library.Echo': { request_field_extractions: { text: { dynamic_metadata: 'x' } } } },
  },
  'envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig': { content_type: 'a/b' },
  'envoy.config.core.v3.GrpcMethodList.Service': { name: 's', method_names: ['m'] },
  'envoy.extensions.filters.http.health_check.v3.HealthCheck': { pass_through_mode: true },
  'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit': { stat_prefix: 'p', max_connections: 1 },
  'envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit': { stat_prefix: 'p', token_bucket: { max_tokens: 1, fill_interval: '1s' } },
  'envoy.extensions.filters.network.rbac.v3.RBAC': { stat_prefix: 'p' },
  'envoy.config.rbac.v3.RBAC.policies': { value: { p: { permissions: [{ any: true }], principals: [{ any: true }] } } },
  'envoy.config.rbac.v3.Policy': { permissions: [{ any: true }], principals: [{ any: true }] },
  'envoy.config.rbac.v3.Permission': { any: true },
  'envoy.config.rbac.v3.Permission.any': { value: true },
  'envoy.config.rbac.v3.Permission.Set': { rules: [{ any: true }] },
  'envoy.config.rbac.v3.Principal': { any: true },
  'envoy.config.rbac.v3.Principal.any': { value: true },
  'envoy.config.rbac.v3.Principal.Set': { ids: [{ any: true }] },
  'envoy.config.rbac.v3.SourcedMetadata': { metadata_matcher: { filter: 'f', path: [{ key: 'k' }], value: { bool_match: true } } },
  'envoy.config.core.v3.CidrRange': { address_prefix: '10.0.0.0', prefix_len: 8 },
  'envoy.config.core.v3.CidrRange.address_prefix': { value: '10.0.0.0' },
  'xds.core.v3.CidrRange': { address_prefix: '10.0.0.0', prefix_len: 8 },
  'xds.core.v3.CidrRange.address_prefix': { value: '10.0.0.0' },
  'envoy.type.v3.Int32Range': { start: 1, end: 3 },
  'envoy.type.matcher.v3.MetadataMatcher': { filter: 'f', path: [{ key: 'k' }], value: { bool_match: true } },
  'envoy.type.matcher.v3.MetadataMatcher.PathSegment': { key: 'k' },
  'envoy.type.matcher.v3.ValueMatcher': { bool_match: true },
  'envoy.type.matcher.v3.ListMatcher': { one_of: { bool_match: true } },
  'envoy.type.matcher.v3.OrMatcher': { value_matchers: [{ bool_match: true }, { bool_match: false }] },
  'envoy.type.matcher.v3.OrMatcher.value_matchers': { value: [{ bool_match: true }, { bool_match: false }] },
  'envoy.type.matcher.v3.DoubleMatcher': { exact: 1 },
  'envoy.type.matcher.v3.FilterStateMatcher': { key: 'k', string_match: { exact: 'x' } },
  'envoy.type.matcher.v3.AddressMatcher': { ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
  'envoy.type.matcher.v3.PathMatcher': { path: { exact: 'x' } },
  'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue': { object_key: 'envoy.string', format_string: { text_format_source: { inline_string: 'x' } } },
  'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue.factory_key': { value: 'envoy.string' },
  'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue.object_key': { value: 'envoy.string' },
  'envoy.type.v3.TokenBucket': { max_tokens: 1, fill_interval: '1s' },
  'envoy.config.core.v3.RuntimeFeatureFlag': { default_value: true, runtime_key: 'k' },
  'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol.KeyValuePair': { key: 'k' },
  'envoy.config.core.v3.ProxyProtocolPassThroughTLVs': { match_type: 'INCLUDE' },
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector.initial_read_buffer_size': { value: 300 },
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector.max_client_hello_size': { value: 300 },
  'envoy.extensions.access_loggers.file.v3.FileAccessLog': { path: '/log' },
  'envoy.config.core.v3.SubstitutionFormatString': { text_format: 'x' },
  'envoy.config.core.v3.SubstitutionFormatString.text_format': { value: '%PROTOCOL%' },
  'envoy.config.core.v3.DataSource': { inline_string: 'x' },
  'envoy.config.core.v3.DataSource.environment_variable': { value: 'HOME' },
  'envoy.config.core.v3.DataSource.filename': { value: '/dev/null' },
  'envoy.config.core.v3.WatchedDirectory': { path: '/tmp' },
  'envoy.config.core.v3.TypedExtensionConfig': { name: 'x', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.formatter.metadata.v3.Metadata' } },
  'envoy.config.common.mutation_rules.v3.HeaderMutation': { remove: 'x' },
  'envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch': { key_matcher: { exact: 'x' } },
  'envoy.config.core.v3.HeaderValueOption': { header: { key: 'x', value: 'v' } },
  'envoy.config.core.v3.HeaderValue': { key: 'x', value: 'v' },
  'envoy.config.core.v3.HeaderValue.raw_value': { value: 'YQ==' },
  'envoy.config.core.v3.KeyValueMutation': { append: { record: { key: 'k', value: 'v' } } },
  'envoy.config.core.v3.KeyValueAppend': { record: { key: 'k', value: 'v' } },
  'envoy.config.core.v3.KeyValuePair': { key: 'k', value: 'v' },
  'envoy.config.core.v3.KeyValue': { key: 'k', value: 'YQ==' },
  'envoy.config.route.v3.HeaderMatcher': { name: 'x' },
  'envoy.type.matcher.v3.StringMatcher': { exact: 'x' },
  'envoy.type.matcher.v3.RegexMatcher': { regex: 'x' },
  'envoy.type.v3.Int64Range': { start: 1, end: 2 },
  'xds.core.v3.TypedExtensionConfig': { name: 'x', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.string_matcher.lua.v3.Lua', source_code: { inline_string: 'x' } } },
};

const context = fakeContext();
const chain = (create: (message: Message) => unknown) => (message: Message): void => void create(message);

const BUILDERS: readonly (readonly [Message['$typeName'], (message: Message) => unknown])[] = [
  ['envoy.extensions.filters.http.buffer.v3.Buffer', chain((message) => bufferFilter.create(message, '', context))],
  ['envoy.extensions.filters.http.buffer.v3.BufferPerRoute', chain((message) => bufferFilter.createPerRoute?.(message, context))],
  ['envoy.extensions.filters.http.grpc_field_extraction.v3.GrpcFieldExtractionConfig', chain((message) => grpcFieldExtractionFilter.create(message, '', context))],
  ['envoy.extensions.filters.http.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder', chain((message) => grpcJsonReverseTranscoderFilter.create(message, '', context))],
  ['envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder', chain((message) => grpcJsonTranscoderFilter.create(message, 'http.h.', context))],
  ['envoy.extensions.filters.http.grpc_http1_bridge.v3.Config', chain((message) => grpcHttp1BridgeFilter.create(message, '', context))],
  ['envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig', chain((message) => grpcHttp1ReverseBridgeFilter.create(message, '', context))],
  ['envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfigPerRoute', chain((message) => grpcHttp1ReverseBridgeFilter.createPerRoute?.(message, context))],
  ['envoy.extensions.filters.http.grpc_stats.v3.FilterConfig', chain((message) => grpcStatsFilter.create(message, '', context))],
  ['envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', chain((message) => headerMutationFilter.create(message, '', context))],
  ['envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute', chain((message) => headerMutationFilter.createPerRoute?.(message, context))],
  ['envoy.extensions.filters.http.health_check.v3.HealthCheck', chain((message) => healthCheckFilter.create(message, 'http.h.', context))],
  ['envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit', chain((message) => connectionLimitFilter.create(message, context))],
  ['envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit', chain((message) => localRateLimitFilter.create(message, context))],
  ['envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol', chain((message) => proxyProtocolFilter.create(message, context))],
  ['envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', chain((message) => tlsInspector.create(message, context))],
  ['envoy.extensions.filters.network.rbac.v3.RBAC', chain((message) => networkRbacFilter.create(message, context))],
  ['envoy.extensions.filters.network.set_filter_state.v3.Config', chain((message) => setFilterStateFilter.create(message, context))],
  ['envoy.extensions.access_loggers.file.v3.FileAccessLog', chain((message) => fileAccessLog.create(message, null, context))],
  ['envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', chain((message) => stdoutAccessLog.create(message, null, context))],
  ['envoy.extensions.access_loggers.stream.v3.StderrAccessLog', chain((message) => stderrAccessLog.create(message, null, context))],
];

/** Fields that change nothing, by the message that they stand in. */
const FORMATS: Readonly<Record<string, string>> = {
  'envoy.config.core.v3.SubstitutionFormatString.content_type': 'names the type of a body; a log record has none',
  'envoy.config.core.v3.SubstitutionFormatString.json_format_options': 'properties are always sorted, as in Envoy',
};
const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'envoy.extensions.filters.http.grpc_field_extraction.v3.GrpcFieldExtractionConfig': {
    'envoy.config.core.v3.DataSource.inline_string': 'refused in the words of Envoy, which takes files and bytes only',
    'envoy.config.core.v3.DataSource.environment_variable': 'refused in the words of Envoy, which takes files and bytes only',
    'envoy.extensions.filters.http.grpc_field_extraction.v3.FieldExtractions.request_field_extractions': 'read for methods that exist; the walk names none',
  },
  'envoy.extensions.filters.network.rbac.v3.RBAC': {
    'envoy.type.matcher.v3.ValueMatcher.null_match': 'is there or not; the message has no fields',
    'envoy.config.rbac.v3.RBAC.audit_logging_options': 'for gRPC servers: a proxy does nothing with it, as Envoy',
  },
  'envoy.extensions.filters.network.set_filter_state.v3.Config': FORMATS,
  'envoy.extensions.access_loggers.file.v3.FileAccessLog': FORMATS,
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog': FORMATS,
  'envoy.extensions.access_loggers.stream.v3.StderrAccessLog': FORMATS,
};

/** Messages that are refused as a whole, in words of their own. */
const OPAQUE: Readonly<Record<string, readonly string[]>> = {
  'envoy.extensions.filters.network.rbac.v3.RBAC': ['envoy.config.route.v3.HeaderMatcher'],
};

for (const [typeName, build] of BUILDERS) {
  test(`${typeName}: no field is accepted and ignored`, () => {
    assert.deepEqual(ignoredFields({ typeName, build, samples: SAMPLES, allowed: ALLOWED[typeName] ?? {}, opaque: OPAQUE[typeName] ?? [] }), []);
  });
}

test('the walk can fail: a builder that looks at nothing', () => {
  const faults = ignoredFields({ typeName: 'envoy.extensions.filters.http.buffer.v3.Buffer', build: () => null, samples: SAMPLES, allowed: {} });
  assert.deepEqual(faults, ['envoy.extensions.filters.http.buffer.v3.Buffer.max_request_bytes (): neither read nor refused']);
});
