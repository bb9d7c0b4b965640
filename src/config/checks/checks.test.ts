import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatConfigErrors, loadBootstrap } from '../index.ts';

/** The errors of a configuration without places, `path: why | hint`; empty when it is fine. */
function faults(text: string): string[] {
  const loaded = loadBootstrap({ text });
  if (loaded.ok) return [];
  return loaded.errors.map((each) => `${each.path}: ${each.why}`);
}

const cluster = (rest: string): string => `static_resources: {clusters: [{name: a, ${rest}}]}`;
const hosts = (address: string): string => `load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: ${address}, port_value: 1}}}}]}]}`;
const manager = (rest: string): string =>
  `typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: a, ${rest}}`;
const listener = (rest: string, address = 'address: 127.0.0.1, port_value: 0'): string =>
  `{address: {socket_address: {${address}}}, ${rest}}`;
const chain = (filter: string, match = ''): string => `{${match}filters: [{name: h, ${filter}}]}`;
const listening = (rest: string, address?: string): string => `static_resources: {listeners: [${listener(rest, address)}]}`;
const routes = (table: string): string => listening(`filter_chains: [${chain(manager(`route_config: {${table}}`))}]`);
const route = (text: string): string => routes(`virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, ${text}}]}]`);
const oneRoute = 'route_config: {virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}';
const CHAIN = chain(manager(oneRoute));
const LISTENER = 'static_resources.listeners[0]';
const TABLE = `${LISTENER}.filter_chains[0].filters[0].typed_config.route_config`;

// All settled with Envoy 1.40: it refuses the first group with the words given, and takes the second.
const REFUSED: readonly (readonly [string, string])[] = [
  ['static_resources: {clusters: [{name: x}, {name: x}]}', "static_resources.clusters[1].name: cluster manager: duplicate cluster 'x'"],
  [cluster(hosts('foo.bar')), "static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address: malformed IP address: foo.bar. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'"],
  [cluster('load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [{endpoint: {}}]}]}'), "static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint: Address must be set. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'"],
  [cluster('type: EDS'), 'static_resources.clusters[0].eds_cluster_config: cannot create an EDS cluster without an EDS config'],
  [cluster('eds_cluster_config: {eds_config: {ads: {}}}'), 'static_resources.clusters[0].eds_cluster_config: eds_cluster_config set in a non-EDS cluster'],
  [cluster('type: LOGICAL_DNS'), 'static_resources.clusters[0].load_assignment: LOGICAL_DNS clusters must have a single host'],
  [cluster('type: ORIGINAL_DST'), "static_resources.clusters[0].lb_policy: cluster: LB policy ROUND_ROBIN is not valid for Cluster type ORIGINAL_DST. Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'"],
  [cluster('type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED, load_assignment: {cluster_name: a}'), 'static_resources.clusters[0].load_assignment: ORIGINAL_DST clusters must have no load assignment configured'],
  [cluster('lb_policy: CLUSTER_PROVIDED'), "static_resources.clusters[0].lb_policy: cluster manager: cluster provided LB specified but cluster 'a' did not provide one. Check cluster documentation."],
  ['cluster_manager: {local_cluster_name: zz}', "cluster_manager.local_cluster_name: local cluster 'zz' must be defined"],
  ['static_resources: {listeners: [{name: q}]}', `${LISTENER}.address: error adding listener named 'q': address is necessary`],
  [listening('name: q'), `${LISTENER}.filter_chains: error adding listener named 'q': no filter chains specified`],
  [listening(`filter_chains: [${CHAIN}]`, 'address: localhost, port_value: 0'), `${LISTENER}.address.socket_address.address: malformed IP address: localhost`],
  [listening(`filter_chains: [${CHAIN}]`, 'address: 127.0.0.01, port_value: 0'), `${LISTENER}.address.socket_address.address: malformed IP address: 127.0.0.01`],
  [listening(`filter_chains: [${CHAIN}]`, 'address: 127.0.0.1, named_port: x'), `${LISTENER}.address.socket_address.address: IP resolver can't handle port specifier type 4`],
  [listening(`filter_chains: [${CHAIN}]`, 'address: 127.0.0.1, port_value: 0, ipv4_compat: true'), `${LISTENER}.address.socket_address.address: Only IPv6 address '::' or valid IPv4-mapped IPv6 address can set ipv4_compat: 127.0.0.1:0`],
  [listening(`filter_chains: [${CHAIN}]`, 'address: 127.0.0.1, port_value: 0, protocol: UDP'), `${LISTENER}.filter_chains: error adding listener '127.0.0.1:0': 1 filter chain(s) specified for connection-less UDP listener.`],
  [listening(`filter_chains: [${CHAIN}, ${CHAIN}]`), `${LISTENER}.filter_chains[1]: error adding listener '127.0.0.1:0': filter chain '' has the same matching rules defined as ''. duplicate matcher is: {}`],
  [listening(`filter_chains: [${chain(manager(oneRoute), 'filter_chain_match: {server_names: ["a*b"]}, ')}]`), `${LISTENER}.filter_chains[0].filter_chain_match.server_names: error adding listener '127.0.0.1:0': partial wildcards are not supported in "server_names"`],
  [listening(`filter_chains: [${chain(manager(oneRoute), 'filter_chain_match: {prefix_ranges: [{address_prefix: foo, prefix_len: 8}]}, ')}]`), `${LISTENER}.filter_chains[0].filter_chain_match.prefix_ranges[0].address_prefix: malformed IP address: foo`],
  [`static_resources: {listeners: [{name: q, internal_listener: {}, filter_chains: [${CHAIN}]}]}`, `${LISTENER}.internal_listener: error adding listener named 'q': InternalListener bootstrap extension is mandatory`],
  ['admin: {address: {socket_address: {address: foo, port_value: 1}}}', 'admin.address.socket_address.address: malformed IP address: foo'],
  [route('route: {cluster: zz}'), `${TABLE}.virtual_hosts[0].routes[0].route.cluster: route: unknown cluster 'zz'`],
  [route('route: {weighted_clusters: {clusters: [{name: zz, weight: 1}]}}'), `${TABLE}.virtual_hosts[0].routes[0].route.weighted_clusters.clusters[0].name: route: unknown weighted cluster 'zz'`],
  [route('route: {cluster_header: zz, request_mirror_policies: [{cluster: qq}]}'), `${TABLE}.virtual_hosts[0].routes[0].route.request_mirror_policies[0].cluster: route: unknown shadow cluster 'qq'`],
  [route(`direct_response: {status: 200, body: {inline_string: "${'x'.repeat(5000)}"}}`), `${TABLE}.virtual_hosts[0].routes[0].direct_response.body: response body size is 5000 bytes; maximum is 4096`],
  [routes('name: r, virtual_hosts: [{name: a, domains: [b, B]}]'), `${TABLE}.virtual_hosts[0].domains[1]: Only unique values for domains are permitted. Duplicate entry of domain b in route r`],
  [routes('name: r, virtual_hosts: [{name: a, domains: ["*"]}, {name: b, domains: ["*"]}]'), `${TABLE}.virtual_hosts[1].domains[0]: Only a single wildcard domain is permitted in route r`],
  [routes('virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {safe_regex: {regex: "*a"}}, direct_response: {status: 200}}]}]'), `${TABLE}.virtual_hosts[0].routes[0].match.safe_regex.regex: no argument for repetition operator: *`],
  [routes('virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {safe_regex: {regex: "a(b"}}, direct_response: {status: 200}}]}]'), `${TABLE}.virtual_hosts[0].routes[0].match.safe_regex.regex: missing ): a(b`],
  [routes('virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {safe_regex: {regex: "(?=a)"}}, direct_response: {status: 200}}]}]'), `${TABLE}.virtual_hosts[0].routes[0].match.safe_regex.regex: invalid perl operator: (?=`],
  [listening(`filter_chains: [${chain(manager('rds: {route_config_name: x, config_source: {ads: {}}}'))}]`), `${LISTENER}.filter_chains[0].filters[0].typed_config.rds.config_source: type.googleapis.com/envoy.config.route.v3.RouteConfiguration: node 'id' and 'cluster' are required. Set it either in 'node' config or via --service-node and --service-cluster options.`],
  [`{"node": {"id": "a", "cluster": "b"}, ${listening(`filter_chains: [${chain(manager('rds: {route_config_name: x, config_source: {path_config_source: {path: /none/such.yaml}}}'))}]`)}}`, `${LISTENER}.filter_chains[0].filters[0].typed_config.rds.config_source.path_config_source.path: paths must refer to an existing path in the system: '/none/such.yaml' does not exist`],
  ['dynamic_resources: {ads_config: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: x}}]}}', "dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name: Unknown gRPC client cluster 'x'"],
  ['dynamic_resources: {cds_config: {api_config_source: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: x}}]}}}', "dynamic_resources.cds_config.api_config_source.grpc_services[0].envoy_grpc.cluster_name: envoy.config.core.v3.ApiConfigSource must have a statically defined non-EDS cluster: 'x' does not exist, was added via api, or is an EDS cluster"],
  ['{"static_resources": {"clusters": [{"name": "x"}]}, "dynamic_resources": {"cds_config": {"api_config_source": {"api_type": "REST", "cluster_names": ["x"]}}}}', 'dynamic_resources.cds_config.api_config_source.refresh_delay: refresh_delay is required for REST API configuration sources'],
  ['layered_runtime: {layers: [{name: a, static_layer: {}}, {name: a, static_layer: {}}]}', 'layered_runtime.layers[1].name: Duplicate layer name: a'],
  ['layered_runtime: {layers: [{name: a, admin_layer: {}}, {name: b, admin_layer: {}}]}', 'layered_runtime.layers[1].admin_layer: Too many admin layers specified in LayeredRuntime, at most one may be specified'],
  ['layered_runtime: {layers: [{name: a, static_layer: {x: {z: [1]}}}]}', 'layered_runtime.layers[0].static_layer.x.z: Invalid runtime entry value for x.z'],
  ['application_log_config: {log_format: {json_format: {a: "%v"}}}', 'application_log_config.log_format.json_format: setJsonLogFormat error: INVALID_ARGUMENT: Usage of %v is unavailable for JSON log formats'],
  ['{"stats_flush_interval": "1s", "stats_flush_on_admin": true}', 'stats_flush_interval: Only one of stats_flush_interval or stats_flush_on_admin should be set!'],
  ['stats_eviction_interval: 7s', 'stats_eviction_interval: stats_eviction_interval must be a multiple of stats_flush_interval'],
  ['static_resources: {secrets: [{name: a, generic_secret: {}}, {name: a, generic_secret: {}}]}', 'static_resources.secrets[1].name: Duplicate static GenericSecret secret name a'],
];

for (const [text, expected] of REFUSED) {
  test(`refused: ${expected}`, () => {
    assert.deepEqual(faults(text), [expected]);
  });
}

const TAKEN: readonly string[] = [
  cluster(hosts('127.0.0.1')),
  cluster(`type: STRICT_DNS, ${hosts('foo.bar')}`),
  cluster('type: STRICT_DNS'),
  cluster('type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED'),
  listening(`filter_chains: [${CHAIN}]`),
  listening(`default_filter_chain: ${CHAIN}`),
  listening(`filter_chains: [${CHAIN}]`, 'address: "fe80::1%eth0", port_value: 0'),
  listening(`filter_chains: [${CHAIN}]`, 'address: "::", port_value: 0, ipv4_compat: true'),
  `static_resources: {listeners: [${listener(`filter_chains: [${CHAIN}]`)}, ${listener(`filter_chains: [${CHAIN}]`)}]}`,
  routes('validate_clusters: false, virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: zz}}]}]'),
  routes('virtual_hosts: [{name: a, domains: [zz]}, {name: a, domains: ["*"]}]'),
  'application_log_config: {log_format: {json_format: {a: "%j", b: "%l"}}}',
  'stats_flush_on_admin: true',
  'admin: {}',
];

for (const text of TAKEN) {
  test(`taken: ${text.slice(0, 120)}`, () => {
    const loaded = loadBootstrap({ text });
    assert.ok(loaded.ok, loaded.ok ? '' : formatConfigErrors(loaded.errors));
  });
}

test('the node may come from the command line', () => {
  const text = cluster('type: EDS, eds_cluster_config: {eds_config: {path_config_source: {path: /dev/null}}}');
  assert.equal(faults(text).length, 1);
  assert.ok(loadBootstrap({ text, options: { serviceNode: 'a', serviceCluster: 'b' } }).ok);
});
