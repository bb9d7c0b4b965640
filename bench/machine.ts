// Which cores the load and the proxy get, and what the machine says about itself.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { ensureTool } from '../tools/test-deps/tools.js'

/** Commands to put in front of a process so that it stays on its cores; empty where that cannot be done. */
export interface Pinning {
  readonly proxy: readonly string[]
  readonly load: readonly string[]
  readonly note: string
}

/** The proxy gets the last core for itself, origin and load share the others. */
export function pinning(): Pinning {
  const taskset = ensureTool('taskset', { install: false }).path
  const cores = os.availableParallelism()
  if (taskset === null || cores < 2) return { proxy: [], load: [], note: 'NOT PINNED: figures of different proxies disturb each other' }
  const last = String(cores - 1)
  return { proxy: [taskset, '-c', last], load: [taskset, '-c', `0-${cores - 2}`], note: `proxy on core ${last}, load and origin on 0-${cores - 2}` }
}

/** Path of a tool, installed when missing; throws with the reason when it cannot be had. */
export function tool(name: string): string {
  const found = ensureTool(name, { install: true })
  if (found.path === null) throw new Error(`${name} cannot be had: ${found.reason}`)
  return found.path
}

/** One line about the machine, to be printed with every table. */
export function machineLine(): string {
  const model = os.cpus()[0]?.model ?? 'unknown CPU'
  return `${os.cpus().length} × ${model}, load average ${os.loadavg()[0]?.toFixed(1)}, Node ${process.versions.node}`
}

/** CPU time of a process and its children in microseconds, from the scheduler (nanoseconds) where it tells, else from clock ticks. */
export function cpuMicroseconds(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + ownCpu(one), 0)
}

function ownCpu(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // utime and stime, fields 14 and 15 of proc(5), in ticks of 10 ms; runs of seconds make them fine enough.
    return (Number(fields[11]) + Number(fields[12])) * 10_000
  } catch {
    return 0
  }
}

/** Resident memory of a process and its children in KiB. */
export function rssKiB(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + ownRss(one), 0)
}

function ownRss(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** First line that a program prints about its version. */
export function versionOf(executable: string, argument: string): string {
  try {
    return execFileSync(executable, [argument], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim().split('\n')[0] ?? ''
  } catch {
    return 'unknown version'
  }
}
