// A process from start to end: admin, signals, logs, graceful end under load.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { answer, freePorts, leakCheck, ProxyProcess, RawClient, ScriptedOrigin, sleep, until, withCleanup } from '../../harness/index.ts'
import type { ProxyOptions } from '../../harness/index.ts'
import { adminConfig, edgeConfig } from './configs.ts'

after(leakCheck())

type Defer = (undo: () => unknown) => void

async function start(defer: Defer, config: (adminPort: number) => string, args: readonly string[] = []): Promise<ProxyProcess> {
  const [adminPort = 0] = await freePorts(1)
  const options: ProxyOptions = { kind: 'nuncio', adminPort, config: config(adminPort), args, timeoutMs: 30_000 }
  const proxy = await ProxyProcess.start(options)
  defer(() => proxy.stop())
  return proxy
}

async function startEdge(defer: Defer, more: { accessLog?: string; args?: readonly string[] } = {}): Promise<{ proxy: ProxyProcess; port: number; origin: ScriptedOrigin }> {
  const origin = await ScriptedOrigin.start({ replies: [answer({ body: 'hello' })] })
  defer(() => origin.stop())
  const [port = 0] = await freePorts(1)
  const log = more.accessLog === undefined ? {} : { accessLog: more.accessLog }
  const proxy = await start(defer, (adminPort) => edgeConfig({ adminPort, port, originPort: origin.port, ...log }), more.args)
  return { proxy, port, origin }
}

const GET = 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n'

describe('a process', () => {
  it('proxies a request and counts it', () =>
    withCleanup(async (defer) => {
      const { proxy, port, origin } = await startEdge(defer)
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send(GET)
      const [response] = await client.readResponses(1)
      assert.equal(response?.startLine, 'HTTP/1.1 200 OK')
      assert.equal(response?.body, 'hello')
      assert.equal(origin.requests()[0]?.startLine, 'GET /x HTTP/1.1')
      const stats = (await proxy.admin('/stats')).body
      assert.match(stats, /^http\.edge\.downstream_rq_2xx: 1$/m)
      assert.match(stats, /^cluster\.origin\.upstream_rq_200: 1$/m)
      assert.match((await proxy.admin('/clusters')).body, new RegExp(`^origin::127\\.0\\.0\\.1:${origin.port}::rq_total::1$`, 'm'))
    }))

  it('exits with 0 on SIGTERM, SIGINT and /quitquitquit when nothing is in flight', () =>
    withCleanup(async (defer) => {
      for (const end of ['SIGTERM', 'SIGINT', 'quit'] as const) {
        const proxy = await start(defer, adminConfig)
        if (end === 'quit') assert.equal((await proxy.admin('/quitquitquit', 'POST')).body, 'OK\n')
        else proxy.signal(end)
        assert.equal(await proxy.waitForExit(), 0, end)
      }
    }))

  it('survives SIGHUP, with a warning', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer, adminConfig)
      proxy.signal('SIGHUP')
      await until('the warning', () => proxy.stderr().includes('SIGHUP') || null)
      assert.equal((await proxy.admin('/ready')).body, 'LIVE\n')
    }))

  it('writes the admin address where asked', () =>
    withCleanup(async (defer) => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-admin-'))
      defer(() => rmSync(folder, { recursive: true }))
      const file = path.join(folder, 'address')
      const proxy = await start(defer, adminConfig, ['--admin-address-path', file])
      assert.equal(readFileSync(file, 'utf8'), `127.0.0.1:${proxy.adminPort}`)
    }))

  it('opens access logs and its own log anew on SIGUSR1', () =>
    withCleanup(async (defer) => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-logs-'))
      defer(() => rmSync(folder, { recursive: true }))
      const [access, log] = [path.join(folder, 'access'), path.join(folder, 'log')]
      const { proxy, port } = await startEdge(defer, { accessLog: access, args: ['--log-path', log, '--file-flush-interval-msec', '20'] })
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send(GET)
      await client.readResponses(1)
      await until('the first line', () => (existsSync(access) && readFileSync(access, 'utf8') === '/x 200\n') || null)
      renameSync(access, `${access}.1`)
      renameSync(log, `${log}.1`)
      proxy.signal('SIGUSR1')
      await until('new files', () => (existsSync(access) && existsSync(log)) || null)
      client.send(GET)
      await client.readResponses(2)
      await until('the second line', () => readFileSync(access, 'utf8') === '/x 200\n' || null)
      assert.equal(readFileSync(`${access}.1`, 'utf8'), '/x 200\n')
    }))
})

describe('a graceful end', () => {
  it('lets the request in flight finish with connection: close, refuses new connections, then exits', () =>
    withCleanup(async (defer) => {
      const { proxy, port, origin } = await startEdge(defer)
      origin.use({ replies: [{ at: 'head', steps: [{ pauseMs: 400 }, { send: 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone' }] }] })
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send(GET)
      await until('the request at the origin', () => origin.requests().length > 0 || null)
      proxy.signal('SIGTERM')
      await until('DRAINING', async () => {
        const ready = await proxy.admin('/ready')
        return ready.body === 'DRAINING\n' && ready.status === 503 ? true : null
      })
      // The worker hears of it a moment later than main says it.
      await until('new connections refused', async () => {
        const late = await RawClient.connect({ port }).catch(() => null)
        await late?.close()
        return late === null || null
      })
      const [response] = await client.readResponses(1)
      assert.equal(response?.body, 'done')
      assert.ok(response?.headers.some((line) => line[0].toLowerCase() === 'connection' && line[1] === 'close'), String(response?.headers))
      assert.equal(await client.readUntilClose(), 'fin')
      assert.equal(await proxy.waitForExit(), 0)
    }))

  it('closes idle connections soon', () =>
    withCleanup(async (defer) => {
      const { proxy, port } = await startEdge(defer)
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send(GET)
      await client.readResponses(1)
      const begin = performance.now()
      proxy.signal('SIGTERM')
      assert.equal(await client.readUntilClose(), 'fin')
      assert.equal(await proxy.waitForExit(), 0)
      assert.ok(performance.now() - begin < 5_000)
    }))

  it('ends at the latest after the grace period, and at once at a second signal', () =>
    withCleanup(async (defer) => {
      for (const second of [false, true]) {
        const { proxy, port, origin } = await startEdge(defer, { args: ['--shutdown-grace-s', second ? '60' : '1'] })
        origin.use({ replies: [] })
        const client = await RawClient.connect({ port })
        defer(() => client.close())
        client.send(GET)
        await until('the request at the origin', () => origin.requests().length > 0 || null)
        const begin = performance.now()
        proxy.signal('SIGTERM')
        if (second) {
          await until('draining', () => proxy.stderr().includes('SIGTERM') || null)
          proxy.signal('SIGTERM')
        }
        assert.equal(await proxy.waitForExit(20_000), 0)
        const took = performance.now() - begin
        if (!second) assert.ok(took >= 900, `${took} ms`)
      }
    }))

  it('stops at once with --shutdown-grace-s 0', () =>
    withCleanup(async (defer) => {
      const { proxy, port, origin } = await startEdge(defer, { args: ['--shutdown-grace-s', '0'] })
      origin.use({ replies: [] })
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send(GET)
      await until('the request at the origin', () => origin.requests().length > 0 || null)
      proxy.signal('SIGTERM')
      assert.equal(await proxy.waitForExit(), 0)
      assert.notEqual(await client.readUntilClose(), 'open')
    }))

  // incidents.md section 4: rolling restart resets.
  it('loses no request of keep-alive clients in a rolling restart', () =>
    withCleanup(async (defer) => {
      const { proxy: old, port, origin } = await startEdge(defer)
      const failures: string[] = []
      let answered = 0
      let running = true
      const clients = Array.from({ length: 8 }, async () => {
        let client: RawClient | null = null
        let sent = 0
        while (running) {
          client ??= await RawClient.connect({ port })
          client.send(GET)
          sent++
          const responses = await client.readResponses(sent)
          const response = responses[sent - 1]
          if (response?.body !== 'hello') {
            failures.push(`${response?.startLine ?? 'no answer'} after ${sent - 1} on this connection`)
            await client.close()
            client = null
            sent = 0
            continue
          }
          answered++
          if (response.headers.some((line) => line[0].toLowerCase() === 'connection' && line[1] === 'close')) {
            await client.close()
            client = null
            sent = 0
          }
        }
        await client?.close()
      })
      await sleep(200)
      const [adminPort = 0] = await freePorts(1)
      const fresh = await ProxyProcess.start({ kind: 'nuncio', adminPort, config: edgeConfig({ adminPort, port, originPort: origin.port }), timeoutMs: 30_000 })
      defer(() => fresh.stop())
      await sleep(200)
      old.signal('SIGTERM')
      assert.equal(await old.waitForExit(20_000), 0)
      const before = answered
      await sleep(300)
      running = false
      await Promise.all(clients)
      assert.deepEqual(failures, [])
      assert.ok(answered > before, 'the new process answers')
    }))
})

describe('an origin that dies under load', () => {
  it('costs errors only while it is gone', () =>
    withCleanup(async (defer) => {
      const { proxy, port, origin } = await startEdge(defer)
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send(GET)
      await client.readResponses(1)
      await origin.endConnections()
      const originPort = origin.port
      await origin.stop()
      client.send(GET)
      const second = (await client.readResponses(2))[1]
      assert.equal(second?.startLine, 'HTTP/1.1 503 Service Unavailable')
      const again = await ScriptedOrigin.start({ replies: [answer({ body: 'back' })] }, originPort)
      defer(() => again.stop())
      client.send(GET)
      const third = (await client.readResponses(3))[2]
      assert.equal(third?.body, 'back')
      assert.match((await proxy.admin('/stats?filter=upstream_cx_connect_fail')).body, /upstream_cx_connect_fail: 1/)
    }))
})
