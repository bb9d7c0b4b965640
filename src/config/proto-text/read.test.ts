import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatConfigErrors, loadResource, messageToJson, type Json } from '../index.ts';

function read(text: string, typeName = 'envoy.config.bootstrap.v3.Bootstrap'): Json {
  const loaded = loadResource({ typeName, text, file: 'a.pb_text' });
  assert.ok(loaded.ok, loaded.ok ? '' : formatConfigErrors(loaded.errors));
  return messageToJson(loaded.message);
}

function refusal(text: string): string {
  const loaded = loadResource({ typeName: 'envoy.config.bootstrap.v3.Bootstrap', text, file: 'a.pb_text' });
  assert.ok(!loaded.ok, 'the text was accepted');
  return formatConfigErrors(loaded.errors);
}

test('scalars, strings of several parts, escapes, comments, separators', () => {
  assert.deepEqual(read(`# a comment
node { id: "a" 'b' "\\x63\\144\\n\\u263a"; cluster: "é", }
enable_dispatcher_stats: true
stats_server_version_override { value: 0x10 }`), {
    node: { id: 'abcd\n\u263a', cluster: 'é' },
    enable_dispatcher_stats: true,
    stats_server_version_override: '16',
  });
});

test('lists, maps, Struct, enums by name and number, oneofs', () => {
  assert.deepEqual(read(`
node {
  metadata { fields { key: "a" value { number_value: 1.5 } } fields { key: "b" value { list_value { values { string_value: "x" } values { null_value: NULL_VALUE } } } } }
  client_features: ["p", "q"]
  client_features: "r"
  dynamic_parameters { key: "k" value { params { key: "x" value: "y" } } }
}
static_resources {
  clusters { name: "a" type: STRICT_DNS lb_policy: 2 connect_timeout { nanos: 250000000 } }
  clusters: [ < name: "b" >, { name: "c" } ]
}`), {
    node: { metadata: { a: 1.5, b: ['x', null] }, client_features: ['p', 'q', 'r'], dynamic_parameters: { k: { params: { x: 'y' } } } },
    static_resources: { clusters: [{ name: 'a', type: 'STRICT_DNS', lb_policy: 'RING_HASH', connect_timeout: '0.250s' }, { name: 'b' }, { name: 'c' }] },
  });
});

test('Any written out, and its content is validated', () => {
  const sink = (inner: string): string => `stats_sinks { name: "s" typed_config { [type.googleapis.com/envoy.config.metrics.v3.StatsdSink] { ${inner} } } }`;
  assert.deepEqual(read(sink('tcp_cluster_name: "c"')), {
    stats_sinks: [{ name: 's', typed_config: { '@type': 'type.googleapis.com/envoy.config.metrics.v3.StatsdSink', tcp_cluster_name: 'c' } }],
  });
  assert.match(refusal(sink('')), /statsd_specifier", reason: is required/);
});

test('errors have places', () => {
  assert.equal(refusal('node {\n  idd: "a"\n}'), "a.pb_text:2:3: no such field: 'idd' in envoy.config.core.v3.Node\n    did you mean id?");
  assert.equal(refusal('node { id: 5 }'), "a.pb_text:1:12: expected a string, found '5'");
  assert.equal(refusal('node { id: "a"'), "a.pb_text:1:15: unexpected end of the text: a '}' is missing");
  assert.equal(refusal('static_resources { clusters { name: "a" type: STATIK } }'), "a.pb_text:1:47: unknown value 'STATIK' for enum envoy.config.cluster.v3.Cluster.DiscoveryType\n    did you mean STATIC?");
  assert.equal(refusal('stats_flush_on_admin: maybe'), "a.pb_text:1:23: expected true or false, found 'maybe'");
  assert.equal(refusal('node { id: "\\q" }'), 'a.pb_text:1:12: invalid escape \\q');
  assert.equal(refusal('node { id: "a }'), 'a.pb_text:1:12: this string has no end');
  assert.equal(refusal('static_resources { clusters { } }'), 'a.pb_text:1:31: static_resources.clusters[0].name: value length must be at least 1 characters');
  assert.match(refusal('static_resources { clusters { name: "a" type: EDS cluster_type { name: "x" } } }'), /only one of the fields of 'cluster_discovery_type' may be set/);
  assert.match(refusal('node { '.repeat(3)), /no such field: 'node'/);
});
