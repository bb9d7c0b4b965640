// The proxy's own gRPC client against a server over Node's http2.
import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, it } from 'node:test'
import type { GrpcClient } from '../../../src/contract/grpc-client.ts'
import { leakCheck, until, withCleanup } from '../../harness/index.ts'
import { begin, finish, frame, GrpcTestServer, readMessages } from './grpc-server.ts'
import type { Method } from './grpc-server.ts'
import { OwnClientsThread, StreamEvents, unary } from './thread.ts'

const check = leakCheck()
after(check)

/** A small window, so that what a slow side holds is easily told from everything. */
const WINDOW = 65_536
const MIB = 1_048_576

let written = 0
let received = 0
let aborted: number[] = []

const METHODS: Readonly<Record<string, Method>> = {
  '/t.S/Echo': (stream) => {
    readMessages(stream, (message) => {
      begin(stream)
      stream.write(frame(message))
    })
    stream.on('end', () => finish(stream))
  },
  '/t.S/Talk': (stream) => {
    begin(stream)
    readMessages(stream, (message) => stream.write(frame(message)))
    stream.on('end', () => finish(stream))
  },
  '/t.S/Fail': (stream) => {
    stream.resume()
    begin(stream)
    finish(stream, 9, 'not now')
  },
  '/t.S/Never': (stream) => {
    stream.resume()
    stream.on('close', () => aborted.push(stream.rstCode))
  },
  // Writes as fast as it may.
  '/t.S/Flood': (stream) => {
    stream.resume()
    begin(stream)
    const message = frame(Buffer.alloc(16_379))
    const more = (): void => {
      while (!stream.destroyed) {
        written += message.length
        if (!stream.write(message)) break
      }
    }
    stream.on('drain', more)
    more()
  },
  // Reads nothing until told.
  '/t.S/Deaf': (stream) => {
    begin(stream)
    stream.pause()
    stream.once('wake', () => {
      readMessages(stream, (message) => (received += message.length))
      stream.on('end', () => finish(stream))
      stream.resume()
    })
    deaf = () => stream.emit('wake')
  },
}
let deaf: () => void = () => {}

let thread: OwnClientsThread
let server: GrpcTestServer
let client: GrpcClient

beforeEach(async () => {
  written = 0
  received = 0
  aborted = []
  server = await GrpcTestServer.start(METHODS)
  thread = new OwnClientsThread()
  thread.addCluster('svc', server.port, { initial_stream_window_size: WINDOW, initial_connection_window_size: WINDOW })
  client = thread.client({ envoy_grpc: { cluster_name: 'svc' } })
})

afterEach(async () => {
  assert.equal(thread.asyncClients.activeStreams, 0)
  thread.dispose()
  await server.stop()
})

it('unary calls, one after another and many at once, over one connection', async () => {
  const first = await unary(client, 't.S/Echo', Buffer.from('hello'))
  assert.deepEqual([first.status, first.response?.toString()], [0, 'hello'])
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) => unary(client, 't.S/Echo', Buffer.from(`n${i}`))))
  assert.deepEqual(all.map((each) => each.response?.toString()), all.map((_, i) => `n${i}`))
  assert.equal(server.sessions.length, 1)
  const large = await unary(client, 't.S/Echo', Buffer.alloc(3 * MIB, 7))
  assert.equal(large.response?.length, 3 * MIB)
  const empty = await unary(client, 't.S/Echo', Buffer.alloc(0))
  assert.equal(empty.response?.length, 0)
})

it('statuses, unknown methods, a message longer than allowed', async () => {
  assert.deepEqual(await unary(client, 't.S/Fail', Buffer.from('x')), { status: 9, message: 'not now{via_upstream}', response: null })
  assert.equal((await unary(client, 't.S/Nothing', Buffer.from('x'))).status, 12)
  const narrow = thread.client({ envoy_grpc: { cluster_name: 'svc', max_receive_message_length: 1_000 } })
  assert.equal((await unary(narrow, 't.S/Echo', Buffer.alloc(1_001))).status, 8)
  assert.equal((await unary(narrow, 't.S/Echo', Buffer.alloc(1_000))).status, 0)
})

it('a bidirectional stream: a thousand messages come back in order', async () => {
  const events = new StreamEvents()
  const stream = client.start('t.S', 'Talk', events)
  for (let i = 0; i < 1_000; i++) stream?.sendMessage(Buffer.from(`message ${i}`), false)
  stream?.closeStream()
  await events.until('the end', () => events.status !== null)
  assert.deepEqual(events.messages.map(String), Array.from({ length: 1_000 }, (_, i) => `message ${i}`))
  assert.ok(events.initial?.some(([name, value]) => name === 'x-initial' && value === 'i'))
  assert.ok(events.trailing?.some(([name, value]) => name === 'x-trailing' && value === 't'))
  assert.equal(events.status, 0)
})

it('a deadline ends the call and the stream of the server', async () => {
  const end = await unary(client, 't.S/Never', Buffer.from('x'), { timeout: 50 })
  assert.deepEqual([end.status, end.message], [14, 'upstream request timeout{response_timeout}'])
  await until('the server to hear of it', () => aborted.length === 1)
})

it('cancel: the server hears it, the caller nothing', async () => {
  let heard = 0
  const call = client.send('t.S', 'Never', Buffer.from('x'), { onSuccess: () => heard++, onFailure: () => heard++ })
  await until('the call to arrive', () => server.sessions.length === 1)
  await unary(client, 't.S/Echo', Buffer.from('x'))
  call?.cancel()
  await until('the server to hear of it', () => aborted.length === 1)
  assert.notEqual(aborted[0], 0)
  assert.equal(heard, 0)
})

it('a reader that pauses: the server can write no more than the windows', async () => {
  const events = new StreamEvents()
  events.keep = false
  const stream = client.start('t.S', 'Flood', events)
  stream?.sendMessage(Buffer.from('go'), true)
  await events.until('the first messages', () => events.bytes > 100_000)
  stream?.readDisable(true)
  // What is under way arrives, then nothing: the counters stand still.
  let before = -1
  await until('the flood to stand', () => {
    const still = before === written
    before = written
    return still
  }, { everyMs: 100 })
  const standing = events.bytes
  assert.ok(written - events.bytes < MIB, `${written - events.bytes} bytes are on the way`)
  // Other calls of the same cluster go on, on a connection of their own if need be.
  stream?.readDisable(false)
  await events.until('more', () => events.bytes > standing + MIB)
  stream?.resetStream()
})

it('a server that does not read: the producer is told, and what waits is bounded by what it sent', async () => {
  const events = new StreamEvents()
  const stream = client.start('t.S', 'Deaf', events)
  let above = false
  stream?.setWatermarkCallbacks({ onAboveWriteBufferHighWatermark: () => (above = true), onBelowWriteBufferLowWatermark: () => (above = false) })
  let sent = 0
  const chunk = Buffer.alloc(16_379)
  // A producer that obeys.
  const produce = async (total: number): Promise<void> => {
    while (sent < total && !above) {
      stream?.sendMessage(chunk, false)
      sent += chunk.length
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await produce(64 * MIB)
  assert.equal(above, true)
  assert.ok(sent < 4 * MIB, `${sent} bytes were taken`)
  deaf()
  await until('the server to read all', () => received === sent)
  await until('the mark to fall', () => !above)
  stream?.closeStream()
  await events.until('the end', () => events.status !== null)
  assert.equal(events.status, 0)
})

it('a server that dies: every call ends with UNAVAILABLE or INTERNAL, and the next one connects anew', async () => {
  const events = new StreamEvents()
  const stream = client.start('t.S', 'Talk', events)
  stream?.sendMessage(Buffer.from('one'), false)
  await events.until('the first message', () => events.messages.length === 1)
  const hanging = unary(client, 't.S/Never', Buffer.from('x'))
  await unary(client, 't.S/Echo', Buffer.from('x'))
  server.kill()
  await events.until('the end', () => events.status !== null)
  assert.equal(events.status, 13)
  assert.equal((await hanging).status, 14)
  assert.equal((await unary(client, 't.S/Echo', Buffer.from('again'))).response?.toString(), 'again')
  assert.equal(server.sessions.length, 2)
})

it('nobody listens: UNAVAILABLE', () =>
  withCleanup(async () => {
    const gone = await GrpcTestServer.start({})
    const { port } = gone
    await gone.stop()
    thread.addCluster('gone', port)
    const end = await unary(thread.client({ envoy_grpc: { cluster_name: 'gone' } }), 't.S/Echo', Buffer.from('x'))
    assert.equal(end.status, 14)
    assert.match(end.message, /connection_failure/)
  }))

it('GOAWAY: what runs finishes, what follows goes to another connection', async () => {
  const events = new StreamEvents()
  const stream = client.start('t.S', 'Talk', events)
  stream?.sendMessage(Buffer.from('one'), false)
  await events.until('the first message', () => events.messages.length === 1)
  server.sessions[0].goaway(0, 1)
  await until('the new connection', async () => {
    await unary(client, 't.S/Echo', Buffer.from('x'))
    return server.sessions.length === 2
  })
  stream?.sendMessage(Buffer.from('two'), true)
  await events.until('the end', () => events.status !== null)
  assert.deepEqual([events.messages.map(String), events.status], [['one', 'two'], 0])
  await until('the old connection to be closed', () => thread.clusters.getThreadLocalCluster('svc')?.info.stats.upstreamCxActive.value === 1)
})

it('retries by policy until a server is there', async () => {
  let calls = 0
  const flaky = await GrpcTestServer.start({
    '/t.S/Flaky': (stream) => {
      stream.resume()
      if (++calls < 3) stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' }, { endStream: true })
      else {
        begin(stream)
        stream.write(frame(Buffer.from('third')))
        finish(stream)
      }
    },
  })
  thread.addCluster('flaky', flaky.port)
  const policy = { retry_on: 'unavailable', num_retries: 3, retry_back_off: { base_interval: '0.01s', max_interval: '1s' } }
  const end = await unary(thread.client({ envoy_grpc: { cluster_name: 'flaky' }, retry_policy: policy }), 't.S/Flaky', Buffer.from('x'))
  assert.deepEqual([end.response?.toString(), calls], ['third', 3])
  thread.asyncClients.closeAll()
  await flaky.stop()
})

it('google_grpc: a channel of its own by name, counted under its prefix', async () => {
  const google = thread.client({ google_grpc: { target_uri: `dns:///localhost:${server.port}`, stat_prefix: 'g' }, initial_metadata: [{ key: 'x-m', value: 'v' }] })
  await until('the name to be resolved', async () => (await unary(google, 't.S/Echo', Buffer.from('x'))).status === 0)
  const end = await unary(google, 't.S/Echo', Buffer.from('hello'))
  assert.equal(end.response?.toString(), 'hello')
  const late = await unary(google, 't.S/Never', Buffer.from('x'), { timeout: 50 })
  assert.deepEqual([late.status, late.message.startsWith('Deadline Exceeded')], [4, true])
  assert.deepEqual([thread.stat('grpc.g.google_grpc_client_creation'), thread.stat('grpc.g.streams_closed_4')], [1, 1])
  assert.ok(thread.stat('grpc.g.streams_total') >= 3 && thread.stat('grpc.g.streams_closed_0') >= 2)
})

it('a cluster that is removed takes its streams with it', async () => {
  const events = new StreamEvents()
  const stream = client.start('t.S', 'Talk', events)
  stream?.sendMessage(Buffer.from('one'), false)
  await events.until('the first message', () => events.messages.length === 1)
  thread.clusters.removeCluster('svc', thread.context)
  assert.equal(events.status, 13)
  assert.deepEqual(await unary(client, 't.S/Echo', Buffer.from('x')), { status: 14, message: 'Cluster not available', response: null })
  assert.equal(thread.asyncClients.activeStreams, 0)
})
