import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { toBinary } from '@bufbuild/protobuf';
import { api, formatConfigErrors, loadBootstrap, messageToJson, type BootstrapInput, type LoadedBootstrap } from './index.ts';

function load(input: BootstrapInput): LoadedBootstrap {
  const loaded = loadBootstrap(input);
  assert.ok(loaded.ok, loaded.ok ? '' : formatConfigErrors(loaded.errors));
  return loaded;
}

function refusal(input: BootstrapInput): string {
  const loaded = loadBootstrap(input);
  assert.ok(!loaded.ok, 'the configuration was accepted');
  return formatConfigErrors(loaded.errors);
}

const folder = mkdtempSync(path.join(tmpdir(), 'nuncio-config-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
}

const LISTENER = `
static_resources:
  listeners:
  - name: main
    address: {socket_address: {address: 127.0.0.1, port_value: 10000}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
`;

test('YAML, JSON, binary and text format give the same message', () => {
  const yaml = load({ text: LISTENER });
  const json = messageToJson(yaml.bootstrap);
  const type = api().message('envoy.config.bootstrap.v3.Bootstrap');
  const binary = load({ path: file('a.pb', toBinary(type, yaml.bootstrap)) });
  assert.deepEqual(messageToJson(binary.bootstrap), json);
  assert.deepEqual(messageToJson(load({ path: file('a.json', JSON.stringify(json)) }).bootstrap), json);
  assert.deepEqual(messageToJson(load({ path: file('a.yaml', LISTENER) }).bootstrap), json);
  const text = load({ path: file('a.pb_text', 'node { id: "a" cluster: \'b\' } stats_flush_interval: < seconds: 5 >') });
  assert.deepEqual(messageToJson(text.bootstrap), { node: { id: 'a', cluster: 'b' }, stats_flush_interval: '5s' });
});

test('every error of a text is told, with its place, path, reason and hint', () => {
  const text = `node: {id: yes, clustr: b}
static_resources:
  clusters:
  - name: ""
    type: STRICT_DSN
    connect_timeout: 5
    lb_policy: [RANDOM]
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: 70000}}
`;
  assert.equal(
    refusal({ text }),
    `config:1:8: node.id: expected a string, not true
    put it in quotes: YAML reads unquoted y, n, yes, no, on, off, true and false as booleans
config:1:17: node.clustr: no such field: 'clustr' in envoy.config.core.v3.Node
    did you mean cluster?
config:4:5: static_resources.clusters[0].name: value length must be at least 1 characters
config:5:5: static_resources.clusters[0].type: unknown value "STRICT_DSN" for enum envoy.config.cluster.v3.Cluster.DiscoveryType
    did you mean STRICT_DNS?
config:6:5: static_resources.clusters[0].connect_timeout: expected a duration such as "0.25s", not the number 5
    write "5s"
config:7:5: static_resources.clusters[0].lb_policy: expected one of the names of envoy.config.cluster.v3.Cluster.LbPolicy, not a list
    one of ROUND_ROBIN, LEAST_REQUEST, RING_HASH, RANDOM, MAGLEV, CLUSTER_PROVIDED, LOAD_BALANCING_POLICY_CONFIG
config:9:52: static_resources.listeners[0].address.socket_address.port_value: value must be less than or equal to 65535`,
  );
});

test('errors in JSON have places too', () => {
  assert.equal(
    refusal({ path: file('bad.json', '{\n  "node": {"id": 5},\n  "adminn": {}\n}\n') }).replaceAll(folder, ''),
    `/bad.json:2:12: node.id: expected a string, not the number 5
    put it in quotes: "5"
/bad.json:3:3: adminn: no such field: 'adminn' in envoy.config.bootstrap.v3.Bootstrap
    did you mean admin?`,
  );
  assert.equal(refusal({ path: file('broken.json', '{"node": {"id": "a"}') }).replaceAll(folder, ''), "/broken.json:1:21: unexpected end of the text: a '}' is missing");
});

test('fields that v2 had are named with what replaces them', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['static_resources: {listeners: [{address: {pipe: {path: /x}}, filter_chains: [{tls_context: {}}]}]}', 'v2 field; use transport_socket with name envoy.transport_sockets.tls and a typed_config of type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'],
    ['static_resources: {clusters: [{name: a, hosts: []}]}', 'v2 field; use load_assignment: {cluster_name: ..., endpoints: [{lb_endpoints: [{endpoint: {address: ...}}]}]}'],
    ['static_resources: {clusters: [{name: a, tls_context: {}}]}', 'v2 field; use transport_socket with name envoy.transport_sockets.tls and a typed_config of type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'],
    ['stats_sinks: [{name: a, config: {}}]', 'v2 field; use typed_config with "@type"'],
    ['runtime: {symlink_root: /x}', 'v2 field; use layered_runtime: {layers: [{name: ..., disk_layer: {symlink_root: ..., subdirectory: ...}}]}'],
    ['clusters: []', 'put it under static_resources'],
    [LISTENER.replace('          stat_prefix: in\n', '          stat_prefix: in\n          ratelimit: {}\n'), 'rate limits are a filter: add envoy.filters.http.ratelimit to http_filters, and rate_limits to the routes'],
  ];
  for (const [text, hint] of rows) assert.equal(refusal({ text }).split('\n')[1]?.trim(), hint, text);
});

test('extensions: without configuration, of v2, of contrib, of nowhere, and not here', () => {
  const filter = (config: string): BootstrapInput => ({
    text: LISTENER.replace('{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}', config),
    options: { extensions: { has: (type) => !type.endsWith('Buffer') } },
  });
  const place = 'static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0]';
  assert.equal(
    refusal(filter('null')),
    `config:14:13: ${place}: Didn't find a registered implementation for 'envoy.filters.http.router' with type URL: ''
    add typed_config with "@type": a name alone does not choose an implementation`,
  );
  assert.equal(
    refusal(filter('{"@type": type.googleapis.com/envoy.config.filter.http.router.v2.Router}')),
    `config:15:28: ${place}.typed_config.@type: could not find @type 'type.googleapis.com/envoy.config.filter.http.router.v2.Router'
    v2 types are gone; its v3 type is type.googleapis.com/envoy.extensions.filters.http.router.v3.Router`,
  );
  assert.equal(
    refusal(filter('{"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 1}')),
    `config:15:13: ${place}.typed_config: known to Envoy, not in nuncio yet: envoy.extensions.filters.http.buffer.v3.Buffer
    docs/user/status.md lists what nuncio has`,
  );
  assert.equal(
    refusal(filter('{"@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: x/envoy.extensions.filters.http.buffer.v3.Buffer, value: {max_request_byte: 1}}')),
    `config:15:150: ${place}.typed_config.value.max_request_byte: no such field: 'max_request_byte' in envoy.extensions.filters.http.buffer.v3.Buffer
    did you mean max_request_bytes?`,
  );
});

test('a health check without thresholds is told all that it needs', () => {
  const text = 'static_resources: {clusters: [{name: a, health_checks: [{timeout: 1s, interval: 1s, tcp_health_check: {}}]}]}';
  const place = 'config:1:41: static_resources.clusters[0].health_checks[0]';
  assert.equal(
    refusal({ text }).replaceAll(/config:1:[0-9]+/g, 'config:1:41'),
    `${place}.unhealthy_threshold: value is required
    a health check needs timeout, interval, unhealthy_threshold and healthy_threshold
${place}.healthy_threshold: value is required
    a health check needs timeout, interval, unhealthy_threshold and healthy_threshold`,
  );
});

test('--config-yaml is merged over the file by the rules of protobuf', () => {
  const base = file('base.yaml', 'node: {id: a, cluster: b, metadata: {x: 1, y: 2}}\nstatic_resources: {clusters: [{name: one}]}\n');
  const { bootstrap } = load({ path: base, overlayYaml: 'node: {id: z, metadata: {y: 3}}\nstatic_resources: {clusters: [{name: two}]}\n' });
  assert.equal(bootstrap.node?.id, 'z');
  assert.equal(bootstrap.node?.cluster, 'b');
  assert.deepEqual(bootstrap.node?.metadata, { x: 1, y: 3 });
  assert.deepEqual(bootstrap.staticResources?.clusters.map((each) => each.name), ['one', 'two']);
  assert.equal(refusal({ path: base, overlayYaml: 'nod: {}' }), "--config-yaml:1:1: nod: no such field: 'nod' in envoy.config.bootstrap.v3.Bootstrap\n    did you mean node?");
});

test('unknown fields: refused, or counted and named, or passed over', () => {
  const text = 'node: {id: a, foo: {bar: 1}}\n';
  assert.equal(refusal({ text }).split('\n')[0], "config:1:15: node.foo: no such field: 'foo' in envoy.config.core.v3.Node");
  const warned = load({ text, options: { unknownFields: 'warn' } });
  assert.equal(warned.counts.unknownFields, 1);
  assert.deepEqual(warned.warnings.map((each) => each.message), ["Unknown field: type envoy.config.core.v3.Node reason no such field: 'foo'"]);
  assert.equal(load({ text, options: { unknownFields: 'ignore' } }).warnings.length, 0);
  const unknownNumber = Uint8Array.of(0x0a, 0x06, 0x0a, 0x01, 0x61, 0x98, 0x7d, 0x01);
  assert.match(refusal({ path: file('unknown.pb', unknownNumber) }), /^node: unknown field numbers \{2003\} in envoy.config.core.v3.Node$/);
});

test('deprecated and unfinished parts are warned of in the words of Envoy, and counted', () => {
  const { warnings, counts } = load({ text: 'use_tcp_for_dns_lookups: true\n' });
  assert.equal(counts.deprecated, 1);
  assert.deepEqual(warnings, [
    {
      kind: 'deprecated',
      path: 'use_tcp_for_dns_lookups',
      position: { file: 'config', line: 1, column: 1 },
      message:
        "type envoy.config.bootstrap.v3.Bootstrap Using deprecated option 'envoy.config.bootstrap.v3.Bootstrap.use_tcp_for_dns_lookups' from file bootstrap.proto. This configuration will be removed from Envoy soon.",
    },
  ]);
});

test('nothing to load, a missing file, a folder, a text that is no object', () => {
  assert.equal(refusal({}), 'At least one of --config-path or --config-yaml or Options::configProto() should be non-empty');
  assert.equal(refusal({ path: path.join(folder, 'none.yaml') }).replaceAll(folder, ''), 'unable to read file: /none.yaml\n    there is no such file');
  assert.match(refusal({ path: folder }), /it is a folder$/);
  assert.equal(refusal({ text: '' }), 'config:1:1: Unable to convert YAML as JSON: the text is not an object');
  assert.equal(refusal({ path: file('x.pb', 'not a protobuf') }).replaceAll(folder, ''), 'Unable to parse file "/x.pb" as a binary protobuf (type envoy.config.bootstrap.v3.Bootstrap)');
});

test('aliases that multiply are stopped', () => {
  const levels = Array.from({ length: 9 }, (_, i) => `  a${i + 1}: &a${i + 1} [${Array.from({ length: 12 }, () => `*a${i}`).join(', ')}]`);
  const text = `node:\n  metadata:\n    a0: &a0 [x]\n${levels.map((each) => `  ${each}`).join('\n')}\n`;
  assert.match(refusal({ text }), /the configuration holds more than 5000000 values \(aliases count each time\)/);
});

test('a hundred levels are the most, as in Envoy', () => {
  const text = (levels: number): string => `node: {metadata: {a: ${'['.repeat(levels)}${']'.repeat(levels)}}}`;
  load({ text: text(97) });
  assert.match(refusal({ text: text(98) }), /nested more than 100 levels deep/);
});

test('large integers keep their digits, in JSON numbers too', () => {
  const { bootstrap } = load({ path: file('big.json', '{"stats_server_version_override": 18446744073709551615}') });
  assert.equal(bootstrap.statsServerVersionOverride, 18446744073709551615n);
});

test('half a surrogate pair is refused wherever it stands', () => {
  const rows = ['{"node": {"metadata": {"a": "\\ud800"}}}', '{"node": {"metadata": {"\\ud800": 1}}}', '{"node": {"id": "\\ud800"}}'];
  for (const text of rows) assert.match(refusal({ text, format: 'json' }), /holds half of a surrogate pair/);
  const typeUrl = '{"stats_sinks": [{"name": "s", "typed_config": {"@type": "x\\ud800/google.protobuf.Empty"}}]}';
  assert.match(refusal({ text: typeUrl, format: 'json' }), /expected a type URL/);
});
