// Fails a test that leaves a timer, a socket, a server or a process behind.
import assert from 'node:assert/strict'
import { sleep } from './wait.ts'

// What node:test and the standard streams themselves hold.
const OWN = new Set(['TTYWrap', 'PipeWrap', 'FSReqCallback', 'FSReqPromise', 'Immediate', 'MessagePort', 'CloseReq', 'WriteWrap', 'ShutdownWrap'])

function held(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (!OWN.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

/**
 * Remembers what the process holds now. The function that it returns throws when more is held than then, after waiting up to
 * `graceMs` for what is on its way out. Use: `const check = leakCheck(); after(check)`.
 */
export function leakCheck(graceMs = 1_000): () => Promise<void> {
  const before = held()
  return async () => {
    let extra: string[] = []
    for (let waited = 0; waited <= graceMs; waited += 20) {
      extra = [...held()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind, count]) => `${kind}: ${count - (before.get(kind) ?? 0)}`)
      if (extra.length === 0) return
      await sleep(20)
    }
    // Our own sleeping timer is over by now; what is left was left behind.
    assert.deepEqual(extra, [], 'left behind at the end of the suite')
  }
}
