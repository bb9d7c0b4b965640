// Load by wrk, h2load and our own loads for gRPC and WebSocket, as child processes, with their reports read.
import { spawn } from 'node:child_process'
import { tool } from './machine.ts'
import type { Pinning } from './machine.ts'

/** What one run of a load gave. Times in microseconds; NaN where the tool does not tell. */
export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  /** Socket errors, timeouts, resets and answers that are no 2xx or 3xx. */
  readonly errors: number
}

/** What wrk is to send. */
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
  return runLoad(tool('wrk'), args, pinned).then(readReport)
}

/** What h2load is to send, over HTTP/2 with prior knowledge. */
export interface Http2Shape {
  readonly connections: number
  /** Streams of each connection at the same time. */
  readonly streams: number
  readonly path?: string
}

export async function runH2load(port: number, shape: Http2Shape, seconds: number, pinned: Pinning): Promise<LoadResult> {
  return readH2load(await runLoad(tool('h2load'), ['-t1', `-c${shape.connections}`, `-m${shape.streams}`, '-D', String(Math.max(1, Math.round(seconds))), `http://127.0.0.1:${port}${shape.path ?? '/'}`], pinned))
}

/** gRPC calls (`unary`), or messages on streams that stay open (`bidi`); `size` bytes each, one at a time on a stream. */
export interface GrpcShape {
  readonly task: 'unary' | 'bidi'
  readonly connections: number
  readonly streams: number
  readonly size: number
}

export async function runGrpcLoad(port: number, shape: GrpcShape, seconds: number, pinned: Pinning): Promise<LoadResult> {
  const text = await runLoad(tool('grpc-load'), [shape.task, '-to', `127.0.0.1:${port}`, '-connections', String(shape.connections), '-streams', String(shape.streams), '-size', String(shape.size), '-seconds', String(seconds)], pinned)
  return readGrpcLoad(text)
}

/** WebSocket messages of `size` bytes that come back, one at a time on each connection. */
export interface WebSocketShape {
  readonly connections: number
  readonly size: number
}

export async function runWebSocketLoad(port: number, shape: WebSocketShape, seconds: number, pinned: Pinning): Promise<LoadResult> {
  // Its report is of the same form.
  return readGrpcLoad(await runLoad(tool('ws-load'), ['echo', '-to', `127.0.0.1:${port}`, '-connections', String(shape.connections), '-size', String(shape.size), '-seconds', String(seconds)], pinned))
}

/** Runs a load to its end; resolves to what it printed. */
export function runLoad(program: string, args: readonly string[], pinned: Pinning): Promise<string> {
  return new Promise((resolve, reject) => {
    const [command = '', ...rest] = [...pinned.load, program, ...args]
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
    child.once('error', reject)
    // Not 'exit', which may come before the last of what it printed.
    child.once('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}: ${text}`))))
  })
}

/** Reads h2load's report, which has no percentiles; exported for its test. */
export function readH2load(text: string): LoadResult {
  const totals = /^finished in ([\d.]+)(us|ms|s|m), /m.exec(text)
  const requests = /^requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m.exec(text)
  if (totals === null || requests === null) throw new Error(`h2load's report has no totals:\n${text}`)
  const mean = /^time for request: +\S+ +\S+ +([\d.]+)(us|ms|s|m) /m.exec(text)
  return {
    requests: Number(requests[2]),
    seconds: microseconds(totals[1] ?? '', totals[2] ?? '') / 1e6,
    p50: microseconds(mean?.[1] ?? 'NaN', mean?.[2] ?? ''),
    p99: Number.NaN,
    errors: Number(requests[3]) + Number(requests[4]) + Number(requests[5]),
  }
}

/** Reads the report of grpc-load. */
export function readGrpcLoad(text: string): LoadResult {
  const { calls, ...rest } = JSON.parse(text) as { calls: number; seconds: number; p50: number; p99: number; errors: number }
  return { requests: calls, ...rest }
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
