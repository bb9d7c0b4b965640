// The proxy that the suites aim at: one listener that takes HTTP/1 and HTTP/2, one cluster.
import { freePort, ProxyProcess } from '../harness/index.ts'
import type { ProxyKind } from '../harness/index.ts'

export interface StandOptions {
  readonly kind: ProxyKind
  /** Port of the origin; without it every request is answered directly. */
  readonly origin?: number
  readonly upstream?: 'h1' | 'h2'
  /** Default AUTO: the client's first bytes decide. */
  readonly codec?: 'AUTO' | 'HTTP2'
  /** HTTP filters before the router: names and types of their configurations, which are empty. */
  readonly filters?: readonly (readonly [name: string, type: string])[]
}

export interface Stand {
  readonly port: number
  readonly proxy: ProxyProcess
}

/** Bridges hold a unary message until it is whole. */
const BUFFER_LIMIT = 4_194_304

/** Body of direct responses; large enough for tests of small windows. */
export const DIRECT_BODY = 'x'.repeat(1_000)

const socketAddress = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } })
const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`

export async function startStand(options: StandOptions): Promise<Stand> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const config = JSON.stringify({ admin: { address: socketAddress(adminPort) }, static_resources: { listeners: [listener(port, options)], clusters: options.origin === undefined ? [] : [cluster(options.origin, options.upstream ?? 'h1')] } })
  return { port, proxy: await ProxyProcess.start({ kind: options.kind, config, configFormat: 'json', adminPort, timeoutMs: 30_000 }) }
}

function listener(port: number, options: StandOptions): object {
  // No timeout: streams of the suites may be long.
  const action = options.origin === undefined ? { direct_response: { status: 200, body: { inline_string: DIRECT_BODY } } } : { route: { cluster: 'origin', timeout: '0s' } }
  const manager = {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'ingress',
    codec_type: options.codec ?? 'AUTO',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, ...action }] }] },
    http_filters: [...(options.filters ?? []).map(([name, of]) => ({ name, typed_config: { '@type': type(of) } })), { name: 'envoy.filters.http.router', typed_config: { '@type': type('filters.http.router.v3.Router') } }],
  }
  return { name: 'ingress', address: socketAddress(port), per_connection_buffer_limit_bytes: BUFFER_LIMIT, filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }] }
}

function cluster(port: number, upstream: 'h1' | 'h2'): object {
  const options = { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': type('upstreams.http.v3.HttpProtocolOptions'), explicit_http_config: upstream === 'h2' ? { http2_protocol_options: {} } : { http_protocol_options: { enable_trailers: true } } } }
  const endpoint = { endpoint: { address: socketAddress(port) } }
  return { name: 'origin', type: 'STATIC', connect_timeout: '5s', typed_extension_protocol_options: options, load_assignment: { cluster_name: 'origin', endpoints: [{ lb_endpoints: [endpoint] }] } }
}
