// End-to-end flow control: a slow reader holds a fast writer back, and the proxy's memory stays flat, in both directions.
// NUNCIO_FLOW_BYTES sets the size of a body (default 1 GiB); a body much larger than every buffer on the way is what counts.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePorts, leakCheck, ProxyProcess, RawClient, ScriptedOrigin } from '../../harness/index.ts'
import { BODY, growthWhile, readSlowly, uploadToSlowOrigin } from './slow-readers.ts'

const PIECE = Buffer.alloc(1_048_576, 'x')
const MAY_GROW = 32 * 1_048_576
const check = leakCheck()
after(check)

function config(admin: number, http: number, tcp: number, origin: number): string {
  const type = 'type.googleapis.com/envoy.extensions.filters'
  const address = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } })
  const manager = {
    '@type': `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'origin', timeout: '0s' } }] }] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${type}.http.router.v3.Router` } }],
  }
  const tcpProxy = { '@type': `${type}.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 'tcp', cluster: 'origin' }
  const listener = (name: string, port: number, filter: string, typed: object): object => ({ name, address: address(port), filter_chains: [{ filters: [{ name: filter, typed_config: typed }] }] })
  const cluster = { name: 'origin', type: 'STATIC', load_assignment: { cluster_name: 'origin', endpoints: [{ lb_endpoints: [{ endpoint: { address: address(origin) } }] }] } }
  const listeners = [listener('http', http, 'envoy.filters.network.http_connection_manager', manager), listener('tcp', tcp, 'envoy.filters.network.tcp_proxy', tcpProxy)]
  return JSON.stringify({ admin: { address: address(admin) }, static_resources: { listeners, clusters: [cluster] } })
}

describe('a slow reader of a large body', () => {
  let origin: ScriptedOrigin
  let proxy: ProxyProcess
  let http = 0
  let tcp = 0

  before(async () => {
    origin = await ScriptedOrigin.start()
    origin.keepBytes = false
    const [admin = 0, httpPort = 0, tcpPort = 0] = await freePorts(3)
    http = httpPort
    tcp = tcpPort
    proxy = await ProxyProcess.start({ kind: process.env['NUNCIO_FLOW_PROXY'] === 'envoy' ? 'envoy' : 'nuncio', adminPort: admin, configFormat: 'json', config: config(admin, http, tcp, origin.port) })
    await warmUp(http, origin)
  })

  after(async () => {
    await proxy.stop()
    await origin.stop()
  })

  it('a client that stops reading holds an HTTP answer back', () =>
    holds(http, `GET / HTTP/1.1\r\nhost: a\r\n\r\n`, [{ send: `HTTP/1.1 200 OK\r\ncontent-length: ${BODY}\r\n\r\n` }, { fill: BODY }]))

  it('a client that stops reading holds a TCP stream back', () => holds(tcp, 'x', [{ fill: BODY }]))

  it('an origin that stops reading holds an HTTP upload back', () => holdsUpload(http, `PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY}\r\n\r\n`))

  it('an origin that stops reading holds a TCP stream back', () => holdsUpload(tcp, ''))

  async function holds(port: number, request: string, steps: Parameters<ScriptedOrigin['use']>[0]['onConnect']): Promise<void> {
    origin.use({ plainTcp: true, ...(steps === undefined ? {} : { onConnect: steps }) })
    const client = await RawClient.connect({ port })
    try {
      const growth = await growthWhile(proxy, () => {
        client.send(request)
        return readSlowly(client, BODY)
      })
      assert.ok(growth < MAY_GROW, `resident memory grew by ${(growth / 1_048_576).toFixed(1)} MiB`)
    } finally {
      await client.close()
      await origin.endConnections()
    }
  }

  async function holdsUpload(port: number, head: string): Promise<void> {
    origin.use({ plainTcp: true, startPaused: true })
    const client = await RawClient.connect({ port })
    try {
      const growth = await growthWhile(proxy, () => {
        client.send(head)
        return uploadToSlowOrigin(() => client.sendAll(PIECE), origin, BODY)
      })
      assert.ok(growth < MAY_GROW, `resident memory grew by ${(growth / 1_048_576).toFixed(1)} MiB`)
    } finally {
      await client.close()
      await origin.endConnections()
    }
  }
})

/** Some megabytes through the proxy first: what its runtime takes once is not what a slow reader costs. */
async function warmUp(port: number, origin: ScriptedOrigin): Promise<void> {
  const bytes = 64 * 1_048_576
  origin.use({ plainTcp: true, onConnect: [{ send: `HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n` }, { fill: bytes }] })
  const client = await RawClient.connect({ port })
  client.keepBytes = false
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  assert.ok(await client.readBytes(bytes, 30_000), 'the warm-up did not get through')
  await client.close()
  await origin.endConnections()
}
