// `npm run bench`: Envoy, nuncio, nginx and HAProxy side by side, ratios to Envoy. See README.md.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { findProxy, withCleanup } from '../test/harness/index.ts'
import { LOAD_CASES } from './cases.ts'
import { machineLine, pinning } from './machine.ts'
import { startEchoOrigin, startOrigin } from './origin.ts'
import { PROXY_NAMES } from './proxies.ts'
import type { ProxyName } from './proxies.ts'
import { printIdle, printLoad, printStart, printStreams } from './report.ts'
import { runLoadCase } from './run-load.ts'
import type { LoadOptions } from './run-load.ts'
import { largeStartConfig, runIdle, runIdleStreams, runStart } from './run-memory.ts'
import { runSoak } from './soak.ts'

const OTHER_ROWS = ['idle', 'h2-idle', 'start', 'start-large'] as const
/** Rows that only run when they are asked for. */
const EXTRA_ROWS = ['soak'] as const
const NEED_GRPC = new Set(['h2-idle', 'soak', ...LOAD_CASES.filter((row) => row.kind === 'grpc').map((row) => row.name)])
const HELP = `npm run bench -- [--only ROW,ROW] [--proxies NAME,NAME] [--rounds N] [--seconds N] [--minutes N]
  rows:    ${[...LOAD_CASES.map((row) => row.name), ...OTHER_ROWS].join(' ')} and, when named: ${EXTRA_ROWS.join(' ')}
  proxies: ${PROXY_NAMES.join(' ')} (default: all)
  rounds:  default 5, each proxy once a round; seconds: of each run, default 4
  minutes: of the soak, default 5`

function chosen<T extends string>(text: string | undefined, known: readonly T[], what: string): T[] {
  if (text === undefined) return [...known]
  return text.split(',').map((name) => {
    const found = known.find((one) => one === name)
    if (found === undefined) throw new Error(`no such ${what}: ${name}; there are: ${known.join(' ')}`)
    return found
  })
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, proxies: { type: 'string' }, rounds: { type: 'string' }, seconds: { type: 'string' }, minutes: { type: 'string' }, help: { type: 'boolean' } } })
  if (values.help === true) {
    console.log(HELP)
    return 0
  }
  const usual = [...LOAD_CASES.map((row) => row.name), ...OTHER_ROWS]
  const rows: string[] = values.only === undefined ? usual : chosen(values.only, [...usual, ...EXTRA_ROWS], 'row')
  const proxies = chosen(values.proxies, PROXY_NAMES, 'proxy').filter(canBeHad)
  const pinned = pinning()
  console.log(`bench: ${machineLine()}; ${pinned.note}`)
  let status = 0
  await withCleanup(async (defer) => {
    // Logs and files stay in memory where the system has such a folder: the disk is not what is measured.
    const folder = mkdtempSync(path.join(process.platform === 'linux' ? '/dev/shm' : os.tmpdir(), 'nuncio-bench-'))
    defer(() => rmSync(folder, { recursive: true, force: true }))
    const origin = await startOrigin(folder, pinned)
    defer(() => origin.stop())
    const grpc = rows.some((row) => NEED_GRPC.has(row)) ? await startEchoOrigin('grpc-load', pinned) : null
    defer(() => grpc?.stop())
    const websocket = rows.includes('websocket') || rows.includes('soak') ? await startEchoOrigin('ws-load', pinned) : null
    defer(() => websocket?.stop())
    const options: LoadOptions = { proxies, rounds: Number(values.rounds ?? 5), seconds: Number(values.seconds ?? 4), origins: { http: origin.port, grpc: grpc?.port ?? Number.NaN, websocket: websocket?.port ?? Number.NaN }, folder, pinned }
    await runRows(rows, options)
    if (rows.includes('soak')) status = await runSoak(options, Number(values.minutes ?? 5))
  })
  return status
}

function canBeHad(name: ProxyName): boolean {
  if (name !== 'envoy') return true
  const found = findProxy('envoy')
  if (found.path === null) console.log(`envoy is LEFT OUT: ${found.reason}`)
  return found.path !== null
}

async function runRows(rows: readonly string[], options: LoadOptions): Promise<void> {
  for (const row of LOAD_CASES) if (rows.includes(row.name)) printLoad(row, await runLoadCase(row, options))
  if (rows.includes('idle')) printIdle(await runIdle(options))
  if (rows.includes('h2-idle')) printStreams(await runIdleStreams(options))
  if (rows.includes('start')) printStart('start: one listener, one route, one cluster; memory a second after LIVE (goal ≤ 600 ms, ≤ 120 MiB)', await runStart(options))
  if (rows.includes('start-large')) printStart('start-large: 5,000 clusters and 20,000 routes as JSON (goal ≤ 1.3× the time, ≤ 1.5× the memory)', await runStart({ ...options, rounds: Math.min(options.rounds, 3) }, largeStartConfig))
}

process.exitCode = await main()
