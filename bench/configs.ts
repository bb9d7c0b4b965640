// The same proxy in four languages: one configuration for Envoy and nuncio, and what comes closest for nginx and HAProxy.
import { nginxBase, nginxTempPaths } from './origin.ts'

/** What a bench case needs of the proxy. */
export interface ProxySetup {
  /** `h2`: clients speak HTTP/2; `grpc`: the origin too; `mixed`: an origin of each kind. */
  readonly kind: 'http' | 'rich' | 'tcp' | 'h2' | 'grpc' | 'mixed' | 'websocket'
  readonly listener: number
  readonly admin: number
  readonly origin: number
  /** Port of the gRPC origin; `mixed` has both. */
  readonly grpcOrigin: number
  /** Port of the WebSocket origin; `mixed` has it too. */
  readonly webSocketOrigin: number
  /** Folder for logs. */
  readonly folder: string
}

type Json = Record<string, unknown>

const HOSTS = Array.from({ length: 50 }, (_unused, index) => `host${index}.example.com`)
const ROUTES_PER_HOST = 4
const MUTATIONS = ['one', 'two', 'three', 'four', 'five']

/** Envoy's and nuncio's configuration as JSON text. */
export function envoyConfig(setup: ProxySetup): string {
  const filter = setup.kind === 'tcp' ? tcpProxy() : connectionManager(setup)
  return JSON.stringify({ admin: { address: address(setup.admin) }, static_resources: { listeners: [listener(setup.listener, filter)], clusters: clusters(setup) } })
}

function address(port: number): Json {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}

function listener(port: number, filter: Json): Json {
  return { name: 'ingress', address: address(port), filter_chains: [{ filters: [filter] }] }
}

function cluster(name: string, port: number): Json {
  // The default breaker of 1024 would turn the idle-connection and burst cases into a test of 503s.
  const thresholds = [{ max_connections: 20_000, max_pending_requests: 20_000, max_requests: 20_000 }]
  return { name, type: 'STATIC', connect_timeout: '5s', circuit_breakers: { thresholds }, load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] } }
}

function clusters(setup: ProxySetup): Json[] {
  if (setup.kind === 'grpc') return [http2Cluster('origin', setup.origin)]
  return setup.kind === 'mixed' ? [cluster('origin', setup.origin), http2Cluster('grpc', setup.grpcOrigin), cluster('websocket', setup.webSocketOrigin)] : [cluster('origin', setup.origin)]
}

function http2Cluster(name: string, port: number): Json {
  const options = { '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions', explicit_http_config: { http2_protocol_options: {} } }
  return { ...cluster(name, port), typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options } }
}

function tcpProxy(): Json {
  return { name: 'envoy.filters.network.tcp_proxy', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', stat_prefix: 'tcp', cluster: 'origin' } }
}

function connectionManager(setup: ProxySetup): Json {
  // Streams of gRPC stay open for the whole run, so their route has no timeout.
  const grpcRoute = { match: { prefix: '/bench.Echo/' }, route: { cluster: setup.kind === 'mixed' ? 'grpc' : 'origin', timeout: '0s' } }
  const upgradeRoute = { match: { prefix: '/', headers: [{ name: 'upgrade', string_match: { exact: 'websocket', ignore_case: true } }] }, route: { cluster: 'websocket', timeout: '0s' } }
  const plainRoute = { match: { prefix: '/' }, route: { cluster: 'origin' } }
  const withGrpc = setup.kind === 'grpc' || setup.kind === 'mixed'
  const plain = [{ name: 'all', domains: ['*'], routes: [...(setup.kind === 'mixed' ? [upgradeRoute] : []), ...(withGrpc ? [grpcRoute] : []), plainRoute] }]
  const config: Json = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'ingress',
    route_config: { name: 'local', virtual_hosts: setup.kind === 'rich' ? HOSTS.map(richHost) : plain },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } }],
  }
  if (setup.kind === 'websocket' || setup.kind === 'mixed') config['upgrade_configs'] = [{ upgrade_type: 'websocket' }]
  if (setup.kind === 'rich') config['access_log'] = [{ name: 'envoy.access_loggers.file', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog', path: `${setup.folder}/access.log` } }]
  return { name: 'envoy.filters.network.http_connection_manager', typed_config: config }
}

function richHost(host: string): Json {
  const routes = Array.from({ length: ROUTES_PER_HOST }, (_unused, index) => ({
    match: { prefix: `/route${index}/` },
    route: { cluster: 'origin' },
    request_headers_to_add: MUTATIONS.map((name) => ({ header: { key: `x-request-${name}`, value: `value ${name}` }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' })),
    response_headers_to_add: MUTATIONS.map((name) => ({ header: { key: `x-response-${name}`, value: `value ${name}` }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' })),
  }))
  return { name: host, domains: [host], routes }
}

/** Lua for wrk: goes round the hosts and routes of the rich case. */
export function richScript(): string {
  return `local n = 0
request = function()
  n = n + 1
  local host = "host" .. (n % ${HOSTS.length}) .. ".example.com"
  return wrk.format("GET", "/route" .. (n % ${ROUTES_PER_HOST}) .. "/item?id=" .. n, { Host = host, ["User-Agent"] = "bench" })
end
`
}

/** Lua for wrk: POST of so many bytes. */
export function uploadScript(bytes: number): string {
  return `wrk.method = "POST"\nwrk.body = string.rep("x", ${bytes})\n`
}

/** Envoy and nuncio see it themselves; nginx and HAProxy must be told. */
function clientsSpeakHttp2(setup: ProxySetup): boolean {
  return setup.kind === 'h2' || setup.kind === 'grpc'
}

/** nginx's configuration, or null where this nginx cannot do it. */
export function nginxConfig(setup: ProxySetup, folder: string): string | null {
  if (setup.kind === 'tcp' || setup.kind === 'mixed') return null
  const tunnel = 'proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "Upgrade"; proxy_set_header Host $host; proxy_read_timeout 600s;'
  const pass = setup.kind === 'websocket' ? tunnel : setup.kind === 'grpc' ? 'grpc_pass grpc://origin; grpc_read_timeout 600s; grpc_send_timeout 600s;' : 'proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;'
  const plain = `server { listen 127.0.0.1:${setup.listener}${clientsSpeakHttp2(setup) ? ' http2' : ''} backlog=4096 reuseport; location / { ${pass} } }`
  return `${nginxBase(folder, 'nginx')}
http {
  access_log ${setup.kind === 'rich' ? `${setup.folder}/nginx-access.log combined buffer=64k` : 'off'}; ${nginxTempPaths(folder)}
  keepalive_timeout 600s; keepalive_requests 1000000000; client_max_body_size 0; tcp_nodelay on; http2_max_concurrent_streams 1024; server_names_hash_bucket_size 128;
  proxy_request_buffering off; proxy_max_temp_file_size 0;
  upstream origin { server 127.0.0.1:${setup.origin}; keepalive 256; keepalive_requests 1000000000; }
  ${setup.kind === 'rich' ? HOSTS.map((host) => nginxHost(host, setup.listener, pass)).join('\n') : plain}
}
`
}

function nginxHost(host: string, port: number, pass: string): string {
  const mutations = MUTATIONS.map((name) => `proxy_set_header x-request-${name} "value ${name}"; add_header x-response-${name} "value ${name}";`).join(' ')
  const locations = Array.from({ length: ROUTES_PER_HOST }, (_unused, index) => `location /route${index}/ { ${pass} ${mutations} }`)
  return `server { listen 127.0.0.1:${port}${host === HOSTS[0] ? ' backlog=4096 reuseport' : ''}; server_name ${host}; ${locations.join(' ')} }`
}

/** HAProxy's configuration. It logs to a file only through syslog, so its rich case has no log. */
export function haproxyConfig(setup: ProxySetup): string {
  const mode = setup.kind === 'tcp' ? 'tcp' : 'http'
  return `global
  nbthread 1
  maxconn 9000
  tune.h2.max-concurrent-streams 1024
defaults
  mode ${mode}
  timeout client 600s
  timeout server 600s
  timeout connect 5s
  ${mode === 'http' ? 'http-reuse always' : ''}
frontend ingress
  bind 127.0.0.1:${setup.listener} backlog 4096${clientsSpeakHttp2(setup) ? ' proto h2' : ''}
${setup.kind === 'rich' ? haproxyRoutes() : '  default_backend origin\n'}
backend origin
  server origin 127.0.0.1:${setup.origin} maxconn 9000${setup.kind === 'grpc' ? ' proto h2' : ''}
`
}

function haproxyRoutes(): string {
  const lines: string[] = []
  for (const name of MUTATIONS) lines.push(`  http-request set-header x-request-${name} "value ${name}"`, `  http-response set-header x-response-${name} "value ${name}"`)
  for (const host of HOSTS) for (let index = 0; index < ROUTES_PER_HOST; index++) lines.push(`  use_backend origin if { hdr(host) -i ${host} } { path_beg /route${index}/ }`)
  return `${lines.join('\n')}\n`
}

/** A large configuration as JSON text: `clusters` clusters, `routes` routes in virtual hosts of 20 each. */
export function largeConfig(setup: ProxySetup, clusters: number, routes: number): string {
  const hosts = Array.from({ length: routes / 20 }, (_unused, host) => ({
    name: `host${host}`,
    domains: [`host${host}.example.com`],
    routes: Array.from({ length: 20 }, (_nothing, route) => ({ match: { prefix: `/service${route}/` }, route: { cluster: `cluster${(host * 20 + route) % clusters}` } })),
  }))
  const config: Json = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'ingress',
    route_config: { name: 'local', virtual_hosts: hosts },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } }],
  }
  const all = Array.from({ length: clusters }, (_unused, index) => cluster(`cluster${index}`, setup.origin))
  return JSON.stringify({ admin: { address: address(setup.admin) }, static_resources: { listeners: [listener(setup.listener, { name: 'envoy.filters.network.http_connection_manager', typed_config: config })], clusters: all } })
}
