// `npm run oracle`: the scenarios against the real Envoy and nuncio, side by side. Options: see README.md or --help.
import { parseArgs } from 'node:util'
import { ENVOY_VERSION } from '../../tools/test-deps/tools.js'
import { findProxy } from '../harness/index.ts'
import { allowedBy, DIFFERENCES } from './differences.ts'
import type { Difference } from './differences.ts'
import { runFile } from './file-run.ts'
import { compare, describeMismatch } from './observation.ts'
import type { Mismatch, Observation } from './observation.ts'
import { readRecording, writeRecording } from './recordings.ts'
import { loadScenarios } from './scenario.ts'
import type { Case, Scenario } from './scenario.ts'

const HELP = `npm run oracle -- [--live | --replay | --record | --self] [--only TEXT] [--jobs N] [--brief]
  --live    (default) both proxies now
  --replay  nuncio now, Envoy from test/oracle/recordings
  --record  Envoy now, twice; writes the recordings when both runs agree
  --self    Envoy against its recording: finds what changes from run to run
  --only    only cases whose "file/case" contains TEXT
  --jobs    scenario files at a time (default 2)
  --brief   one line a mismatch`

type Mode = 'live' | 'replay' | 'record' | 'self'

interface Totals {
  equal: number
  allowed: number
  different: number
  broken: number
  readonly used: Set<Difference>
  /** Mismatching paths with their number of cases, to see what is systematic. */
  readonly paths: Map<string, number>
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { live: { type: 'boolean' }, replay: { type: 'boolean' }, record: { type: 'boolean' }, self: { type: 'boolean' }, only: { type: 'string' }, jobs: { type: 'string' }, brief: { type: 'boolean' }, help: { type: 'boolean' } } })
  if (values.help === true) {
    console.log(HELP)
    return 0
  }
  const mode: Mode = values.record === true ? 'record' : values.self === true ? 'self' : values.replay === true ? 'replay' : 'live'
  const envoy = findProxy('envoy')
  if (mode !== 'replay' && envoy.path === null) {
    console.error(`oracle: no Envoy ${ENVOY_VERSION}: ${envoy.reason}. Try: node tools/test-deps envoy`)
    return 1
  }
  const scenarios = loadScenarios(values.only)
  const totals: Totals = { equal: 0, allowed: 0, different: 0, broken: 0, used: new Set(), paths: new Map() }
  await inParallel(scenarios, Number(values.jobs ?? 2), (scenario) => runScenario(scenario, mode, totals, values.brief === true))
  return report(totals, scenarios.length, mode, values.only === undefined)
}

async function inParallel<T>(items: readonly T[], jobs: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

async function runScenario(scenario: Scenario, mode: Mode, totals: Totals, brief: boolean): Promise<void> {
  try {
    if (mode === 'record') return await record(scenario, totals, brief)
    const reference = mode === 'live' ? await runFile('envoy', scenario) : recorded(scenario)
    const other = await runFile(mode === 'self' ? 'envoy' : 'nuncio', scenario, reference)
    for (const one of scenario.cases) judge(scenario, one, reference[one.name], other[one.name], totals, brief)
  } catch (error) {
    totals.broken += scenario.cases.length
    console.log(`BROKEN ${scenario.id} (${scenario.cases.length} cases): ${(error as Error).message}`)
  }
}

function recorded(scenario: Scenario): Readonly<Record<string, Observation>> {
  const found = readRecording(scenario)
  if (found === null) throw new Error('there is no recording; run npm run oracle -- --record')
  if (found.stale) throw new Error('the scenario changed since it was recorded; run npm run oracle -- --record')
  return found.recording.cases
}

/** Records twice; what does not agree with itself must be masked by a rule before it can be recorded. */
async function record(scenario: Scenario, totals: Totals, brief: boolean): Promise<void> {
  const first = await runFile('envoy', scenario)
  const second = await runFile('envoy', scenario, first)
  const before = totals.different
  for (const one of scenario.cases) judge(scenario, one, first[one.name], second[one.name], totals, brief)
  if (totals.different !== before) return
  if (scenario.partial) console.log(`${scenario.id}: not written, because --only left out cases of it`)
  else writeRecording({ scenario: scenario.id, hash: scenario.hash, envoy: ENVOY_VERSION, cases: first })
}

function judge(scenario: Scenario, one: Case, envoy: Observation | undefined, other: Observation | undefined, totals: Totals, brief: boolean): void {
  const where = `${scenario.id}/${one.name}`
  if (envoy === undefined || other === undefined) {
    totals.broken += 1
    console.log(`BROKEN ${where}: no observation`)
    return
  }
  const mismatches = compare(envoy, other, one.ignore)
  const left = mismatches.filter((mismatch) => !allow(where, mismatch, totals))
  if (left.length > 0) {
    totals.different += 1
    for (const path of new Set(left.map((mismatch) => mismatch.path))) totals.paths.set(path, (totals.paths.get(path) ?? 0) + 1)
    console.log(brief ? `DIFFERS ${where}: ${left.map(short).join(' | ')}` : `DIFFERS ${where}\n${left.map(describeMismatch).join('\n')}`)
  } else if (mismatches.length > 0) totals.allowed += 1
  else totals.equal += 1
}

function short(mismatch: Mismatch): string {
  return `${mismatch.path} ${JSON.stringify(mismatch.envoy ?? null)} -> ${JSON.stringify(mismatch.nuncio ?? null)}`
}

function allow(where: string, mismatch: Mismatch, totals: Totals): boolean {
  const entry = allowedBy(where, mismatch)
  if (entry !== undefined) totals.used.add(entry)
  return entry !== undefined
}

function report(totals: Totals, files: number, mode: Mode, whole: boolean): number {
  const common = [...totals.paths].filter(([, count]) => count > 2).sort((left, right) => right[1] - left[1])
  for (const [path, count] of common.slice(0, 25)) console.log(`${String(count).padStart(5)} cases differ in ${path}`)
  if (whole && (mode === 'live' || mode === 'replay')) {
    for (const entry of DIFFERENCES) if (!totals.used.has(entry)) console.log(`UNUSED difference: ${entry.where} ${entry.path}: ${entry.reason}`)
  }
  const cases = totals.equal + totals.allowed + totals.different + totals.broken
  console.log(`oracle (${mode}): ${cases} cases in ${files} files: ${totals.equal} equal, ${totals.allowed} equal but for listed differences, ${totals.different} different, ${totals.broken} broken`)
  return totals.different + totals.broken === 0 ? 0 : 1
}

process.exitCode = await main()
