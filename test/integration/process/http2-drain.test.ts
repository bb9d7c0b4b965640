// SIGTERM and HTTP/2 clients: told at once, served to the end, none left behind.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { answer, freePorts, Http2Client, leakCheck, ProxyProcess, ScriptedOrigin, until, withCleanup } from '../../harness/index.ts'
import { runHttp2Load } from '../attack/http2-load.ts'
import { edgeConfig } from './configs.ts'

after(leakCheck())

type Defer = (undo: () => unknown) => void

async function start(defer: Defer): Promise<{ proxy: ProxyProcess; port: number; origin: ScriptedOrigin }> {
  const slow = { at: 'head', steps: [{ pauseMs: 1_000 }, { send: 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate' }] } as const
  const origin = await ScriptedOrigin.start({ replies: [slow] })
  defer(() => origin.stop())
  const [port = 0, adminPort = 0] = await freePorts(2)
  const proxy = await ProxyProcess.start({ kind: 'nuncio', adminPort, config: edgeConfig({ adminPort, port, originPort: origin.port }), timeoutMs: 30_000 })
  defer(() => proxy.stop())
  return { proxy, port, origin }
}

async function connect(defer: Defer, port: number): Promise<Http2Client> {
  const client = await Http2Client.connect({ port })
  defer(() => client.close())
  return client
}

describe('SIGTERM with HTTP/2 clients', () => {
  it('an idle connection gets GOAWAY twice and ends; the process exits at once', () =>
    withCleanup(async (defer) => {
      const { proxy, port } = await start(defer)
      const client = await connect(defer, port)
      await client.run({ request: { path: '/direct' } }, { wait: 'done' })
      const began = Date.now()
      proxy.signal('SIGTERM')
      await client.run({ wait: 'close', timeoutMs: 5_000 })
      assert.equal(client.ended, 'fin')
      assert.deepEqual(client.lines().filter((line) => line.startsWith('GOAWAY')).map((line) => line.trim()), ['GOAWAY NO_ERROR last=2147483647', 'GOAWAY NO_ERROR last=1'])
      assert.equal(await proxy.waitForExit(), 0)
      assert.ok(Date.now() - began < 9_000, 'the grace time was not waited out')
    }))

  it('a request under way is answered, and one that crosses the first GOAWAY', () =>
    withCleanup(async (defer) => {
      const { proxy, port, origin } = await start(defer)
      const client = await connect(defer, port)
      await client.run({ request: { path: '/slow' } })
      await until('the request at the origin', () => origin.requests().length > 0 || null)
      proxy.signal('SIGTERM')
      await client.run({ wait: 'goaway', timeoutMs: 5_000 }, { request: { path: '/direct' } }, { wait: 'done', timeoutMs: 8_000 })
      assert.deepEqual([client.peer.streams.get(1)?.data, client.peer.streams.get(3)?.data], ['late', 'direct'])
      await client.run({ wait: 'close', timeoutMs: 5_000 })
      assert.equal(await proxy.waitForExit(), 0)
    }))

  for (const concurrency of [1, 2]) {
    it(`10,000 requests, and SIGTERM in the middle (${concurrency} workers): every one that was taken is answered`, () =>
      withCleanup(async (defer) => {
        const origin = await ScriptedOrigin.start({ replies: [answer({ body: 'hello' })] })
        defer(() => origin.stop())
        const [port = 0, adminPort = 0] = await freePorts(2)
        // 500 connects in the first turn of a cold process, perhaps on a busy machine: nothing here is about their time.
        const config = edgeConfig({ adminPort, port, originPort: origin.port }).replace('connect_timeout: 1s', 'connect_timeout: 20s')
        const args = ['--concurrency', String(concurrency), '--shutdown-grace-s', '15']
        const proxy = await ProxyProcess.start({ kind: 'nuncio', adminPort, config, args, timeoutMs: 30_000 })
        defer(() => proxy.stop())
        const onAnswer = (answers: number): void => void (answers === 3_000 && proxy.signal('SIGTERM'))
        const result = await runHttp2Load({ port, path: '/', connections: 20, streams: 25, requests: 500, onAnswer })
        assert.deepEqual([...result.byEnd.keys()], ['200'])
        assert.deepEqual([result.cut, result.refused], [0, 0])
        assert.equal(result.answers, result.sent)
        assert.ok(result.answers >= 3_000 && result.answers < 10_000, `${result.answers} answers`)
        assert.equal(await proxy.waitForExit(), 0)
      }))
  }
})
