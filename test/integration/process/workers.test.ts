// Workers: on threads, replaced when they crash; the library, with nothing left behind.
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import { startProxy, StartupError } from '../../../src/index.ts'
import { ProcessLoggers } from '../../../src/server/logger.ts'
import { DEFAULT_OPTIONS } from '../../../src/server/options.ts'
import { Server } from '../../../src/server/server.ts'
import { answer, leakCheck, RawClient, ScriptedOrigin, until, withCleanup } from '../../harness/index.ts'
import { edgeConfig } from './configs.ts'

after(leakCheck())

const GET = 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n'

async function origin(defer: (undo: () => unknown) => void): Promise<ScriptedOrigin> {
  const started = await ScriptedOrigin.start({ replies: [answer({ body: 'hello' })] })
  defer(() => started.stop())
  return started
}

async function get(port: number): Promise<string> {
  const client = await RawClient.connect({ port })
  client.send(GET)
  const [response] = await client.readResponses(1)
  await client.close()
  return response?.body ?? 'no answer'
}

/** Answers every request head at once and remembers nothing. */
async function plainOrigin(defer: (undo: () => unknown) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let tail = ''
    socket.on('data', (data) => {
      const heads = (tail + data.toString('latin1')).split('\r\n\r\n')
      tail = heads.pop() ?? ''
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'.repeat(heads.length))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** One connection, one request at a time; the harness's client keeps every byte, which is too slow for thousands. */
function askRepeatedly(port: number, times: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(GET))
    let left = times
    let tail = ''
    socket.on('data', (data) => {
      tail = (tail + data.toString('latin1')).slice(-64)
      if (!tail.endsWith('\r\n\r\nhello')) return
      tail = ''
      if (--left > 0) socket.write(GET)
      else socket.end()
    })
    socket.on('close', () => (left === 0 ? resolve() : reject(new Error(`closed with ${left} requests left`))))
    socket.on('error', reject)
  })
}

describe('workers', () => {
  it('share a port chosen by the system, and their numbers add up', () =>
    withCleanup(async (defer) => {
      const { port: originPort } = await origin(defer)
      const proxy = await startProxy({ config: edgeConfig({ adminPort: 1, port: 2, originPort }), inline: false, concurrency: 2 })
      defer(() => proxy.stop())
      const port = proxy.addresses['edge']?.[0]?.port ?? 0
      assert.ok(port > 0)
      for (let i = 0; i < 20; i++) assert.equal(await get(port), 'hello')
      await until('all requests counted', () => proxy.stats()['http.edge.downstream_rq_completed'] === 20 || null)
      assert.equal(proxy.stats()['server.concurrency'], 2)
      assert.match((await proxy.admin('/clusters')).body, /::rq_total::20\n/)
    }))

  it('are replaced when they crash, while the others serve', () =>
    withCleanup(async (defer) => {
      const { port: originPort } = await origin(defer)
      const loggers = ProcessLoggers.create({ level: 6, format: '%v' })
      defer(() => loggers.dispose())
      const config = { text: edgeConfig({ adminPort: 1, port: 2, originPort }), format: 'yaml' } as const
      const server = await Server.start({ options: { ...DEFAULT_OPTIONS, concurrency: 2 }, loggers, inline: false, ephemeralPorts: true, config })
      defer(() => server.stop())
      const port = server.pool.listening.get('edge')?.[0]?.port ?? 0
      for (let i = 0; i < 10; i++) assert.equal(await get(port), 'hello')
      const count = (name: string): number => server.stats.merger.find(name)?.value ?? 0
      await until('requests counted', () => count('http.edge.downstream_rq_completed') === 10 || null)
      // A message that no main thread sends: the worker's handler throws, which is what a bug of ours does.
      server.pool.sendTo(0, JSON.parse('{"type":"listen","listeners":null}'))
      await until('the crash', () => count('server.worker_crashes') === 1 || null)
      // What the dead worker had counted stays counted.
      assert.equal(count('http.edge.downstream_rq_completed'), 10)
      for (let i = 0; i < 10; i++) assert.equal(await get(port), 'hello')
      await until('the replacement', () => count('listener_manager.workers_started') === 1 || null)
      for (let i = 0; i < 20; i++) assert.equal(await get(port), 'hello')
      assert.equal(count('server.worker_crashes'), 1)
    }))
})

describe('the library', () => {
  it('takes an object, a text or a path, and gives addresses, statistics and admin pages', () =>
    withCleanup(async (defer) => {
      const { port: originPort } = await origin(defer)
      const proxy = await startProxy({ config: edgeConfig({ adminPort: 1, port: 2, originPort }) })
      defer(() => proxy.stop())
      assert.equal(await get(proxy.addresses['edge']?.[0]?.port ?? 0), 'hello')
      assert.equal(proxy.stats()['cluster.origin.upstream_rq_200'], 1)
      assert.equal((await proxy.admin('/ready')).body, 'LIVE\n')
      assert.equal((await proxy.admin('/healthcheck/fail')).status, 405)
      assert.equal((await proxy.admin('/healthcheck/fail', { method: 'POST' })).body, 'OK\n')
      assert.equal((await proxy.admin('/ready')).status, 503)
      assert.ok(proxy.adminAddress !== null && proxy.adminAddress.port > 1)
      const other = await startProxy({ config: { static_resources: {} } })
      assert.equal(other.adminAddress, null)
      await other.stop()
    }))

  it('rejects with every mistake', async () => {
    await assert.rejects(startProxy({ config: { static_resources: { clusters: [{ nam: 'x' }] } } }), (error: unknown) => {
      assert.ok(error instanceof StartupError)
      assert.match(error.message, /nam/)
      return true
    })
    await assert.rejects(startProxy({ config: '/nope/nothing.yaml' }), /nothing\.yaml/)
  })

  it('drains: the request in flight finishes, then all is closed', () =>
    withCleanup(async (defer) => {
      const slow = await ScriptedOrigin.start({ replies: [{ at: 'head', steps: [{ pauseMs: 150 }, { send: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' }] }] })
      defer(() => slow.stop())
      const proxy = await startProxy({ config: edgeConfig({ adminPort: 1, port: 2, originPort: slow.port }) })
      const client = await RawClient.connect({ port: proxy.addresses['edge']?.[0]?.port ?? 0 })
      defer(() => client.close())
      client.send(GET)
      await until('the request at the origin', () => slow.requests().length > 0 || null)
      await proxy.drain()
      assert.equal((await client.readResponses(1))[0]?.body, 'ok')
    }))

  it('serves 10,000 requests and leaves no socket, timer or stat behind', () =>
    withCleanup(async (defer) => {
      const originPort = await plainOrigin(defer)
      const config = { text: edgeConfig({ adminPort: 1, port: 2, originPort }), format: 'yaml' } as const
      const loggers = ProcessLoggers.create({ level: 6, format: '%v' })
      defer(() => loggers.dispose())
      const server = await Server.start({ options: DEFAULT_OPTIONS, loggers, inline: true, ephemeralPorts: true, config })
      defer(() => server.stop())
      const port = server.pool.listening.get('edge')?.[0]?.port ?? 0
      const idle = server.dispatcher.armedTimers
      const count = (name: string): number => server.stats.merger.find(name)?.value ?? -1
      await Promise.all(Array.from({ length: 20 }, () => askRepeatedly(port, 500)))
      await until('all connections gone', () => count('http.edge.downstream_cx_active') === 0 || null)
      assert.equal(count('http.edge.downstream_rq_completed'), 10_000)
      assert.equal(count('http.edge.downstream_rq_active'), 0)
      assert.equal(count('cluster.origin.upstream_rq_active'), 0)
      assert.equal(count('listener.127.0.0.1_2.downstream_cx_active'), 0)
      // What is left may be: upstream connections that are kept, each with one idle timer.
      const upstream = count('cluster.origin.upstream_cx_active')
      assert.ok(server.dispatcher.armedTimers - idle <= upstream + 2, `${server.dispatcher.armedTimers} timers, ${idle} before, ${upstream} upstream connections`)
    }))
})
