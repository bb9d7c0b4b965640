import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Any } from '@bufbuild/protobuf/wkt';
import { ConfigError } from '../contract/errors.ts';
import type { Router } from '#api/envoy/extensions/filters/http/router/v3/router_pb.js';
import type { HttpFilter } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { fromYaml } from '../common/testing/messages.ts';
import { EXTENSIONS, registry } from './registry.ts';
import { ExtensionRegistry } from './extension-registry.ts';

function anyOf(typeUrl: string): Any {
  return { $typeName: 'google.protobuf.Any', typeUrl, value: new Uint8Array() };
}

function refusal(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error;
  }
  assert.fail('was not refused');
}

const BUFFER = 'envoy.extensions.filters.http.buffer.v3.Buffer';

test('implemented: found by type URL, whatever the name', () => {
  assert.equal(registry.httpFilter(anyOf(`type.googleapis.com/${BUFFER}`), 'my-own-name').name, 'envoy.filters.http.buffer');
  assert.equal(registry.accessLog(anyOf('type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog'), '').name, 'envoy.access_loggers.stderr');
});

test('a TypedStruct stands for the type that it names', () => {
  const filter = fromYaml<HttpFilter>('envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter', `
name: x
typed_config:
  "@type": type.googleapis.com/xds.type.v3.TypedStruct
  type_url: type.googleapis.com/${BUFFER}
  value: { max_request_bytes: 5 }
`);
  assert.equal(filter.configType.case, 'typedConfig');
  const any = filter.configType.case === 'typedConfig' ? filter.configType.value : undefined;
  assert.equal(registry.httpFilter(any, 'x').name, 'envoy.filters.http.buffer');
});

test('known to Envoy: says so and what is there', () => {
  const error = refusal(() => registry.httpFilter(anyOf('type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua'), 'lua'));
  assert.equal(error.why, 'known to Envoy, not in nuncio yet: envoy.extensions.filters.http.lua.v3.Lua');
  assert.match(error.hint, /^nuncio has: envoy\.filters\.http\.buffer/);
});

test('unknown: Envoy\'s text and the closest name', () => {
  const error = refusal(() => registry.httpFilter(anyOf('type.googleapis.com/envoy.extensions.filters.http.bufer.v3.Buffer'), 'b'));
  assert.equal(error.why, "Didn't find a registered implementation for 'b' with type URL: 'envoy.extensions.filters.http.bufer.v3.Buffer'");
  assert.match(error.hint, /envoy\.extensions\.filters\.http\.buffer\.v3\.Buffer/);
});

test('without typed_config: Envoy\'s text', () => {
  const error = refusal(() => registry.httpFilter(undefined, 'envoy.filters.http.router'));
  assert.equal(error.why, "Didn't find a registered implementation for 'envoy.filters.http.router' with type URL: ''");
});

test('a type of another category is named as such', () => {
  const error = refusal(() => registry.networkFilter(anyOf(`type.googleapis.com/${BUFFER}`), 'b'));
  assert.match(error.hint, /envoy\.filters\.http\.buffer belongs to envoy\.filters\.http/);
});

test('per-route types: found, optional, refused', () => {
  const perRoute = anyOf('type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute');
  assert.equal(registry.perRouteHttpFilter(perRoute, 'x', false)?.name, 'envoy.filters.http.buffer');
  const lua = anyOf('type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute');
  assert.equal(registry.perRouteHttpFilter(lua, 'x', true), null);
  assert.match(refusal(() => registry.perRouteHttpFilter(lua, 'x', false)).why, /not in nuncio yet/);
});

test('has: types by URL or name, per-route types too', () => {
  assert.ok(registry.has(BUFFER));
  assert.ok(registry.has(`type.googleapis.com/${BUFFER}PerRoute`));
  assert.ok(!registry.has('envoy.extensions.filters.http.lua.v3.Lua'));
});

test('two extensions of one name are a mistake of ours', () => {
  assert.throws(() => new ExtensionRegistry([EXTENSIONS[0], EXTENSIONS[0]]), /two extensions are called/);
});

test('every configuration type of the list is in the API', () => {
  for (const factory of EXTENSIONS) {
    for (const type of factory.configTypes) assert.ok(fromYaml<Router>(type as Router['$typeName'], minimal(type)), type);
    assert.equal(factory.status === 'partly', factory.statusNote !== undefined, `${factory.name}: partly needs a note`);
  }
});

/** Enough to pass the validation rules of messages with required fields. */
function minimal(type: string): string {
  if (type.endsWith('.ConnectionLimit')) return '{stat_prefix: p, max_connections: 1}';
  if (type.endsWith('.LocalRateLimit')) return '{stat_prefix: p, token_bucket: {max_tokens: 1, fill_interval: 1s}}';
  if (type.endsWith('network.rbac.v3.RBAC')) return 'stat_prefix: p';
  if (type.endsWith('.Buffer')) return 'max_request_bytes: 1';
  if (type.endsWith('.HealthCheck')) return 'pass_through_mode: false';
  if (type.endsWith('.FileAccessLog')) return 'path: /x';
  if (type.endsWith('.TcpProxy')) return 'stat_prefix: x\ncluster: c';
  if (type.endsWith('.HttpConnectionManager')) return 'stat_prefix: x\nroute_config: {}';
  if (type.endsWith('early_header_mutation.header_mutation.v3.HeaderMutation')) return 'mutations: [{remove: x}]';
  if (type.endsWith('.HealthCheckEventFileSink')) return 'event_log_path: x';
  if (type.endsWith('.ConnectionLimit')) return 'stat_prefix: x\nmax_connections: 1';
  if (type.endsWith('local_ratelimit.v3.LocalRateLimit')) return 'stat_prefix: x\ntoken_bucket: {max_tokens: 1, fill_interval: 1s}';
  if (type.endsWith('.GrpcJsonTranscoder')) return 'proto_descriptor: x';
  if (type.endsWith('grpc_http1_reverse_bridge.v3.FilterConfig')) return 'content_type: a/b';
  if (type.endsWith('.GrpcFieldExtractionConfig')) return 'descriptor_set: {filename: x}';
  if (type.endsWith('.HttpProtocolOptions')) return 'explicit_http_config: {http_protocol_options: {}}';
  return '{}';
}

test('a disabled extension answers as if it were not there', () => {
  const without = registry.without(['envoy.filters.http/envoy.filters.http.buffer']);
  const any = anyOf(`type.googleapis.com/${BUFFER}`);
  const { why, hint } = refusal(() => without.httpFilter(any, 'b'));
  assert.equal(why, `Didn't find a registered implementation for 'b' with type URL: '${BUFFER}'`);
  assert.equal(hint, 'envoy.filters.http.buffer is disabled by --disable-extensions');
  const perRoute = anyOf('type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute');
  refusal(() => without.perRouteHttpFilter(perRoute, 'b', false));
  assert.equal(without.perRouteHttpFilter(perRoute, 'b', true), null);
  assert.equal(registry.httpFilter(any, 'b').name, 'envoy.filters.http.buffer');
  assert.ok(registry.knows('envoy.filters.http/envoy.filters.http.buffer') && !registry.knows('envoy.filters.http.buffer'));
});
