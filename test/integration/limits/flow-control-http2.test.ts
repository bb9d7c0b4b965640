// End-to-end flow control with HTTP/2 on one side or both: a slow reader holds a fast writer back, and the proxy's memory stays flat.
// NUNCIO_FLOW_BYTES sets the size of a body (default 1 GiB).
import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { after, before, describe, it } from 'node:test'
import { freePorts, Http2Client, leakCheck, ProxyProcess, RawClient, ScriptedOrigin } from '../../harness/index.ts'
import { frameBytes, FRAME_TYPES, PREFACE, settingsPayload, uint32 } from '../../harness/http2-frames.ts'
import { frameOf } from '../../harness/http2-actions.ts'
import { BODY, growthWhile, readSlowly, uploadToSlowOrigin } from './slow-readers.ts'

/** 32 MiB as everywhere, and what Envoy's windows let be on the way: 24 MiB on each side's connection. */
const MAY_GROW = (32 + 2 * 24) * 1_048_576
const WIDE = 0x7fff_ffff
const OPEN = Buffer.concat([frameBytes(FRAME_TYPES.SETTINGS, 0, 0, settingsPayload({ INITIAL_WINDOW_SIZE: WIDE })), frameBytes(FRAME_TYPES.WINDOW_UPDATE, 0, 0, uint32(WIDE - 65_535))])
const PIECE = Buffer.alloc(65_536, 'x')

after(leakCheck())

function config(admin: number, port: number, origins: { h1: number; h2: number; raw: number }): string {
  const type = 'type.googleapis.com/envoy.extensions'
  const address = (at: number): object => ({ socket_address: { address: '127.0.0.1', port_value: at } })
  const names = ['h1', 'h2', 'raw'] as const
  const manager = {
    '@type': `${type}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: names.map((name) => ({ match: { prefix: `/${name}` }, route: { cluster: name, timeout: '0s' } })) }] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${type}.filters.http.router.v3.Router` } }],
  }
  const http2Options = { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': `${type}.upstreams.http.v3.HttpProtocolOptions`, explicit_http_config: { http2_protocol_options: {} } } }
  const clusters = names.map((name) => ({
    name,
    type: 'STATIC',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(origins[name]) } }] }] },
    ...(name === 'h1' ? {} : { typed_extension_protocol_options: http2Options }),
  }))
  const listener = { name: 'in', address: address(port), filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }] }
  return JSON.stringify({ admin: { address: address(admin) }, static_resources: { listeners: [listener], clusters } })
}

/** Answers every request with a body of so many bytes, as quickly as it is taken. */
function fastOrigin(): http2.Http2Server {
  const server = http2.createServer()
  server.on('sessionError', () => undefined)
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => undefined)
    stream.respond({ ':status': 200 })
    let left = BODY
    const more = (): void => {
      while (left > 0 && !stream.destroyed) {
        left -= PIECE.length
        if (!stream.write(PIECE)) return void stream.once('drain', more)
      }
      stream.end()
    }
    more()
  })
  return server
}

describe('a slow reader of a large body, over HTTP/2', () => {
  const fast = fastOrigin()
  let origin: ScriptedOrigin
  let proxy: ProxyProcess
  let port = 0

  before(async () => {
    origin = await ScriptedOrigin.start()
    origin.keepBytes = false
    const [admin = 0, listener = 0, fastPort = 0] = await freePorts(3)
    port = listener
    await new Promise<void>((resolve) => fast.listen(fastPort, '127.0.0.1', resolve))
    const kind = process.env['NUNCIO_FLOW_PROXY'] === 'envoy' ? 'envoy' : 'nuncio'
    proxy = await ProxyProcess.start({ kind, adminPort: admin, configFormat: 'json', config: config(admin, port, { h1: origin.port, h2: fastPort, raw: origin.port }) })
  })

  after(async () => {
    await proxy.stop()
    await origin.stop()
    await new Promise<void>((resolve) => fast.close(() => resolve()))
  })

  it('HTTP/2 client, HTTP/1 origin', () => download('/h1', http2Request))
  it('HTTP/2 client, HTTP/2 origin', () => download('/h2', http2Request))
  it('HTTP/1 client, HTTP/2 origin', () => download('/h2', (path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`))
  it('HTTP/2 client that uploads, HTTP/1 origin', () => upload('/h1', false))
  it('HTTP/2 client that uploads, HTTP/2 origin', () => upload('/raw', true))
  it('HTTP/1 client that uploads, HTTP/2 origin', () => uploadHttp1('/raw'))

  async function download(path: string, request: (path: string) => Buffer | string): Promise<void> {
    origin.use({ plainTcp: true, onConnect: [{ send: `HTTP/1.1 200 OK\r\ncontent-length: ${BODY}\r\n\r\n` }, { fill: BODY }] })
    const client = await RawClient.connect({ port })
    await staysSmall(client, async () => {
      client.send(request(path))
      await readSlowly(client, BODY)
    })
  }

  async function upload(path: string, originIsHttp2: boolean): Promise<void> {
    origin.use({ plainTcp: true, startPaused: true, ...(originIsHttp2 ? { onConnect: [{ send: OPEN.toString('latin1') }] } : {}) })
    const client = await Http2Client.connect({ port })
    await client.run({ request: { method: 'PUT', path, end: false } })
    const piece = 1_048_576
    await staysSmall(client, () => uploadToSlowOrigin(async () => client.run({ fill: piece, stream: 1 }).then(() => client.ended === 'open'), origin, BODY))
  }

  async function uploadHttp1(path: string): Promise<void> {
    origin.use({ plainTcp: true, startPaused: true, onConnect: [{ send: OPEN.toString('latin1') }] })
    const client = await RawClient.connect({ port })
    client.send(`PUT ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY}\r\n\r\n`)
    const piece = Buffer.alloc(1_048_576, 'x')
    await staysSmall(client, () => uploadToSlowOrigin(() => client.sendAll(piece), origin, BODY))
  }

  async function staysSmall(client: RawClient | Http2Client, run: () => Promise<void>): Promise<void> {
    try {
      const growth = await growthWhile(proxy, run)
      assert.ok(growth < MAY_GROW, `resident memory grew by ${(growth / 1_048_576).toFixed(1)} MiB`)
    } finally {
      await client.close()
      await origin.endConnections()
    }
  }
})

/** A request with windows so wide that the client never has to say more. */
function http2Request(path: string): Buffer {
  const fields = [':method: GET', ':scheme: http', ':authority: a', `:path: ${path}`]
  return Buffer.concat([Buffer.from(PREFACE, 'latin1'), OPEN, frameOf({ type: 'HEADERS', flags: ['END_HEADERS', 'END_STREAM'], stream: 1, fields })])
}
