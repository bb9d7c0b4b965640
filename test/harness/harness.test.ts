// The harness is what every integration test believes: so it is tested itself, against sockets and against Envoy where there is one.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { answer, findProxy, freePort, freePorts, leakCheck, ProxyProcess, RawClient, response, ScriptedOrigin, splitRequests, splitResponses, withCleanup } from './index.ts'

const check = leakCheck()
after(check)

describe('http1 messages', () => {
  it('splits pipelined responses by length, chunks, HEAD and 1xx', () => {
    const bytes = response({ body: 'one' }) + response({ status: 100, reason: 'Continue' }) + response({ chunks: ['ab', 'c'], trailers: ['t: 1'] }) + 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n' + response({ status: 204 }) + 'rest'
    const split = splitResponses(Buffer.from(bytes), ['GET', 'GET', 'HEAD', 'GET'])
    assert.deepEqual(split.messages.map((message) => message.body), ['one', '', 'abc', '', ''])
    assert.deepEqual(split.messages.map((message) => message.complete), [true, true, true, true, true])
    assert.deepEqual(split.messages[2]?.trailers, ['t: 1'])
    assert.equal(split.rest, 'rest')
  })

  it('says when a message is cut off', () => {
    assert.equal(splitResponses(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel')).messages[0]?.complete, false)
    assert.equal(splitResponses(Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab')).messages[0]?.complete, false)
    assert.equal(splitResponses(Buffer.from('HTTP/1.1 200 OK\r\n\r\nabc')).messages[0]?.untilClose, true)
    assert.equal(splitRequests(Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')).messages[0]?.complete, true)
    assert.deepEqual(splitRequests(Buffer.from('GET / HTTP')).messages, [])
  })
})

describe('client and origin', () => {
  it('exchange exact bytes and record them', () =>
    withCleanup(async (defer) => {
      const origin = await ScriptedOrigin.start({ replies: [answer({ body: 'first' }), { steps: [{ send: 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab' }, { pauseMs: 5 }, { end: 'rst' }] }] })
      defer(() => origin.stop())
      const client = await RawClient.connect({ port: origin.port })
      defer(() => client.close())
      client.send('POST /a HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\n')
      client.send('hi')
      assert.equal((await client.readResponses(1))[0]?.body, 'first')
      client.send('GET /b HTTP/1.1\r\n\r\n')
      assert.equal(await client.readUntilClose(), 'reset')
      assert.equal(client.received.toString(), `${response({ body: 'first' })}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab`)
      assert.deepEqual(origin.requests().map((request) => request.head), ['POST /a HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\n', 'GET /b HTTP/1.1\r\n\r\n'])
    }))

  it('answers at the head, echoes, and greets on connect', () =>
    withCleanup(async (defer) => {
      const origin = await ScriptedOrigin.start({ onConnect: [{ send: 'hello ' }], replies: [{ at: 'head', steps: [{ send: 'early ' }, { waitForRequest: true }, { send: 'late ' }, { echo: true }] }] })
      defer(() => origin.stop())
      const client = await RawClient.connect({ port: origin.port })
      defer(() => client.close())
      client.send('POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\n')
      assert.ok(await client.readUntil('hello early '))
      client.send('x')
      assert.ok(await client.readUntil('late '))
      client.send('again')
      assert.ok(await client.readUntil('late again'))
    }))

  it('respects a peer that does not read', () =>
    withCleanup(async (defer) => {
      const total = 64 * 1_048_576
      const origin = await ScriptedOrigin.start({ onConnect: [{ fill: total }, { end: 'fin' }], plainTcp: true })
      defer(() => origin.stop())
      const client = await RawClient.connect({ port: origin.port })
      defer(() => client.close())
      client.keepBytes = false
      assert.ok(await client.readBytes(total, 20_000))
      assert.equal(await client.readUntilClose(), 'fin')
    }))
})

const envoy = findProxy('envoy')
describe('proxy process', { skip: envoy.path === null ? `no Envoy here: ${envoy.reason}` : false }, () => {
  it('starts Envoy, asks its admin interface and stops it', async () => {
    const [adminPort = 0] = await freePorts(1)
    const config = `admin: { address: { socket_address: { address: 127.0.0.1, port_value: ${adminPort} } } }`
    const proxy = await ProxyProcess.start({ kind: 'envoy', config, adminPort })
    assert.equal((await proxy.admin('/ready')).body, 'LIVE\n')
    assert.ok(proxy.rssBytes() > 10_000_000)
    await proxy.stop()
    assert.equal(proxy.exited?.code, 0)
  })

  it('explains a configuration that is refused', async () => {
    const starting = ProxyProcess.start({ kind: 'envoy', config: 'no_such_field: 1', adminPort: 1 })
    await assert.rejects(starting, /did not start.*exited with 1[\s\S]*no_such_field/)
  })
})

describe('free ports', () => {
  it('are not handed out by two processes at the same time, and forgotten when one ends', async () => {
    const claims = path.join(os.tmpdir(), 'nuncio-test-ports')
    const port = await freePort()
    assert.equal(readFileSync(path.join(claims, String(port)), 'utf8'), String(process.pid))
    const script = `import { freePort } from ${JSON.stringify(new URL('ports.ts', import.meta.url).href)}; console.log(await freePort())`
    const other = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stdout.trim()
    assert.match(other, /^\d+$/)
    assert.throws(() => readFileSync(path.join(claims, other)))
  })
})
