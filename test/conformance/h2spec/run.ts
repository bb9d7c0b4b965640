// h2spec in strict mode: every case of RFC 9113's predecessor and of HPACK, against a listener with a cluster and with direct responses.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { answer, ScriptedOrigin, withCleanup } from '../../harness/index.ts'
import type { ProxyKind } from '../../harness/index.ts'
import { lastLines, runProgram } from '../result.ts'
import type { CaseResult } from '../result.ts'
import { DIRECT_BODY, startStand } from '../stand.ts'
import type { StandOptions } from '../stand.ts'
import { readJUnit } from './junit.ts'

/** A delayed close takes a second, so a shorter wait misjudges it. */
const TIMEOUT_SECONDS = '3'

/** Runs the whole suite three times: direct responses, an HTTP/1 cluster, an HTTP/2 cluster. `only`: a section such as `http2/5.1`. */
export function runH2spec(program: string, kind: ProxyKind, only: string | undefined): Promise<CaseResult[]> {
  return withCleanup(async (defer) => {
    const origin = await ScriptedOrigin.start({ replies: [answer({ body: DIRECT_BODY })] })
    defer(() => origin.stop())
    const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-h2spec-'))
    defer(() => rmSync(folder, { recursive: true, force: true }))
    const results: CaseResult[] = []
    // With AUTO a wrong preface is a wrong HTTP/1 request, and is answered so.
    const stands: [string, StandOptions][] = [['direct response', { kind, codec: 'HTTP2' }], ['cluster h1', { kind, codec: 'HTTP2', origin: origin.port, upstream: 'h1' }], ['cluster h2', { kind, codec: 'HTTP2', origin: origin.port, upstream: 'h2' }]]
    for (const [name, options] of stands) {
      // What an origin keeps of a run is of no use.
      origin.use({ replies: [answer({ body: DIRECT_BODY })] })
      results.push(...(await runOnce(program, name, options, path.join(folder, 'report.xml'), only)))
    }
    return results
  })
}

async function runOnce(program: string, name: string, options: StandOptions, file: string, only: string | undefined): Promise<CaseResult[]> {
  const { port, proxy } = await startStand(options)
  try {
    const ran = await runProgram(program, ['-h', '127.0.0.1', '-p', String(port), '--strict', '-o', TIMEOUT_SECONDS, '-j', file, ...(only === undefined ? [] : [only])], { timeoutMs: 300_000 })
    const results = readReport(file, name)
    if (results.length > 0) return results
    return [{ suite: name, name: 'h2spec', verdict: 'failed', detail: `it left no report and ended with ${ran.code}: ${lastLines(ran.output)}` }]
  } finally {
    await proxy.stop(options.kind === 'envoy' ? 'SIGKILL' : 'SIGTERM')
  }
}

function readReport(file: string, suite: string): CaseResult[] {
  try {
    const results = readJUnit(readFileSync(file, 'latin1'), suite)
    rmSync(file)
    return results
  } catch {
    return []
  }
}
