// WebSocket implementations with the proxy between them. Every case runs without the proxy, too: what a client sees must be the same.
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { ensureTool } from '../../../tools/test-deps/tools.js'
import { until, withCleanup } from '../../harness/index.ts'
import type { ProxyKind } from '../../harness/index.ts'
import { lastLines, runProgram } from '../result.ts'
import type { CaseResult } from '../result.ts'
import { startWebSocketStand } from './stand.ts'
import type { Way } from './stand.ts'

const folder = import.meta.dirname

interface Program {
  readonly name: string
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

interface Client extends Program {
  /** How it comes to the proxy. */
  readonly speaks: 'h1' | 'h2'
  /** The client to compare with, where this one cannot do without the proxy. */
  readonly direct: readonly string[]
}

/** What a case saw. */
type Seen = ReadonlyMap<string, string>

function programs(): { servers: Program[]; clients: Client[] } {
  ensurePackages()
  const python = ensureTool('websockets', { install: true })
  if (python.path === null) throw new Error(`websockets cannot be had: ${python.reason}`)
  const node = (...args: string[]): readonly string[] => [process.execPath, path.join(folder, args[0] ?? ''), ...args.slice(1)]
  const py = (...args: string[]): readonly string[] => ['python3', path.join(folder, 'websockets_peer.py'), ...args]
  const env = { ...process.env, PYTHONPATH: python.path }
  const frames = node('client.mjs', 'h1')
  return {
    servers: [{ name: 'ws', command: node('ws-server.mjs'), env }, { name: 'websockets', command: py('serve'), env }],
    clients: [
      { name: 'ws', command: node('client.mjs', 'ws'), direct: node('client.mjs', 'ws'), env, speaks: 'h1' },
      { name: 'websockets', command: py('call'), direct: py('call'), env, speaks: 'h1' },
      { name: 'frames', command: frames, direct: frames, env, speaks: 'h1' },
      // Neither server speaks HTTP/2 itself.
      { name: 'frames over extended CONNECT', command: node('client.mjs', 'h2'), direct: frames, env, speaks: 'h2' },
    ],
  }
}

/** The npm packages of this folder are no part of the project's own. */
function ensurePackages(): void {
  if (existsSync(path.join(folder, 'node_modules', 'ws'))) return
  const run = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`npm ci in ${folder} failed: ${lastLines(run.stderr ?? '')}`)
}

/** Every client with every server, over HTTP/1 and HTTP/2 towards the server; `only` keeps what contains it. */
export async function runWebSocket(kind: ProxyKind, only = ''): Promise<CaseResult[]> {
  const { servers, clients } = programs()
  const results: CaseResult[] = []
  for (const server of servers) results.push(...(await runServer(kind, server, clients)))
  return results.filter((one) => `${one.suite}: ${one.name}`.includes(only))
}

function runServer(kind: ProxyKind, server: Program, clients: readonly Client[]): Promise<CaseResult[]> {
  return withCleanup(async (defer) => {
    const child = start(server)
    defer(() => stopChild(child.process))
    const origin = await until(`${server.name} to listen`, () => child.port(), { timeoutMs: 20_000 })
    const stand = await startWebSocketStand(kind, origin)
    defer(() => stand.proxy.stop(kind === 'envoy' ? 'SIGKILL' : 'SIGTERM'))
    const results: CaseResult[] = []
    for (const client of clients) {
      const expected = await call(client.direct, client.env, origin)
      for (const upstream of ['h1', 'h2'] as const) {
        const way: Way = `${client.speaks}${upstream}`
        const seen = await call(client.command, client.env, stand.ports[way])
        results.push(...compare(`${client.name} to ${server.name}, ${way}`, expected, seen))
      }
    }
    return results
  })
}

async function call(command: readonly string[], env: NodeJS.ProcessEnv, port: number): Promise<Seen> {
  const [program = '', ...args] = command
  const ran = await runProgram(program, [...args, String(port)], { timeoutMs: 240_000, env })
  const seen = new Map<string, string>()
  for (const line of ran.output.split('\n').filter((text) => text.startsWith('{'))) {
    const one = JSON.parse(line) as { name: string; seen: string[] }
    seen.set(one.name, one.seen.join(' | '))
  }
  if (ran.code !== 0 || seen.size === 0) seen.set('the client itself', `ended with ${ran.code}: ${lastLines(ran.output)}`)
  return seen
}

function compare(suite: string, expected: Seen, seen: Seen): CaseResult[] {
  const results: CaseResult[] = []
  for (const name of new Set([...expected.keys(), ...seen.keys()])) {
    const [right, got] = [expected.get(name) ?? 'not run', seen.get(name) ?? 'not run']
    // What goes wrong without the proxy proves nothing about it.
    const ok = right === got && !/timeout|failed|not run/.test(right) && name !== 'the client itself'
    results.push({ suite, name, verdict: ok ? 'passed' : 'failed', detail: ok ? '' : `without the proxy: ${right.slice(0, 500)}\nwith it:           ${got.slice(0, 500)}` })
  }
  return results
}

function start(server: Program): { process: ChildProcess; port: () => number | null } {
  const [program = '', ...args] = server.command
  const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'inherit'], env: server.env })
  let output = ''
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString()
  })
  const port = (): number | null => {
    if (child.exitCode !== null) throw new Error(`the server of ${server.name} ended with ${child.exitCode}`)
    const found = /^port (\d+)$/m.exec(output)?.[1]
    return found === undefined ? null : Number(found)
  }
  return { process: child, port }
}

function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
