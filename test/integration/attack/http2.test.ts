// Hostile and unlucky HTTP/2, gRPC and tunnels, in both directions. Afterwards every gauge is zero and no descriptor is left.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { answer, leakCheck, sleep, until } from '../../harness/index.ts'
import type { Http2Action, Http2Client, OriginScript } from '../../harness/index.ts'
import { Arena, BACK_ENDS } from './arena.ts'
import { runHttp2Load } from './http2-load.ts'
import { OriginProcess } from './killable-origin.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-attack-'))
after(() => rmSync(folder, { recursive: true, force: true }))
after(leakCheck())

const NEVER: OriginScript = { replies: [] }
const STREAMS = 1_000
const MAY_GROW = 64 * 1_048_576

/** How an origin dies under its gRPC streams. */
const DEATHS: Readonly<Record<string, readonly Http2Action[]>> = {
  'FIN before the answer': [{ socket: 'fin' }],
  'RST before the answer': [{ socket: 'rst' }],
  'FIN within the answer': [{ headers: [':status: 200', 'content-type: application/grpc'] }, { grpc: ['one'] }, { pauseMs: 20 }, { socket: 'fin' }],
  'RST within the answer': [{ headers: [':status: 200', 'content-type: application/grpc'] }, { grpc: ['one'] }, { pauseMs: 20 }, { socket: 'rst' }],
  'GOAWAY that leaves them out': [{ goaway: 'NO_ERROR', last: 0 }],
  'GOAWAY of an error': [{ goaway: 'INTERNAL_ERROR', last: 0 }, { pauseMs: 20 }, { socket: 'fin' }],
  'a broken frame': [{ headers: [':status: 200', 'content-type: application/grpc'] }, { frame: { type: 'WINDOW_UPDATE', hex: '00000000' } }],
}

for (const backEnd of BACK_ENDS) {
  describe(`HTTP/2 (${backEnd})`, () => {
    let arena: Arena
    let first: OriginProcess
    let second: OriginProcess
    before(async () => {
      ;[first, second] = await Promise.all([OriginProcess.start(0, 'h2'), OriginProcess.start(0, 'h2')])
      arena = await Arena.start(backEnd, folder, [first.port, second.port])
    })
    after(async () => {
      await Promise.all([first.kill(), second.kill()])
      await arena.stop()
    })

    /** Runs an attack with an origin of that script, then looks for what it left, and asks a good request. */
    function attack(name: string, script: OriginScript, run: () => Promise<void>): void {
      it(name, async () => {
        // Without pooled connections, whose requests the origin would not count.
        await arena.calm()
        arena.origin.use(script)
        await run()
        await arena.origin.endConnections()
        arena.origin.use({ replies: [answer()] })
        assert.equal(await arena.ask('/after'), 'HTTP/1.1 200 OK')
        assert.equal(await arena.ask('/h2/after'), 'HTTP/1.1 200 OK')
        await arena.calm()
      })
    }

    for (const target of ['/patient/', '/h2/patient/']) {
      for (const leave of ['close', 'resetConnection'] as const) {
        attack(`${STREAMS} streams to ${target} and a client that vanishes (${leave})`, NEVER, async () => {
          const before = arena.proxy.rssBytes()
          const client = await arena.connectHttp2()
          for (let count = 1; count <= STREAMS; count++) {
            // Whole, so that no timeout of requests that are on their way ends them first.
            await client.run({ request: { method: 'POST', path: `${target}${count}`, body: 'some' } })
            if (count % 100 === 0) await until('the streams at the origin', () => atOrigin() >= count || undefined, { timeoutMs: 20_000, everyMs: 50 })
          }
          await client[leave]()
          await arena.calm()
          assert.ok(arena.proxy.rssBytes() - before < MAY_GROW, `resident memory grew by ${arena.proxy.rssBytes() - before} bytes`)
        })
      }
    }

    for (const [name, steps] of Object.entries(DEATHS)) {
      attack(`gRPC streams whose origin dies: ${name}`, { replies: [{ at: 'head', steps: [], h2: steps }] }, async () => {
        const clients = await Promise.all([arena.connectHttp2(), arena.connectHttp2()])
        for (const client of clients) {
          for (let count = 0; count < 20; count++) await client.run({ request: { path: '/h2/svc/Call', grpc: ['hello'], end: count % 2 === 0 } })
          await client.run({ wait: 'done', timeoutMs: 6_000 })
          assert.deepEqual(endsOf(client).filter((end) => !/^(grpc-status 14|reset 2)$/.test(end)), [])
          await client.close()
        }
      })
    }

    attack('a WebSocket over HTTP/1 whose origin falls silent, half-closes, and goes', { replies: [{ at: 'head', steps: [{ send: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n' }, { pauseMs: 50 }, { end: 'fin' }] }] }, async () => {
      const client = await arena.connect()
      client.send('GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nframes')
      assert.ok(await client.readUntil('\r\n\r\n'))
      await client.readUntilClose(2_000)
      await client.close()
    })

    for (const target of ['/ws', '/h2/ws']) {
      for (const leave of ['fin', 'rst', 'RST_STREAM', 'END_STREAM', 'silence'] as const) {
        attack(`a tunnel of extended CONNECT to ${target} that its client leaves half open (${leave})`, tunnelOrigin(), async () => {
          const client = await arena.connectHttp2()
          await client.run({ request: { fields: [':method: CONNECT', ':protocol: websocket', ':scheme: http', ':authority: a', `:path: ${target}`], end: false } }, { wait: 'headers' })
          assert.equal(client.peer.streams.get(1)?.field(':status'), '200', client.lines().join(''))
          await client.run({ data: 'frames' })
          await until('the bytes at the origin', () => originSaw('frames'))
          if (leave === 'fin') client.halfClose()
          else if (leave === 'rst') await client.resetConnection()
          else if (leave === 'RST_STREAM') await client.run({ rst: 'CANCEL' })
          else if (leave === 'END_STREAM') await client.run({ data: '', end: true })
          await arena.calm()
          await client.close()
        })
      }
    }

    for (const leave of ['fin', 'rst', 'silence'] as const) {
      attack(`CONNECT that ends here, and a client that leaves half open (${leave})`, { plainTcp: true, onConnect: [{ send: 'banner' }] }, async () => {
        const client = await arena.connect()
        client.send('CONNECT tunnel:1 HTTP/1.1\r\nhost: tunnel:1\r\n\r\nhello')
        assert.ok(await client.readUntil('banner'), client.received.toString('latin1'))
        if (leave === 'fin') client.halfClose()
        else if (leave === 'rst') await client.reset()
        await arena.calm()
        await client.close()
      })
    }

    it('an HTTP/2 origin that is killed under load, and comes back', async () => {
      let over = false
      const load = runHttp2Load({ port: arena.http, path: '/h2/pair', connections: 8, streams: 20, requests: 1_000_000, stop: () => over })
      await sleep(300)
      await first.kill()
      await sleep(500)
      first = await OriginProcess.start(first.port, 'h2')
      over = true
      const result = await load
      assert.deepEqual([result.cut, result.refused], [0, 0])
      assert.deepEqual([...result.byEnd.keys()].filter((end) => !/^(200|503|reset 2)$/.test(end)), [])
      assert.ok((result.byEnd.get('200') ?? 0) > 100)
      await arena.calm()
      const afterwards = await runHttp2Load({ port: arena.http, path: '/h2/pair', connections: 4, streams: 10, requests: 100 })
      assert.deepEqual([...afterwards.byEnd], [['200', 400]], 'the origin is back')
      await arena.calm()
    })

    function atOrigin(): number {
      return arena.origin.connections.reduce((sum, one) => sum + (one.peer?.streams.size ?? (one.receivedBytes > 0 ? 1 : 0)), 0)
    }

    function originSaw(text: string): true | undefined {
      const saw = arena.origin.connections.some((one) => one.received.includes(text) || [...(one.peer?.streams.values() ?? [])].some((stream) => stream.data.includes(text)))
      return saw ? true : undefined
    }
  })
}

/** Takes a WebSocket in both protocols and says nothing more. */
function tunnelOrigin(): OriginScript {
  return {
    replies: [{ at: 'head', steps: [{ send: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n' }], h2: [{ headers: [':status: 200'] }] }],
    http2: { settings: { ENABLE_CONNECT_PROTOCOL: 1 } },
  }
}

/** How each stream of a client ended. */
function endsOf(client: Http2Client): string[] {
  return [...client.peer.streams.values()].map((stream) => {
    const status = stream.blocks.flat().find(([name]) => name === 'grpc-status')?.[1]
    // What ends an answer before the request is complete is followed by RST_STREAM with NO_ERROR.
    if (status !== undefined) return `grpc-status ${status}`
    return stream.reset === null ? 'open' : `reset ${stream.reset}`
  })
}
