// From the fragments of a scenario to a whole configuration.
import type { Json, JsonObject, Scenario } from './scenario.ts'

const HTTP_FILTERS: Readonly<Record<string, string>> = {
  buffer: 'envoy.extensions.filters.http.buffer.v3.Buffer',
  connect_grpc_bridge: 'envoy.extensions.filters.http.connect_grpc_bridge.v3.FilterConfig',
  grpc_field_extraction: 'envoy.extensions.filters.http.grpc_field_extraction.v3.GrpcFieldExtractionConfig',
  grpc_http1_bridge: 'envoy.extensions.filters.http.grpc_http1_bridge.v3.Config',
  grpc_http1_reverse_bridge: 'envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig',
  grpc_json_reverse_transcoder: 'envoy.extensions.filters.http.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder',
  grpc_json_transcoder: 'envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder',
  grpc_stats: 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig',
  grpc_web: 'envoy.extensions.filters.http.grpc_web.v3.GrpcWeb',
  header_mutation: 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
  health_check: 'envoy.extensions.filters.http.health_check.v3.HealthCheck',
  router: 'envoy.extensions.filters.http.router.v3.Router',
}

const NETWORK_FILTERS: Readonly<Record<string, string>> = {
  http_connection_manager: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  tcp_proxy: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  echo: 'envoy.extensions.filters.network.echo.v3.Echo',
  direct_response: 'envoy.extensions.filters.network.direct_response.v3.Config',
  connection_limit: 'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit',
  local_ratelimit: 'envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit',
  rbac: 'envoy.extensions.filters.network.rbac.v3.RBAC',
  sni_cluster: 'envoy.extensions.filters.network.sni_cluster.v3.SniCluster',
  set_filter_state: 'envoy.extensions.filters.network.set_filter_state.v3.Config',
}

/** Everything about an exchange that a log line can say and that does not change from run to run (ports are masked). */
const LOG_FORMAT = [
  '%PROTOCOL% %REQUEST_HEADER(:METHOD)% %REQUEST_HEADER(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  'authority=%REQUEST_HEADER(:AUTHORITY)%',
  'code=%RESPONSE_CODE%',
  'details=%RESPONSE_CODE_DETAILS%',
  'flags=%RESPONSE_FLAGS%',
  'termination=%CONNECTION_TERMINATION_DETAILS%',
  'rx=%BYTES_RECEIVED%',
  'tx=%BYTES_SENT%',
  'cluster=%UPSTREAM_CLUSTER%',
  'host=%UPSTREAM_HOST%',
  'failure=%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  'route=%ROUTE_NAME%',
  'attempts=%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  'xff=%REQUEST_HEADER(X-FORWARDED-FOR)%',
  'remote=%DOWNSTREAM_REMOTE_ADDRESS%',
  'direct=%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%',
  'local=%DOWNSTREAM_LOCAL_ADDRESS%',
].join(' ')

/** Text of the configuration with `${NAME}` placeholders filled in, and the ending its file needs. */
export function configText(scenario: Scenario, values: ReadonlyMap<string, string>): { text: string; format: string } {
  if (scenario.config !== undefined) return { text: fill(scenario.config, values), format: 'yaml' }
  return { text: fill(JSON.stringify(bootstrap(scenario), null, 1), values), format: 'json' }
}

function fill(text: string, values: ReadonlyMap<string, string>): string {
  // A port between quotes is a number: "port_value": "${origin}" is written as JSON wants it.
  const numbers = text.replaceAll(/"\$\{([a-z0-9_]+)\}"/g, (whole, name: string) => (/^\d+$/.test(values.get(name) ?? '') ? (values.get(name) ?? whole) : whole))
  return numbers.replaceAll(/\$\{([a-z0-9_]+)\}/g, (whole, name: string) => values.get(name) ?? whole)
}

function bootstrap(scenario: Scenario): JsonObject {
  const base: JsonObject = {
    admin: { address: socketAddress('${admin}') },
    static_resources: { listeners: [listener(scenario)], clusters: [merged(cluster('origin', scenario), scenario.cluster ?? {}), ...extraClusters(scenario)] },
  }
  return merged(base, scenario.bootstrap ?? {})
}

function extraClusters(scenario: Scenario): JsonObject[] {
  return (scenario.clusters ?? []).map((extra) => merged(extra['load_assignment'] === undefined ? cluster(String(extra['name']), scenario) : {}, extra))
}

function socketAddress(port: string): JsonObject {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}

/** Options of a cluster that speaks HTTP/2. */
const HTTP2_CLUSTER: JsonObject = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions', explicit_http_config: { http2_protocol_options: {} } },
}

/** A STATIC cluster of one endpoint: the port of the origin of the same name. HTTP/2 when the protocol pair says so. */
function cluster(name: string, scenario: Scenario): JsonObject {
  return scenario.pair?.endsWith('h2') === true ? { ...plainCluster(name), typed_extension_protocol_options: HTTP2_CLUSTER } : plainCluster(name)
}

function plainCluster(name: string): JsonObject {
  const endpoint: JsonObject = { endpoint: { address: socketAddress(`\${${name}}`) } }
  return { name, connect_timeout: '1s', type: 'STATIC', load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] } }
}

function listener(scenario: Scenario): JsonObject {
  const filters = (scenario.filters ?? [{ http_connection_manager: connectionManager(scenario) }]).map((filter) => typed(filter, NETWORK_FILTERS, 'envoy.filters.network'))
  const logged = scenario.filters === undefined ? filters : filters.map((filter) => withLog(filter, scenario))
  return merged({ name: 'ingress', address: socketAddress('${listener}'), filter_chains: [{ filters: logged }] }, scenario.listener ?? {})
}

/** Network filters that log get the suite's access log when they name none. */
function withLog(filter: Json, scenario: Scenario): Json {
  if (!isObject(filter) || !isObject(filter['typed_config'])) return filter
  const config = filter['typed_config']
  const logs = /TcpProxy|HttpConnectionManager/.test(String(config['@type'])) && config['access_log'] === undefined
  return logs ? { ...filter, typed_config: { ...config, access_log: accessLog(scenario) } } : filter
}

function connectionManager(scenario: Scenario): JsonObject {
  const filters = (scenario.http_filters ?? []).map((filter) => typed(filter, HTTP_FILTERS, 'envoy.filters.http'))
  const virtualHosts = scenario.virtual_hosts ?? [{ name: 'all', domains: ['*'], routes: scenario.routes ?? [{ match: { prefix: '/' }, route: { cluster: 'origin' } }] }]
  const base: JsonObject = {
    stat_prefix: 'ingress',
    route_config: merged({ name: 'local', virtual_hosts: virtualHosts }, scenario.route_config ?? {}),
    http_filters: [...filters, typed({ router: {} }, HTTP_FILTERS, 'envoy.filters.http')],
    access_log: accessLog(scenario),
    ...(scenario.pair === undefined ? {} : { codec_type: scenario.pair.startsWith('h2') ? 'HTTP2' : 'HTTP1' }),
  }
  return merged(base, scenario.hcm ?? {})
}

function accessLog(scenario: Scenario): Json[] {
  if (scenario.access_log !== undefined) return scenario.access_log
  const format: JsonObject = { text_format_source: { inline_string: `${LOG_FORMAT}\n` } }
  return [{ name: 'envoy.access_loggers.file', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog', path: '${log}', log_format: format } }]
}

/** `{buffer: {…}}` becomes `{name, typed_config}`; what has a name stays as it is. */
function typed(filter: Json, types: Readonly<Record<string, string>>, prefix: string): Json {
  if (!isObject(filter) || filter['name'] !== undefined) return filter
  const [short = '', config] = Object.entries(filter)[0] ?? []
  const type = types[short]
  if (type === undefined) throw new Error(`no such short form of a filter: ${short}`)
  return { name: `${prefix}.${short}`, typed_config: { '@type': `type.googleapis.com/${type}`, ...(isObject(config) ? config : {}) } }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Objects are merged key by key, everything else is replaced; null removes a key. */
export function merged(base: JsonObject, over: JsonObject): JsonObject {
  const result: JsonObject = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const old = result[key]
    if (value === null) delete result[key]
    else result[key] = isObject(old) && isObject(value) ? merged(old, value) : value
  }
  return result
}
