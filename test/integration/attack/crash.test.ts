// A worker that crashes with requests on their way: what it held is counted no longer.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { ProcessLoggers } from '../../../src/server/logger.ts'
import { DEFAULT_OPTIONS } from '../../../src/server/options.ts'
import { Server } from '../../../src/server/server.ts'
import { adminRequest, answer, leakCheck, RawClient, ScriptedOrigin, until, withCleanup } from '../../harness/index.ts'
import { edgeConfig } from '../process/configs.ts'

after(leakCheck())

const GET = 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n'
const CLIENTS = 24

describe('a worker that crashes under load', () => {
  it('gives back its share of host counts, circuit breakers and connection limits', () =>
    withCleanup(async (defer) => {
      const origin = await ScriptedOrigin.start({ replies: [] })
      defer(() => origin.stop())
      const loggers = ProcessLoggers.create({ level: 6, format: '%v' })
      defer(() => loggers.dispose())
      const text = edgeConfig({ adminPort: 1, port: 2, originPort: origin.port }).replace(
        'connect_timeout: 1s',
        `connect_timeout: 1s\n      circuit_breakers: { thresholds: [{ max_requests: ${CLIENTS}, track_remaining: true }] }`,
      )
      const config = { text, format: 'yaml' } as const
      const server = await Server.start({ options: { ...DEFAULT_OPTIONS, concurrency: 2 }, loggers, inline: false, ephemeralPorts: true, config })
      defer(() => server.stop())
      const port = server.pool.listening.get('edge')?.[0]?.port ?? 0
      const count = (name: string): number => server.stats.merger.find(name)?.value ?? 0
      const remaining = (): number => count('cluster.origin.circuit_breakers.default.remaining_rq')
      const rqOpen = (): number => count('cluster.origin.circuit_breakers.default.rq_open')
      const hostRequests = async (): Promise<number> => Number(/::rq_active::(-?\d+)\n/.exec((await adminRequest(server.admin?.server?.address.port ?? 0, '/clusters')).body)?.[1])
      const openConnections = (): number => {
        server.refreshStats()
        return count('server.total_connections')
      }
      // The kernel spreads connections over the workers as it likes.
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.connect({ port })))
      for (const client of clients) {
        defer(() => client.close())
        client.send(GET)
      }
      await until('all requests at the origin', () => count('cluster.origin.upstream_rq_active') === CLIENTS)
      // A worker shows the breaker a moment after it has counted the request.
      await until('the breaker to be shown', () => rqOpen() === 1 && remaining() === 0)
      assert.equal(openConnections(), CLIENTS)
      assert.equal(await hostRequests(), CLIENTS)

      // A message that no main thread sends: the worker's handler throws, which is what a bug of ours does.
      server.pool.sendTo(0, JSON.parse('{"type":"listen","listeners":null}'))
      await until('the crash', () => count('server.worker_crashes') === 1)
      await until('the ends at the clients', () => clients.some((client) => client.ended !== 'open'))
      const alive = (): number => clients.filter((client) => client.ended === 'open').length
      assert.ok(alive() < CLIENTS, 'the worker had no connection')
      await until('true counts', () => count('cluster.origin.upstream_rq_active') === alive() && remaining() === CLIENTS - alive())
      await until('the breaker to be closed', () => rqOpen() === 0)
      assert.equal(openConnections(), alive())
      assert.equal(await hostRequests(), alive())

      for (const client of clients) await client.close()
      await until('nothing active', () => count('cluster.origin.upstream_rq_active') === 0 && openConnections() === 0)
      assert.equal(remaining(), CLIENTS)
      assert.equal(rqOpen(), 0)
      await origin.endConnections()
      origin.use({ replies: [answer()] })
      await until('the replacement', () => count('listener_manager.workers_started') === 1)
      for (let i = 0; i < 10; i++) {
        const client = await RawClient.connect({ port })
        client.send(GET)
        assert.equal((await client.readResponses(1))[0]?.startLine, 'HTTP/1.1 200 OK')
        await client.close()
      }
      assert.equal(remaining(), CLIENTS)
    }))
})
