// Hostile and broken clients. After each of them the proxy holds nothing more than before, and serves the next.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { answer, leakCheck, sleep, until } from '../../harness/index.ts'
import { Arena, BACK_ENDS, CONNECTION_IDLE_TIMEOUT, REQUEST_HEADERS_TIMEOUT, REQUEST_TIMEOUT, STREAM_IDLE_TIMEOUT } from './arena.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-attack-'))
after(() => rmSync(folder, { recursive: true, force: true }))
after(leakCheck())

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const NEVER = { replies: [] }

/** Bytes that are no request: each must be answered 4xx or not at all, and the connection must end. */
const GARBAGE: Readonly<Record<string, string | Buffer>> = {
  'TLS hello': Buffer.from('16030100c8010000c40303aabbccdd', 'hex'),
  'HTTP/2 preface with an end of its own': 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
  'zero bytes': Buffer.alloc(300),
  'all byte values': Buffer.from(Array.from({ length: 1_024 }, (_, i) => (i * 31) & 0xff)),
  'no method': ' / HTTP/1.1\r\n\r\n',
  'version 9.9': 'GET / HTTP/9.9\r\nhost: a\r\n\r\n',
  'NUL in a value': 'GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n',
  'space before the colon': 'GET / HTTP/1.1\r\nhost : a\r\n\r\n',
  'folded header': 'GET / HTTP/1.1\r\nhost: a\r\n b\r\n\r\n',
  'negative length': 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n',
  'two lengths': 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx',
  'length beside chunked': 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'chunk size too large': 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n',
  'chunk size no number': 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n',
  'endless request line': `GET /${'a'.repeat(200_000)}`,
  'endless header': `GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(200_000)}`,
  'too many headers': `GET / HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(5_000)}\r\n`,
}

for (const backEnd of BACK_ENDS) {
  describe(`clients (${backEnd})`, () => {
    let arena: Arena
    before(async () => (arena = await Arena.start(backEnd, folder)))
    after(() => arena.stop())

    /** Runs an attack, then looks for what it left, and asks a good request. */
    function attack(name: string, run: () => Promise<void>): void {
      it(name, async () => {
        arena.origin.use({ replies: [answer()] })
        await run()
        await arena.origin.endConnections()
        arena.origin.use({ replies: [answer()] })
        assert.equal(await arena.ask('/after'), 'HTTP/1.1 200 OK')
        await arena.calm()
      })
    }

    async function originSeesTheEnd(timeoutMs = STREAM_IDLE_TIMEOUT - 100): Promise<void> {
      await until('the origin to see the end', () => (arena.origin.connections[0]?.ended ?? 'open') !== 'open', { timeoutMs })
    }

    attack('garbage', async () => {
      await Promise.all(
        Object.entries(GARBAGE).map(async ([name, bytes]) => {
          const client = await arena.connect()
          client.send(bytes)
          assert.notEqual(await client.readUntilClose(), 'open', `${name}: the connection stays`)
          assert.match(client.received.toString('latin1'), /^(HTTP\/1\.[01] 4\d\d |$)/, name)
          await client.close()
        }),
      )
    })

    attack('headers one byte at a time', async () => {
      const client = await arena.connect()
      const started = performance.now()
      for (const byte of GET.slice(0, -2)) {
        if (client.ended !== 'open') break
        client.send(byte)
        await sleep(25)
      }
      await client.readUntilClose()
      assert.match(client.received.toString('latin1'), /^HTTP\/1\.1 408 /)
      assert.ok(performance.now() - started >= REQUEST_HEADERS_TIMEOUT)
      await client.close()
    })

    attack('a body one byte at a time', async () => {
      const client = await arena.connect()
      client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n')
      const started = performance.now()
      while (client.receivedBytes === 0 && performance.now() - started < 3_000) {
        client.send('x')
        await sleep(50)
      }
      assert.match(client.received.toString('latin1'), /^HTTP\/1\.1 408 /)
      assert.ok(performance.now() - started >= REQUEST_TIMEOUT - 50)
      await client.readUntilClose()
      await client.close()
    })

    attack('silence: before, between and within requests', async () => {
      const [fresh, between, within] = await Promise.all([arena.connect(), arena.connect(), arena.connect()])
      between.send(GET)
      await between.readResponses(1)
      within.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc')
      const started = performance.now()
      await within.readUntilClose()
      assert.match(within.received.toString('latin1'), /^HTTP\/1\.1 408 /)
      assert.ok(performance.now() - started >= STREAM_IDLE_TIMEOUT - 50)
      assert.notEqual(await fresh.readUntilClose(), 'open')
      assert.notEqual(await between.readUntilClose(), 'open')
      assert.ok(performance.now() - started >= CONNECTION_IDLE_TIMEOUT - 50)
      await Promise.all([fresh.close(), between.close(), within.close()])
    })

    attack('a client that never reads', async () => {
      arena.origin.use({ replies: [{ steps: [{ send: 'HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n' }, { fill: 50_000_000 }] }] })
      const client = await arena.connect()
      client.pause()
      client.send(GET)
      await arena.calm()
      await client.close()
    })

    attack('a TCP client that never reads', async () => {
      arena.origin.use({ plainTcp: true, onConnect: [{ fill: 50_000_000 }] })
      const client = await arena.connectTcp()
      client.pause()
      await arena.calm()
      await client.close()
    })

    for (const how of ['close', 'reset'] as const) {
      attack(`a client that goes (${how}) while its request waits cancels it at the origin`, async () => {
        arena.origin.use(NEVER)
        const client = await arena.connect()
        client.send(GET)
        const connection = await until('the request at the origin', () => arena.origin.connections[0])
        await until('its bytes', () => connection.receivedBytes > 0)
        await client[how]()
        await originSeesTheEnd()
      })

      attack(`a client that goes (${how}) in the middle of its body`, async () => {
        arena.origin.use(NEVER)
        const client = await arena.connect()
        client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nsome')
        await until('the request at the origin', () => arena.origin.connections[0])
        await client[how]()
        await originSeesTheEnd()
      })

      attack(`a client that goes (${how}) in the middle of the answer`, async () => {
        arena.origin.use({ replies: [{ steps: [{ send: 'HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n' }, { fill: 50_000_000 }] }] })
        const client = await arena.connect()
        client.send(GET)
        await client.readBytes(100_000)
        await client[how]()
        await originSeesTheEnd()
      })

      attack(`a TCP client that goes (${how})`, async () => {
        arena.origin.use({ plainTcp: true, onConnect: [{ echo: true }] })
        const client = await arena.connectTcp()
        client.send('hello')
        await client.readUntil('hello')
        await client[how]()
        await originSeesTheEnd()
      })
    }

    attack('a client that goes while pipelined requests keep its reading paused', async () => {
      arena.origin.use(NEVER)
      const client = await arena.connect()
      client.send(GET.repeat(3))
      await until('the request at the origin', () => arena.origin.connections[0])
      await client.reset()
      // Nobody hears of it while reading is off: the stream's idle timer ends the wait.
      await originSeesTheEnd(STREAM_IDLE_TIMEOUT + 500)
    })

    attack('a flood of pipelined requests is answered in order', async () => {
      const client = await arena.connect()
      client.send(Array.from({ length: 200 }, (_, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''))
      const responses = await client.readResponses(200, 5_000)
      assert.equal(responses.length, 200)
      assert.deepEqual(
        arena.origin.requests().map((request) => request.startLine),
        Array.from({ length: 200 }, (_, i) => `GET /${i} HTTP/1.1`),
      )
      await client.close()
    })

    attack('a flood of pipelined requests whose sender goes', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const client = await arena.connect()
          client.send(GET.repeat(2_000))
          await client.readBytes(1_000)
          await client.reset()
        }),
      )
    })

    attack('chunks of one byte', async () => {
      const client = await arena.connect()
      client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
      client.send('1\r\nx\r\n'.repeat(20_000))
      for (const byte of '1\r\ny\r\n'.repeat(10)) {
        client.send(byte)
        await sleep(1)
      }
      client.send('0\r\n\r\n')
      const [response] = await client.readResponses(1)
      assert.equal(response?.startLine, 'HTTP/1.1 200 OK')
      assert.equal(arena.origin.requests()[0]?.body.length, 20_010)
      await client.close()
    })

    attack('a thousand connections opened and dropped', async () => {
      for (let round = 0; round < 5; round++) {
        const clients = await Promise.all(Array.from({ length: 200 }, () => arena.connect()))
        clients.forEach((client, i) => client.send(['', 'GET', GET.slice(0, -2), GET][i % 4] ?? ''))
        await Promise.all(clients.map((client, i) => (i % 3 === 0 ? client.reset() : client.close())))
      }
    })
  })
}
