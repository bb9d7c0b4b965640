// Envoy's recorded answers on disk: one JSON file a scenario file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Recording } from './observation.ts'
import { oracleFolder } from './scenario.ts'
import type { Scenario } from './scenario.ts'

function fileOf(id: string): string {
  return path.join(oracleFolder, 'recordings', `${id}.json`)
}

/** The recording of a scenario, or null when there is none. `stale` says that the scenario changed since. */
export function readRecording(scenario: Scenario): { recording: Recording; stale: boolean } | null {
  try {
    const recording = JSON.parse(readFileSync(fileOf(scenario.id), 'utf8')) as Recording
    return { recording, stale: recording.hash !== scenario.hash }
  } catch {
    return null
  }
}

export function writeRecording(recording: Recording): void {
  const file = fileOf(recording.scenario)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(recording, null, 1)}\n`)
}
