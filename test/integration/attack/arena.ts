// A nuncio process with short timeouts, an origin behind it, and the question that every attack ends with: is all as it was before?
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { freePorts, Http2Client, ProxyProcess, RawClient, ScriptedOrigin, sleep } from '../../harness/index.ts'

/** Both ways to drive sockets (ARCHITECTURE 1): every attack runs on each. */
export const BACK_ENDS = ['handle', 'net'] as const
export type BackEnd = (typeof BACK_ENDS)[number]

/** Milliseconds. Short, so that a suite of stalls is quick; far enough apart to tell which one ended something. */
export const REQUEST_HEADERS_TIMEOUT = 300
export const STREAM_IDLE_TIMEOUT = 500
export const REQUEST_TIMEOUT = 900
export const CONNECTION_IDLE_TIMEOUT = 700
/** Of routes under `/quick`. */
export const ROUTE_TIMEOUT = 400
const UPSTREAM_IDLE_TIMEOUT = 100

/** Statistics that must be zero when nobody asks anything. */
const GAUGES =
  /^((?:http\.edge|tcp\.edge|http2|listener\.[^ ]*|cluster\.[^.]+)\.\S*(?:_active|_buffered|_open|pending_send_bytes)|server\.envoy_bug_failures|server\.worker_crashes): (\d+)$/
/** Lines of `/clusters` that count what is there now. */
const HOST_COUNTS = /::(cx_active|rq_active)::(-?\d+)$/

function type(name: string): string {
  return `type.googleapis.com/envoy.extensions.${name}`
}

function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } }
}

function seconds(ms: number): string {
  return `${ms / 1_000}s`
}

function manager(accessLog: string): object {
  return {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'edge',
    request_headers_timeout: seconds(REQUEST_HEADERS_TIMEOUT),
    stream_idle_timeout: seconds(STREAM_IDLE_TIMEOUT),
    request_timeout: seconds(REQUEST_TIMEOUT),
    delayed_close_timeout: '0.1s',
    // An idle HTTP/1 connection that has had a request closes this long after its idle timeout.
    drain_timeout: '0.1s',
    common_http_protocol_options: { idle_timeout: seconds(CONNECTION_IDLE_TIMEOUT) },
    http2_protocol_options: { allow_connect: true },
    upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'CONNECT' }],
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: {
          '@type': type('access_loggers.file.v3.FileAccessLog'),
          path: accessLog,
          log_format: { text_format_source: { inline_string: '%RESPONSE_CODE% %RESPONSE_FLAGS%\n' } },
        },
      },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            { match: { connect_matcher: {}, headers: [{ name: ':authority', string_match: { exact: 'tunnel:1' } }] }, route: { cluster: 'origin', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] } },
            { match: { prefix: '/h2/pair' }, route: { cluster: 'h2-pair', timeout: '5s', idle_timeout: '5s' } },
            { match: { prefix: '/patient/' }, route: { cluster: 'origin', timeout: '60s', idle_timeout: '60s' } },
            { match: { prefix: '/h2/patient/' }, route: { cluster: 'h2', timeout: '60s', idle_timeout: '60s' } },
            { match: { prefix: '/h2/' }, route: { cluster: 'h2', timeout: '5s' } },
            { match: { prefix: '/quick' }, route: { cluster: 'origin', timeout: seconds(ROUTE_TIMEOUT) } },
            { match: { prefix: '/pair' }, route: { cluster: 'pair', timeout: '5s' } },
            { match: { prefix: '/' }, route: { cluster: 'origin', timeout: '5s' } },
          ],
        },
      ],
    },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': type('filters.http.router.v3.Router') } }],
  }
}

function cluster(name: string, ports: readonly number[]): object {
  const explicit = name.startsWith('h2') ? { http2_protocol_options: { allow_connect: true } } : { http_protocol_options: {} }
  return {
    name,
    type: 'STATIC',
    // Long, for bursts of connections on a machine with other work: nothing here is about it.
    connect_timeout: '10s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': type('upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: explicit,
        common_http_protocol_options: { idle_timeout: seconds(UPSTREAM_IDLE_TIMEOUT) },
      },
    },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })) }] },
  }
}

function config(ports: { admin: number; http: number; tcp: number; origin: number; pair: readonly number[] }, accessLog: string): string {
  const tcpProxy = { '@type': type('filters.network.tcp_proxy.v3.TcpProxy'), stat_prefix: 'edge', cluster: 'origin', idle_timeout: seconds(CONNECTION_IDLE_TIMEOUT) }
  const listener = (name: string, port: number, filter: string, typed: object): object => ({
    name,
    address: address(port),
    filter_chains: [{ filters: [{ name: `envoy.filters.network.${filter}`, typed_config: typed }] }],
  })
  return JSON.stringify({
    admin: { address: address(ports.admin) },
    static_resources: {
      listeners: [listener('http', ports.http, 'http_connection_manager', manager(accessLog)), listener('tcp', ports.tcp, 'tcp_proxy', tcpProxy)],
      clusters: [cluster('origin', [ports.origin]), cluster('pair', ports.pair), cluster('h2', [ports.origin]), cluster('h2-pair', ports.pair)],
    },
  })
}

/** The proxy under attack. */
export class Arena {
  readonly proxy: ProxyProcess
  readonly origin: ScriptedOrigin
  readonly http: number
  readonly tcp: number
  readonly accessLog: string
  private descriptors = 0

  private constructor(proxy: ProxyProcess, origin: ScriptedOrigin, http: number, tcp: number, accessLog: string) {
    this.proxy = proxy
    this.origin = origin
    this.http = http
    this.tcp = tcp
    this.accessLog = accessLog
  }

  /** `pair`: ports of the cluster behind `/pair`. */
  static async start(backEnd: BackEnd, folder: string, pair: readonly number[] = []): Promise<Arena> {
    const origin = await ScriptedOrigin.start()
    const [admin = 0, http = 0, tcp = 0] = await freePorts(3)
    const accessLog = path.join(folder, `access-${backEnd}.log`)
    const proxy = await ProxyProcess.start({
      // To see how Envoy takes the same attacks: NUNCIO_ATTACK_PROXY=envoy.
      kind: process.env['NUNCIO_ATTACK_PROXY'] === 'envoy' ? 'envoy' : 'nuncio',
      adminPort: admin,
      configFormat: 'json',
      config: config({ admin, http, tcp, origin: origin.port, pair }, accessLog),
      args: ['--file-flush-interval-msec', '20'],
      prefix: ['env', `NUNCIO_IO=${backEnd}`],
    })
    const arena = new Arena(proxy, origin, http, tcp, accessLog)
    // What the process opens once (files of the runtime, pools) is no leak.
    await arena.ask('/')
    await arena.calm()
    arena.descriptors = arena.openDescriptors()
    return arena
  }

  async stop(): Promise<void> {
    await this.proxy.stop('SIGTERM', 2_000)
    await this.origin.stop()
  }

  connect(): Promise<RawClient> {
    return RawClient.connect({ port: this.http })
  }

  connectHttp2(): Promise<Http2Client> {
    return Http2Client.connect({ port: this.http })
  }

  connectTcp(): Promise<RawClient> {
    return RawClient.connect({ port: this.tcp })
  }

  /** One good request; its status line. */
  async ask(target: string): Promise<string> {
    const client = await this.connect()
    client.send(`GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`)
    const [response] = await client.readResponses(1)
    await client.close()
    return response?.startLine ?? 'no answer'
  }

  /**
   * After an attack: waits until every gauge, host count and file descriptor is back where it was, and throws with what is left when
   * that takes longer than any timeout of the configuration explains.
   */
  async calm(timeoutMs = 4_000): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const left = await this.leftovers()
      if (left.length === 0) break
      if (performance.now() > deadline) throw new Error(`left behind after ${timeoutMs} ms: ${left.join(', ')}`)
      await sleep(30)
    }
    const complaints = this.proxy.stderr().split('\n').filter((line) => /\bbug\b|\[critical\]|\[error\]|uncaught/i.test(line))
    if (complaints.length > 0) throw new Error(`the proxy's log has: ${complaints.slice(0, 5).join('\n')}`)
  }

  private async leftovers(): Promise<string[]> {
    const left: string[] = []
    const stats = await this.proxy.admin('/stats')
    for (const line of stats.body.split('\n')) {
      const found = GAUGES.exec(line)
      // The admin's own connections are not the listeners'.
      if (found !== null && !line.startsWith('listener.admin') && found.at(-1) !== '0') left.push(line)
    }
    const names = stats.body.split('\n').map((line) => line.replace(/: .*/, ''))
    names.forEach((name, i) => name !== '' && names.indexOf(name) !== i && left.push(`${name} listed twice`))
    const clusters = await this.proxy.admin('/clusters')
    for (const line of clusters.body.split('\n')) if (Number(HOST_COUNTS.exec(line)?.[2] ?? 0) !== 0) left.push(line)
    if (left.length === 0 && this.descriptors > 0 && this.openDescriptors() > this.descriptors) {
      left.push(`${this.openDescriptors()} file descriptors, ${this.descriptors} before`)
    }
    return left
  }

  openDescriptors(): number {
    return readdirSync(`/proc/${this.proxy.pid}/fd`).length
  }
}
