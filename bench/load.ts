// Load by wrk, as a child process, with its report read.
import { spawn } from 'node:child_process'
import { tool } from './machine.ts'
import type { Pinning } from './machine.ts'

/** What one run of wrk gave. Times in microseconds. */
export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  /** Socket errors, timeouts and answers that are no 2xx or 3xx. */
  readonly errors: number
}

/** What to send. */
export interface LoadShape {
  readonly connections: number
  /** Header lines for wrk. */
  readonly headers?: readonly string[]
  readonly path?: string
  /** Lua file for wrk, for uploads and changing paths. */
  readonly script?: string
}

/** Runs wrk against a port of 127.0.0.1 for so many seconds. */
export function runWrk(port: number, shape: LoadShape, seconds: number, pinned: Pinning): Promise<LoadResult> {
  const args = ['-t1', `-c${shape.connections}`, `-d${seconds}s`, '--latency', '--timeout', '8s', ...(shape.headers ?? []).flatMap((line) => ['-H', line])]
  if (shape.script !== undefined) args.push('-s', shape.script)
  args.push(`http://127.0.0.1:${port}${shape.path ?? '/'}`)
  return new Promise((resolve, reject) => {
    const [command = '', ...rest] = [...pinned.load, tool('wrk'), ...args]
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(readReport(text)) : reject(new Error(`wrk ended with ${code}: ${text}`))))
  })
}

/** Reads wrk's report; exported for its test. */
export function readReport(text: string): LoadResult {
  const totals = /(\d+) requests in ([\d.]+)(ms|s|m),/.exec(text)
  if (totals === null) throw new Error(`wrk's report has no totals:\n${text}`)
  const socketErrors = [...(/Socket errors:.*/.exec(text)?.[0] ?? '').matchAll(/(?:connect|read|write|timeout) (\d+)/g)]
  const badAnswers = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0)
  return {
    requests: Number(totals[1]),
    seconds: microseconds(totals[2] ?? '', totals[3] ?? '') / 1e6,
    p50: percentile(text, '50'),
    p99: percentile(text, '99'),
    errors: socketErrors.reduce((sum, match) => sum + Number(match[1]), badAnswers),
  }
}

function percentile(text: string, which: string): number {
  const match = new RegExp(`^\\s+${which}%\\s+([\\d.]+)(us|ms|s|m)\\s*$`, 'm').exec(text)
  return microseconds(match?.[1] ?? 'NaN', match?.[2] ?? '')
}

function microseconds(value: string, unit: string): number {
  const factors: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 60e6 }
  return Number(value) * (factors[unit] ?? Number.NaN)
}
