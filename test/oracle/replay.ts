// nuncio against Envoy's recorded answers, one test a case; used by the files in replay/. Envoy is not needed.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { allowedBy } from './differences.ts'
import { runFile } from './file-run.ts'
import { compare, describeMismatch } from './observation.ts'
import type { Observation } from './observation.ts'
import { readRecording } from './recordings.ts'
import { loadScenarios } from './scenario.ts'
import type { Case, Scenario } from './scenario.ts'

function replay(scenario: Scenario): void {
  describe(scenario.id, () => {
    const found = readRecording(scenario)
    let seen: Record<string, Observation> = {}
    before(async () => {
      assert.ok(found !== null && !found.stale, `${scenario.id} has no recording of its present form; run npm run oracle -- --record`)
      seen = await runFile('nuncio', scenario, found.recording.cases)
    })
    for (const one of scenario.cases) it(one.name, () => assertEqual(scenario, one, found?.recording.cases[one.name], seen[one.name]))
  })
}

function assertEqual(scenario: Scenario, one: Case, envoy: Observation | undefined, nuncio: Observation | undefined): void {
  assert.ok(envoy !== undefined && nuncio !== undefined, 'one side has no observation of this case')
  const left = compare(envoy, nuncio, one.ignore).filter((mismatch) => allowedBy(`${scenario.id}/${one.name}`, mismatch) === undefined)
  assert.equal(left.length, 0, `differs from Envoy:\n${left.map(describeMismatch).join('\n')}`)
}

/** Declares the tests of every scenario file whose id starts with `prefix` and that `takes`. */
export function replayAll(prefix: string, takes: (id: string) => boolean = () => true): void {
  const scenarios = loadScenarios().filter((scenario) => scenario.id.startsWith(prefix) && takes(scenario.id))
  describe(`${prefix}: answers equal to the recorded ones of Envoy`, { concurrency: 2 }, () => {
    for (const scenario of scenarios) replay(scenario)
  })
}
