// What the floods of the museum cost a real process: CPU time and memory of the proxy for some attackers, one after another. The bounds
// are an order above what is seen on a quiet machine: they are for work that grows with more than the bytes of the attack. CPU time is the
// process's own, so other work on the machine does not count.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { answer, Http2Client, leakCheck } from '../../harness/index.ts'
import { FLOODS } from '../../museum/http2/floods.ts'
import { Arena } from './arena.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-attack-'))
after(() => rmSync(folder, { recursive: true, force: true }))
after(leakCheck())

const ATTACKERS = 8
const MAY_GROW = 64 * 1_048_576
/** Milliseconds of CPU for all attackers of one case. */
const MAY_COST = 3_000

describe('what floods over HTTP/2 cost', () => {
  let arena: Arena
  before(async () => {
    arena = await Arena.start('handle', folder)
    await attack(FLOODS[0]?.send ?? (() => Buffer.alloc(0)))
  })
  after(() => arena.stop())

  for (const one of FLOODS.filter((each) => each.until === 'close')) {
    it(`${one.id}: ${one.name}`, async (test) => {
      arena.origin.use(one.stand === 'silent' ? { replies: [] } : { replies: [answer()] })
      const [rss, cpu] = [arena.proxy.rssBytes(), arena.proxy.cpuMs()]
      const sent = await attack(one.send)
      const [grown, spent] = [arena.proxy.rssBytes() - rss, arena.proxy.cpuMs() - cpu]
      test.diagnostic(`${(sent / 1_024).toFixed(0)} KiB sent, ${spent.toFixed(0)} ms CPU, ${(grown / 1_048_576).toFixed(1)} MiB`)
      assert.ok(spent < MAY_COST, `${spent} ms of CPU`)
      assert.ok(grown < MAY_GROW, `resident memory grew by ${grown} bytes`)
      // First the connections to the silent origin go.
      await arena.calm()
      arena.origin.use({ replies: [answer()] })
      assert.equal(await arena.ask('/after'), 'HTTP/1.1 200 OK')
      await arena.calm()
    })
  }

  /** Every attacker on a connection of its own, until the proxy ends it; the bytes that were offered. */
  async function attack(send: () => Buffer | readonly Buffer[]): Promise<number> {
    let bytes = 0
    for (let count = 0; count < ATTACKERS; count++) {
      const client = await Http2Client.connect({ port: arena.http }, { acks: false })
      for (const piece of [send()].flat()) {
        bytes += piece.length
        client.peer.write(piece)
        client.peer.flush()
      }
      await client.run({ wait: 'close', timeoutMs: 10_000 })
      assert.notEqual(client.ended, 'open', 'the connection was not ended')
      await client.resetConnection()
    }
    return bytes
  }
})
