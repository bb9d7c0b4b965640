// A proxy with a listener for each way of a WebSocket: HTTP/1 or HTTP/2 from the client, HTTP/1 or HTTP/2 onward.
import { freePorts, ProxyProcess } from '../../harness/index.ts'
import type { ProxyKind } from '../../harness/index.ts'

export type Way = 'h1h1' | 'h1h2' | 'h2h1' | 'h2h2'
const WAYS: readonly Way[] = ['h1h1', 'h1h2', 'h2h1', 'h2h2']

export interface WebSocketStand {
  readonly proxy: ProxyProcess
  readonly ports: Readonly<Record<Way, number>>
}

const socketAddress = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } })
const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`
const HTTP2 = { allow_connect: true, initial_stream_window_size: 1_048_576, initial_connection_window_size: 4_194_304 }

/** WebSocket servers speak HTTP/1: what goes onward over HTTP/2 comes back to a listener of the same proxy, which turns it. */
export async function startWebSocketStand(kind: ProxyKind, origin: number): Promise<WebSocketStand> {
  const [admin = 0, h1h1 = 0, h1h2 = 0, h2h1 = 0, h2h2 = 0] = await freePorts(5)
  const ports = { h1h1, h1h2, h2h1, h2h2 }
  const listeners = WAYS.map((way) => listener(way, ports[way]))
  const config = JSON.stringify({ admin: { address: socketAddress(admin) }, static_resources: { listeners, clusters: [cluster('h1', origin), cluster('h2', h2h1)] } })
  return { ports, proxy: await ProxyProcess.start({ kind, config, configFormat: 'json', adminPort: admin, timeoutMs: 30_000 }) }
}

function listener(way: Way, port: number): object {
  const manager = {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: way,
    codec_type: way.startsWith('h2') ? 'HTTP2' : 'HTTP1',
    http2_protocol_options: HTTP2,
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: way.slice(2) } }] }] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': type('filters.http.router.v3.Router') } }],
  }
  return { name: way, address: socketAddress(port), filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }] }
}

function cluster(protocol: 'h1' | 'h2', port: number): object {
  const explicit = protocol === 'h2' ? { http2_protocol_options: HTTP2 } : { http_protocol_options: {} }
  const options = { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': type('upstreams.http.v3.HttpProtocolOptions'), explicit_http_config: explicit } }
  const endpoint = { endpoint: { address: socketAddress(port) } }
  return { name: protocol, type: 'STATIC', connect_timeout: '5s', typed_extension_protocol_options: options, load_assignment: { cluster_name: protocol, endpoints: [{ lb_endpoints: [endpoint] }] } }
}
