// Trouble under load: clients that leave early by the hundred, an origin process that is killed.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { answer, leakCheck, sleep } from '../../harness/index.ts'
import { Arena, BACK_ENDS } from './arena.ts'
import { OriginProcess } from './killable-origin.ts'
import type { LoadResult } from './load.ts'
import { runLoad } from './load.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-attack-'))
after(() => rmSync(folder, { recursive: true, force: true }))
after(leakCheck())

const MAY_GROW = 48 * 1_048_576

function sum(result: LoadResult): number {
  return [...result.byStatus.values()].reduce((all, count) => all + count, 0)
}

for (const backEnd of BACK_ENDS) {
  describe(`load (${backEnd})`, () => {
    let arena: Arena
    let first: OriginProcess
    let second: OriginProcess
    before(async () => {
      ;[first, second] = await Promise.all([OriginProcess.start(), OriginProcess.start()])
      arena = await Arena.start(backEnd, folder, [first.port, second.port])
    })
    after(async () => {
      await Promise.all([first.kill(), second.kill()])
      await arena.stop()
    })

    it('10,000 requests over 200 connections, of which one in eight is abandoned', async () => {
      const abandon = (draw: number): 'stay' | 'close' | 'reset' => (draw < 0.06 ? 'close' : draw < 0.12 ? 'reset' : 'stay')
      const load = { port: arena.http, path: '/pair', connections: 200, requests: 50, leave: abandon }
      // What the runtime takes once under load is no leak: the first round is the measure for the second.
      await runLoad({ ...load, requests: 10 })
      await arena.calm()
      const before = arena.proxy.rssBytes()
      const result = await runLoad({ ...load, seed: 2 })
      assert.equal(sum(result) + result.left, 10_000)
      assert.deepEqual([...result.byStatus.keys()], [200])
      assert.deepEqual([result.cut, result.hung], [0, 0])
      assert.ok(result.left > 800, `only ${result.left} clients left`)
      await arena.calm()
      assert.ok(arena.proxy.rssBytes() - before < MAY_GROW, `resident memory grew by ${arena.proxy.rssBytes() - before} bytes`)
    })

    it('an origin that is killed under load, and comes back', async () => {
      // The last lines of the test before are still on their way to the file.
      await sleep(100)
      const logged = readLog().length
      let over = false
      const load = runLoad({ port: arena.http, path: '/pair', connections: 32, requests: 1_000_000, stop: () => over })
      await sleep(300)
      await first.kill()
      await sleep(500)
      first = await OriginProcess.start(first.port)
      over = true
      const result = await load
      assert.deepEqual([result.cut, result.hung], [0, 0])
      assert.deepEqual([...result.byStatus.keys()].sort((a, b) => a - b), [200, 503])
      assert.ok((result.byStatus.get(200) ?? 0) > 100)
      await arena.calm()
      const failed = new Set(readLog().slice(logged).filter((line) => !line.startsWith('200 ')))
      assert.deepEqual([...failed].filter((line) => line !== '503 UC' && line !== '503 UF'), [], 'flags of failed requests')
      const afterwards = await runLoad({ port: arena.http, path: '/pair', connections: 8, requests: 50 })
      assert.deepEqual([...afterwards.byStatus], [[200, 400]], 'the origin is back')
      arena.origin.use({ replies: [answer()] })
      await arena.calm()
    })

    function readLog(): string[] {
      return readFileSync(arena.accessLog, 'latin1').split('\n').slice(0, -1)
    }
  })
}
