// Hostile and broken origins. The client gets an answer or an end in time, and the proxy holds nothing more than before.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { answer, leakCheck, until } from '../../harness/index.ts'
import type { OriginScript, OriginStep, RawClient } from '../../harness/index.ts'
import { Arena, BACK_ENDS } from './arena.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-attack-'))
after(() => rmSync(folder, { recursive: true, force: true }))
after(leakCheck())

/** More than a proxy may keep of one response. */
const MUCH = 40_000_000
/** net.Socket makes a buffer for every read, and its garbage is collected late: more than with handles, but no more for a longer body. */
const MAY_GROW = { handle: 48 * 1_048_576, net: 160 * 1_048_576 }

interface Attack {
  readonly name: string
  readonly script: OriginScript
  readonly request?: string
  /** What the client must get, from the first byte on. */
  readonly gets: RegExp
  /** Lines of the access log. */
  readonly logs: RegExp
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const QUICK = 'GET /quick HTTP/1.1\r\nhost: a\r\n\r\n'
const HEAD = 'HEAD / HTTP/1.1\r\nhost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\n'

function steps(...what: readonly OriginStep[]): OriginScript {
  return { replies: [{ steps: what }] }
}

function sends(bytes: string, end: 'fin' | 'rst' | null = null): OriginScript {
  return end === null ? steps({ send: bytes }) : steps({ send: bytes }, { end })
}

const ATTACKS: readonly Attack[] = [
  { name: 'never answers', script: { replies: [] }, request: QUICK, gets: /^HTTP\/1\.1 504 /, logs: /^504 UT$/ },
  { name: 'closes at once', script: steps({ end: 'fin' }), gets: /^HTTP\/1\.1 503 /, logs: /^503 UC$/ },
  { name: 'resets at once', script: steps({ end: 'rst' }), gets: /^HTTP\/1\.1 503 /, logs: /^503 UC$/ },
  { name: 'closes in the headers', script: sends(`${OK}content-le`, 'fin'), gets: /^HTTP\/1\.1 50[23] /, logs: /^50[23] U(C|PE)$/ },
  { name: 'closes in the body', script: sends(`${OK}content-length: 10\r\n\r\nabc`, 'fin'), gets: /^HTTP\/1\.1 200 [^]*abc$/, logs: /^200 U(C|PE)$/ },
  { name: 'resets in the body', script: steps({ send: `${OK}content-length: 10\r\n\r\nabc` }, { pauseMs: 50 }, { end: 'rst' }), gets: /^HTTP\/1\.1 200 [^]*abc$/, logs: /^200 UPE$/ },
  { name: 'closes in a chunk', script: sends(`${OK}transfer-encoding: chunked\r\n\r\n5\r\nab`, 'fin'), gets: /^HTTP\/1\.1 200 [^]*ab/, logs: /^200 U(C|PE)$/ },
  { name: 'stalls in the body', script: sends(`${OK}content-length: 10\r\n\r\nabc`), request: QUICK, gets: /^HTTP\/1\.1 200 [^]*abc$/, logs: /^200 UT$/ },
  { name: 'stalls in the headers', script: sends(`${OK}content-le`), request: QUICK, gets: /^HTTP\/1\.1 504 /, logs: /^504 UT$/ },
  { name: 'garbage', script: sends('\0\x01\x02 no HTTP at all\r\n\r\n'.repeat(100)), gets: /^HTTP\/1\.1 502 /, logs: /^502 UPE$/ },
  { name: 'floods headers', script: steps({ send: OK }, { send: 'x: y\r\n'.repeat(100_000) }), gets: /^HTTP\/1\.1 50[23] /, logs: /^50[23] U/ },
  { name: 'one endless header', script: steps({ send: `${OK}x: ` }, { fill: MUCH }), gets: /^HTTP\/1\.1 50[23] /, logs: /^50[23] U/ },
  { name: 'an endless status line', script: steps({ send: 'HTTP/1.1 200 ' }, { fill: MUCH }), gets: /^HTTP\/1\.1 50[23] /, logs: /^50[23] U/ },
  { name: 'many 1xx and no answer', script: sends('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'.repeat(20_000)), request: QUICK, gets: /^(HTTP\/1\.1 103 [^]*)?HTTP\/1\.1 50[234] /, logs: /^50[234] U/ },
  { name: 'an endless body to a HEAD', script: steps({ send: `${OK}content-length: 5\r\n\r\n` }, { fill: MUCH }), request: HEAD, gets: /^HTTP\/1\.1 200 [^]*content-length: 5[^]*\r\n\r\n$/, logs: /^200 -$/ },
  { name: 'a body to 204', script: sends('HTTP/1.1 204 No Content\r\n\r\nunwanted'), gets: /^HTTP\/1\.1 204 [^]*\r\n\r\n$/, logs: /^204 -$/ },
  { name: 'more than content-length', script: steps({ send: `${OK}content-length: 3\r\n\r\nabc` }, { fill: MUCH }), gets: /^HTTP\/1\.1 200 [^]*abc$/, logs: /^200 -$/ },
  { name: 'two answers to one request', script: sends(`${OK}content-length: 1\r\n\r\na${OK}content-length: 1\r\n\r\nb`), gets: /^HTTP\/1\.1 200 (?![^]*HTTP)[^]*a$/, logs: /^200 -$/ },
  { name: 'chunk size without end', script: steps({ send: `${OK}transfer-encoding: chunked\r\n\r\n` }, { fill: MUCH }), gets: /^HTTP\/1\.1 (200|502) /, logs: /^(200|502) UPE$/ },
  { name: 'an endless body', script: steps({ send: `${OK}transfer-encoding: chunked\r\n\r\nffffffff\r\n` }, { fill: 2_000_000_000 }), request: QUICK, gets: /^HTTP\/1\.1 200 /, logs: /^200 UT$/ },
  { name: 'answers before the request is complete', script: { replies: [{ at: 'head', steps: [{ send: `${OK}content-length: 2\r\n\r\nok` }] }] }, request: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nsome', gets: /^HTTP\/1\.1 200 [^]*ok$/, logs: /^200 / },
  { name: 'talks before it is asked', script: { onConnect: [{ send: `${OK}content-length: 2\r\n\r\nno` }], replies: [answer()] }, gets: /^HTTP\/1\.1 (200|50[23]) /, logs: /^(200|50[23]) / },
]

for (const backEnd of BACK_ENDS) {
  describe(`origins (${backEnd})`, () => {
    let arena: Arena
    before(async () => (arena = await Arena.start(backEnd, folder)))
    after(() => arena.stop())

    // A test that fails leaves nothing either.
    let ours: RawClient | null = null
    afterEach(async () => {
      await ours?.close()
      await arena.origin.endConnections()
    })

    for (const attack of ATTACKS) {
      it(attack.name, async () => {
        const before = arena.proxy.rssBytes()
        const logged = logLines().length
        arena.origin.use(attack.script)
        const client = await arena.connect()
        ours = client
        client.keepBytes = attack.name !== 'an endless body'
        client.send(attack.request ?? GET)
        const line = await until('the line of the access log', () => logLines()[logged], { timeoutMs: 3_000 })
        await client.readUntilClose(60)
        if (client.keepBytes) assert.match(client.received.subarray(0, 4_000_000).toString('latin1'), attack.gets)
        assert.match(line, attack.logs)
        assert.ok(arena.proxy.rssBytes() - before < MAY_GROW[backEnd], `resident memory grew by ${arena.proxy.rssBytes() - before} bytes`)
        await client.close()
        arena.origin.use({ replies: [answer()] })
        assert.equal(await arena.ask('/after'), 'HTTP/1.1 200 OK')
        await arena.calm()
      })
    }

    for (const how of ['fin', 'rst'] as const) {
      it(`a TCP origin that ends (${how}) in the middle`, async () => {
        arena.origin.use({ plainTcp: true, onConnect: [{ fill: 1_000_000 }, { end: how }] })
        const client = await arena.connectTcp()
        assert.notEqual(await client.readUntilClose(), 'open')
        if (how === 'fin') assert.equal(client.receivedBytes, 1_000_000)
        await client.close()
        await arena.calm()
      })
    }

    function logLines(): string[] {
      try {
        return readFileSync(arena.accessLog, 'latin1').split('\n').slice(0, -1)
      } catch {
        return []
      }
    }
  })
}
