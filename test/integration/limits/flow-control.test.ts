// End-to-end flow control: a slow reader holds a fast writer back, and the proxy's memory stays flat, in both directions.
// NUNCIO_FLOW_BYTES sets the size of a body (default 1 GiB); a body much larger than every buffer on the way is what counts.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePorts, leakCheck, ProxyProcess, RawClient, ScriptedOrigin, sleep, until } from '../../harness/index.ts'

const GIB = 1_073_741_824
const BODY = Number(process.env['NUNCIO_FLOW_BYTES'] ?? GIB)
const MAY_GROW = 32 * 1_048_576
/** How long the slow side does not read at all while memory is watched. */
const STALL_MS = 1_500

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

/** Highest resident memory of the proxy while `during` runs, over what it was before. */
async function growthWhile(proxy: ProxyProcess, during: () => Promise<void>): Promise<number> {
  const before = proxy.rssBytes()
  let highest = before
  const timer = setInterval(() => (highest = Math.max(highest, proxy.rssBytes())), 25)
  try {
    await during()
  } finally {
    clearInterval(timer)
  }
  return Math.max(highest, proxy.rssBytes()) - before
}

/** A client that stops reading for a while in the first megabytes and then takes the rest as it comes. */
async function readSlowly(client: RawClient, total: number): Promise<void> {
  client.keepBytes = false
  await client.readBytes(1_048_576, 30_000)
  client.pause()
  await sleep(STALL_MS)
  const stalledAt = client.receivedBytes
  assert.ok(stalledAt < total / 2, `the body was through before the reader stopped: ${stalledAt} of ${total}`)
  client.resume()
  assert.ok(await client.readBytes(total, 90_000), `only ${client.receivedBytes} of ${total} bytes came`)
}

/** Uploads through a client while the origin does not read for a while. */
async function uploadToSlowOrigin(client: RawClient, origin: ScriptedOrigin, total: number): Promise<void> {
  const piece = Buffer.alloc(1_048_576, 'x')
  let sent = 0
  const uploading = (async () => {
    for (; sent < total; sent += piece.length) if (!(await client.sendAll(piece))) throw new Error('the proxy ended the upload')
  })()
  const connection = await until('the upload to reach the origin', () => origin.connections[0])
  await sleep(STALL_MS)
  assert.ok(sent < Math.max(total / 2, 64 * 1_048_576), `the origin reads nothing, but the proxy took ${sent} bytes`)
  connection.socket.resume()
  await uploading
  await until('the whole upload at the origin', () => connection.receivedBytes >= total, { timeoutMs: 90_000 })
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
        return uploadToSlowOrigin(client, origin, BODY)
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
