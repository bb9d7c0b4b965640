import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { api, configTypeOf, durationToMs, loadBootstrap, loadResource, messageHash, messageToJson, msToDuration, ParsedAny, unpackAny, UnpackError, unpackValidated } from './index.ts';

function bootstrap(text: string): Bootstrap {
  const loaded = loadBootstrap({ text, options: { checks: false } });
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors[0]?.message);
  return loaded.bootstrap;
}

const SINK = 'type.googleapis.com/envoy.config.metrics.v3.StatsdSink';

test('JSON as config dumps show it', () => {
  const json = messageToJson(bootstrap(`
stats_sinks: [{name: s, typed_config: {"@type": ${SINK}, tcpClusterName: c}}]
stats_flush_interval: 0.5s
stats_server_version_override: 5
static_resources: {clusters: [{name: a, lb_policy: random, common_lb_config: {healthy_panic_threshold: {value: 0}}}]}
`));
  assert.equal(
    JSON.stringify(json),
    JSON.stringify({
      static_resources: { clusters: [{ name: 'a', lb_policy: 'RANDOM', common_lb_config: { healthy_panic_threshold: {} } }] },
      stats_sinks: [{ name: 's', typed_config: { '@type': SINK, tcp_cluster_name: 'c' } }],
      stats_flush_interval: '0.500s',
      stats_server_version_override: '5',
    }),
  );
});

test('sensitive fields are hidden on demand, in Any too', () => {
  const text = `static_resources: {secrets: [{name: a, tls_certificate: {private_key: {inline_string: very secret}, certificate_chain: {inline_string: public}}}]}`;
  assert.deepEqual(messageToJson(bootstrap(text), { redact: true }), {
    static_resources: {
      secrets: [{ name: 'a', tls_certificate: { certificate_chain: { inline_string: 'public' }, private_key: { inline_string: '[redacted]' } } }],
    },
  });
});

test('the hash tells changed messages from equal ones, however they came', () => {
  const text = `stats_sinks: [{name: s, typed_config: {"@type": ${SINK}, tcp_cluster_name: c}}]\nnode: {metadata: {a: 1, b: 2}}`;
  const one = bootstrap(text);
  const decoded = fromBinary(api().message(one.$typeName), toBinary(api().message(one.$typeName), one));
  assert.equal(messageHash(decoded), messageHash(one));
  assert.equal(messageHash(bootstrap(text.replace('a: 1, b: 2', 'b: 2, a: 1'))), messageHash(one));
  assert.notEqual(messageHash(bootstrap(text.replace('a: 1', 'a: 2'))), messageHash(one));
  assert.notEqual(messageHash(bootstrap(text.replace('tcp_cluster_name: c', 'tcp_cluster_name: d'))), messageHash(one));
});

test('Any: content of a text needs no decoding, bytes are decoded once, TypedStruct is looked through', () => {
  const parsed = bootstrap(`stats_sinks: [{name: s, typed_config: {"@type": ${SINK}, tcp_cluster_name: c}}]`).statsSinks[0];
  const any = parsed?.configType.value;
  assert.ok(any instanceof ParsedAny);
  assert.equal(unpackAny(any), unpackAny(any));
  const bytes = create(api().message('google.protobuf.Any'), { typeUrl: SINK, value: any.value }) as unknown as Any;
  const message = unpackAny(bytes);
  assert.ok(!(message instanceof UnpackError));
  assert.equal(unpackAny(bytes), message);
  assert.deepEqual(messageToJson(message), { tcp_cluster_name: 'c' });
  const struct = api().message('xds.type.v3.TypedStruct');
  const value = toBinary(struct, create(struct, { typeUrl: SINK, value: { tcp_cluster_name: 'c' } }));
  const typed = create(api().message('google.protobuf.Any'), { typeUrl: 'x/xds.type.v3.TypedStruct', value }) as unknown as Any;
  assert.equal(configTypeOf(typed), 'envoy.config.metrics.v3.StatsdSink');
  const meant = unpackValidated(typed, 'here');
  assert.deepEqual(messageToJson(meant), { tcp_cluster_name: 'c' });
});

test('Any that cannot be used is an error with its path', () => {
  const any = (typeUrl: string, value: Uint8Array): Any => create(api().message('google.protobuf.Any'), { typeUrl, value }) as unknown as Any;
  assert.ok(unpackAny(any('x/y.z', new Uint8Array())) instanceof UnpackError);
  assert.throws(() => unpackValidated(any(SINK, Uint8Array.of(255)), 'sinks[0]'), { why: 'Unable to unpack as envoy.config.metrics.v3.StatsdSink', path: 'sinks[0]' });
  assert.throws(() => unpackValidated(any(SINK, new Uint8Array()), 'sinks[0]'), { why: 'field: "statsd_specifier", reason: is required', path: 'sinks[0]' });
});

test('any message can be loaded from a text', () => {
  const text = 'version_info: "1"\nresources:\n- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  nam: a\n';
  const loaded = loadResource({ typeName: 'envoy.service.discovery.v3.DiscoveryResponse', text, file: 'cds.yaml' });
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.errors.map((each) => `${each.position?.line}:${each.position?.column} ${each.path}: ${each.why}`), [
    "4:3 resources[0].nam: no such field: 'nam' in envoy.config.cluster.v3.Cluster",
  ]);
});

test('durations', () => {
  assert.equal(durationToMs({ seconds: 1n, nanos: 500_000 }), 1000.5);
  assert.equal(durationToMs(undefined), undefined);
  assert.deepEqual(messageToJson(msToDuration(1250)), '1.250s');
});
