// The HTTP/2 ends of the harness against an implementation that shares nothing with them: Node's.
import assert from 'node:assert/strict'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { answer, encodeFields, fieldOf, Http2Client, HpackDecoder, leakCheck, ScriptedOrigin, until, withCleanup } from './index.ts'
import type { Http2Action, PeerOptions } from './index.ts'

const check = leakCheck()
after(check)

/** Node's server behind our client. */
async function withNodeServer(handler: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void, body: (client: Http2Client) => Promise<void>, options: PeerOptions = {}): Promise<void> {
  await withCleanup(async (defer) => {
    const server = http2.createServer()
    server.on('stream', handler)
    server.on('sessionError', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    defer(() => new Promise((resolve) => server.close(resolve)))
    const client = await Http2Client.connect({ port: (server.address() as AddressInfo).port }, options)
    defer(() => client.close())
    await body(client)
  })
}

/** Node's client before our origin; gives status, headers, body and trailers, or the error's code. */
async function nodeRequest(origin: ScriptedOrigin, path: string, body: string): Promise<string> {
  const session = http2.connect(`http://127.0.0.1:${origin.port}`)
  session.on('error', () => undefined)
  const stream = session.request({ ':method': 'POST', ':path': path })
  const seen: string[] = []
  stream.on('response', (headers) => seen.push(`status=${String(headers[':status'])} x=${String(headers['x'])}`))
  stream.on('trailers', (trailers) => seen.push(`trailer=${String(trailers['t'])}`))
  stream.on('data', (piece: Buffer) => seen.push(`data=${piece.toString()}`))
  stream.on('error', () => seen.push(`rst=${stream.rstCode}`))
  stream.end(body)
  await new Promise((resolve) => stream.on('close', resolve))
  await new Promise((resolve) => (session.destroyed ? resolve(null) : session.close(() => resolve(null))))
  return seen.join(' ')
}

describe('HPACK of the harness', () => {
  it('decodes the examples of RFC 7541, appendix C.4: Huffman and the dynamic table', () => {
    const decoder = new HpackDecoder()
    const blocks = ['828684418cf1e3c2e5f23a6ba0ab90f4ff', '828684be5886a8eb10649cbf', '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf']
    const texts = blocks.map((block) => decoder.decode(Buffer.from(block, 'hex')).map((field) => field.join('=')).join(' '))
    assert.deepEqual(texts, [':method=GET :scheme=http :path=/ :authority=www.example.com', ':method=GET :scheme=http :path=/ :authority=www.example.com cache-control=no-cache', ':method=GET :scheme=https :path=/index.html :authority=www.example.com custom-key=custom-value'])
  })

  it('decodes its own literals of any length', () => {
    const fields = [['a', 'b'.repeat(127)], ['c'.repeat(300), ''], ['UPPER', '\xe4\x00']] as const
    assert.deepEqual(new HpackDecoder().decode(encodeFields(fields)), fields)
  })

  it('refuses what is no HPACK', () => {
    for (const bad of ['80', 'ff', '0001', 'c0', '3fffff7f', '00830001']) assert.throws(() => new HpackDecoder().decode(Buffer.from(bad, 'hex')), /HPACK/, bad)
  })
})

it('a field may begin with a colon and have none', () => {
  assert.deepEqual([':method: GET', 'a:b', 'a: b: c', 'x', ':path: /'].map(fieldOf), [[':method', 'GET'], ['a', 'b'], ['a', 'b: c'], ['x', ''], [':path', '/']])
})

describe('HTTP/2 client', () => {
  it('gets headers, body and trailers of several streams', () =>
    withNodeServer(
      (stream, headers) => {
        stream.respond({ ':status': 200, 'x-path': headers[':path'], 'x-long': 'v'.repeat(200) }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
        stream.pipe(stream)
      },
      async (client) => {
        await client.run({ request: { method: 'POST', path: '/a', body: ['one', 'two'] } }, { request: { method: 'POST', path: '/b', body: 'x'.repeat(200_000), headers: ['x: y'] } }, { wait: 'done' })
        const [first, second] = [client.peer.streams.get(1), client.peer.streams.get(3)]
        assert.deepEqual([first?.field(':status'), first?.field('x-path'), first?.data, first?.ended], ['200', '/a', 'onetwo', true])
        assert.deepEqual(first?.blocks.at(-1), [['x-sum', '1']])
        assert.deepEqual([second?.field('x-path'), second?.field('x-long')?.length, second?.dataBytes, second?.reset], ['/b', 200, 200_000, null])
      },
    ))

  it('sees resets and answers to PING, and keeps a small window closed', () =>
    withNodeServer(
      (stream) => {
        stream.on('error', () => undefined)
        stream.respond({ ':status': 200 })
        stream.write('0123456789abcdef')
        stream.on('data', () => stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM))
      },
      async (client) => {
        await client.run({ request: { method: 'POST', end: false } }, { wait: 'data', bytes: 10 }, { ping: 'abc' }, { wait: 'ping_ack' })
        assert.equal(client.peer.streams.get(1)?.data, '0123456789')
        await client.run({ window: 100 }, { wait: 'data', bytes: 16 }, { data: 'now' }, { wait: 'reset' })
        assert.equal(client.lines().at(-1), 'stream 1 RST_STREAM ENHANCE_YOUR_CALM\n')
        assert.ok(client.lines().includes('PING ACK abc.....\n'))
      },
      { settings: { INITIAL_WINDOW_SIZE: 10 }, windows: 'none' },
    ))

  it('sees GOAWAY and the end of the connection', () =>
    withNodeServer(
      () => undefined,
      async (client) => {
        await client.run({ frame: { type: 'DATA', stream: 0, text: 'no stream' } }, { wait: 'close' })
        assert.equal(client.peer.goaway, 1)
        assert.notEqual(client.ended, 'open')
      },
    ))
})

describe('HTTP/2 origin', () => {
  const cases: readonly [string, readonly Http2Action[] | undefined, string][] = [
    ['parts of a response', undefined, 'status=200 x=1 data=one data=two trailer=2'],
    ['a reset', [{ headers: [':status: 200', 'x: 1'] }, { rst: 'INTERNAL_ERROR' }], 'status=200 x=1 rst=2'],
    ['an echo', [{ headers: [':status: 200'] }, { echo: true }], 'status=200 x=undefined data=body'],
  ]
  for (const [name, h2, expected] of cases) {
    it(`sends ${name}`, () =>
      withCleanup(async (defer) => {
        const parts = answer({ headers: ['x: 1'], chunks: ['one', 'two'], trailers: ['t: 2'] })
        const origin = await ScriptedOrigin.start({ replies: [h2 === undefined ? parts : { steps: [], h2 }] })
        defer(() => origin.stop())
        assert.equal(await nodeRequest(origin, '/a', 'body'), expected)
        const stream = origin.connections[0]?.peer?.streams.get(1)
        assert.deepEqual([stream?.field(':path'), stream?.data], ['/a', 'body'])
        await until('the end of the connection', () => origin.connections[0]?.ended !== 'open')
      }))
  }

  it('says so when a reply has no HTTP/2 form', () =>
    withCleanup(async (defer) => {
      const origin = await ScriptedOrigin.start({ replies: [answer('HTTP/1.1 200 OK\r\n\r\n')] })
      defer(() => origin.stop())
      assert.equal(await nodeRequest(origin, '/', ''), 'status=599 x=undefined data=this reply has no HTTP/2 form')
    }))
})
