// Runs one scenario file against one proxy: one process, its cases one after another.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Blackhole, freePort, ProxyProcess, ScriptedOrigin, withCleanup } from '../harness/index.ts'
import type { ProxyKind } from '../harness/index.ts'
import { readStats, runCase } from './case-run.ts'
import type { Stage } from './case-run.ts'
import { configText } from './config-builder.ts'
import { Masker } from './mask.ts'
import type { Observation } from './observation.ts'
import { originScript } from './origin-spec.ts'
import type { Scenario } from './scenario.ts'

/** Flush at once: a log line is looked for right after its exchange. */
const ARGS = ['--file-flush-interval-msec', '5']

/** Observations by case. Throws when the proxy does not start. `hints` are another proxy's observations of the same cases. */
export function runFile(kind: ProxyKind, scenario: Scenario, hints: Readonly<Record<string, Observation>> = {}): Promise<Record<string, Observation>> {
  return withCleanup(async (defer) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-oracle-'))
    defer(() => rmSync(folder, { recursive: true, force: true }))
    const masker = new Masker(JSON.stringify(scenario))
    masker.folder(folder, 'dir')
    const origins = await startOrigins(scenario, defer)
    const values = await placeholders(origins, folder, masker)
    if (JSON.stringify(scenario).includes('blackhole')) await addBlackhole(values, masker, defer)
    const config = configText(scenario, values)
    const proxy = await ProxyProcess.start({ kind, config: config.text, configFormat: config.format, adminPort: Number(values.get('admin')), folder, timeoutMs: 30_000, args: [...ARGS, ...(scenario.args ?? [])] })
    defer(() => proxy.stop(kind === 'envoy' ? 'SIGKILL' : 'SIGTERM'))
    const stage: Stage = { scenario, proxy, origins, values, masker, logFile: path.join(folder, 'access.log'), stats: await readStats(proxy), logOffset: 0 }
    const seen: Record<string, Observation> = {}
    for (const one of scenario.cases) {
      seen[one.name] = await runCase(stage, one, hints[one.name])
      if (proxy.exited !== null) throw new Error(`${kind} died in ${scenario.id}/${one.name}:\n${proxy.stderr().slice(-4_000)}`)
    }
    return seen
  })
}

async function startOrigins(scenario: Scenario, defer: (undo: () => unknown) => void): Promise<Map<string, ScriptedOrigin>> {
  const origins = new Map<string, ScriptedOrigin>()
  for (const name of new Set(['origin', ...Object.keys(scenario.origins ?? {})])) {
    const origin = await ScriptedOrigin.start(originScript(scenario.origins?.[name] ?? (name === 'origin' ? scenario.origin : undefined)))
    origins.set(name, origin)
    defer(() => origin.stop())
  }
  return origins
}

/** The project's folder, for files that configurations name. */
const ROOT = path.resolve(import.meta.dirname, '../..')

/** Values of `${listener}`, `${listener2}`, `${admin}`, `${closed}` (nobody listens), `${log}`, `${dir}`, `${root}` and each origin's name. */
async function placeholders(origins: ReadonlyMap<string, ScriptedOrigin>, folder: string, masker: Masker): Promise<Map<string, string>> {
  const values = new Map<string, string>([['log', path.join(folder, 'access.log')], ['dir', folder], ['socket', path.join(folder, 'in.sock')], ['root', ROOT]])
  for (const name of ['admin', 'listener', 'listener2', 'closed']) values.set(name, String(await freePort()))
  for (const [name, origin] of origins) values.set(name, String(origin.port))
  for (const [name, value] of values) if (/^\d+$/.test(value)) masker.port(value, name)
  return values
}

/** `${blackhole}`: a port where a connect is never answered. */
async function addBlackhole(values: Map<string, string>, masker: Masker, defer: (undo: () => unknown) => void): Promise<void> {
  const hole = await Blackhole.start()
  defer(() => hole.stop())
  values.set('blackhole', String(hole.port))
  masker.port(hole.port, 'blackhole')
}
