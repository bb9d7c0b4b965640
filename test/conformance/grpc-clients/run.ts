// gRPC implementations as clients and servers, every pair of them with the proxy between.
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { ensureTool } from '../../../tools/test-deps/tools.js'
import { until, withCleanup } from '../../harness/index.ts'
import type { ProxyKind } from '../../harness/index.ts'
import { lastLines, runProgram } from '../result.ts'
import type { CaseResult } from '../result.ts'
import { startStand } from '../stand.ts'
import type { StandOptions } from '../stand.ts'

const folder = import.meta.dirname

/** An implementation: how its program is started, with `serve` or `call PORT ONLY`. */
interface Implementation {
  readonly name: string
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

function implementations(): Implementation[] {
  ensurePackages()
  const python = ensureTool('grpcio', { install: true })
  if (python.path === null) throw new Error(`grpcio cannot be had: ${python.reason}`)
  const node = (file: string): readonly string[] => [process.execPath, path.join(folder, file)]
  return [
    { name: 'grpc-js', command: node('grpc-js.mjs'), env: process.env },
    { name: 'connect-node', command: node('connect.mjs'), env: process.env },
    { name: 'grpcio', command: ['python3', path.join(folder, 'grpcio_peer.py')], env: { ...process.env, PYTHONPATH: python.path } },
  ]
}

/** The npm packages of this folder are no part of the project's own. */
function ensurePackages(): void {
  if (existsSync(path.join(folder, 'node_modules', '@grpc', 'grpc-js'))) return
  const run = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`npm ci in ${folder} failed: ${lastLines(run.stderr ?? '')}`)
}

/** Every client with every server; `only` keeps the cases whose `client to server: case` contains it. */
export async function runClients(kind: ProxyKind, only = ''): Promise<CaseResult[]> {
  const all = implementations()
  const results: CaseResult[] = []
  for (const server of all) for (const client of all) results.push(...(await runPair(kind, client, server)))
  return results.filter((one) => `${one.suite}: ${one.name}`.includes(only))
}

function runPair(kind: ProxyKind, client: Implementation, server: Implementation, filters: StandOptions['filters'] = []): Promise<CaseResult[]> {
  return withCleanup(async (defer) => {
    const child = start(server)
    defer(() => stopChild(child.process))
    const origin = await until(`${server.name} to listen`, () => child.port(), { timeoutMs: 20_000 })
    const { port, proxy } = await startStand({ kind, origin, upstream: 'h2', filters })
    defer(() => proxy.stop(kind === 'envoy' ? 'SIGKILL' : 'SIGTERM'))
    const [program = '', ...args] = client.command
    const ran = await runProgram(program, [...args, 'call', String(port)], { timeoutMs: 120_000, env: client.env })
    return readResults(`${client.name} to ${server.name}`, ran.output, ran.code)
  })
}

/** Clients of other protocols than gRPC, with the bridge filters of the proxy between them and a gRPC server. */
const BRIDGED: readonly (readonly [name: string, protocol: string, http: string])[] = [
  ['Connect over HTTP/2', 'connect', '2'], ['Connect over HTTP/1.1', 'connect', '1.1'], ['Connect with GET', 'connect-get', '1.1'],
  ['gRPC-Web over HTTP/2', 'grpc-web', '2'], ['gRPC-Web over HTTP/1.1', 'grpc-web', '1.1'],
]
const BRIDGES = [
  ['envoy.filters.http.grpc_web', 'filters.http.grpc_web.v3.GrpcWeb'], ['envoy.filters.http.connect_grpc_bridge', 'filters.http.connect_grpc_bridge.v3.FilterConfig'],
] as const

/** connect-node with its other protocols to a server that knows gRPC only. */
export async function runBridges(kind: ProxyKind, only = ''): Promise<CaseResult[]> {
  const [server, client] = implementations()
  if (server === undefined || client === undefined) return []
  const results: CaseResult[] = []
  for (const [name, protocol, http] of BRIDGED) {
    const bridged = { name, command: client.command, env: { ...client.env, CONNECT_PROTOCOL: protocol, CONNECT_HTTP: http } }
    for (const one of await runPair(kind, bridged, server, BRIDGES)) results.push(excused(one, protocol))
  }
  return results.filter((one) => `${one.suite}: ${one.name}`.includes(only))
}

/** Cases that cannot pass, with the reason. */
function excused(one: CaseResult, protocol: string): CaseResult {
  let reason = ''
  if (protocol !== 'grpc-web' && one.name === 'status and message') reason = 'grpc-message goes into the JSON as it is, in percent encoding, in Envoy too'
  if (protocol === 'connect-get' && one.name === 'unary, 1 MiB each way') reason = 'a request line of 1 MiB is too long (431)'
  return reason === '' || one.verdict === 'passed' ? one : { ...one, verdict: 'skipped', detail: reason }
}

/** One line of JSON a case; a client that dies before its end is a failed case too. */
function readResults(suite: string, output: string, code: number | null): CaseResult[] {
  const results: CaseResult[] = []
  for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
    const { name, ok, detail } = JSON.parse(line) as { name: string; ok: boolean; detail: string }
    results.push({ suite, name, verdict: ok ? 'passed' : 'failed', detail })
  }
  if (code !== 0 || results.length === 0) results.push({ suite, name: 'the client itself', verdict: 'failed', detail: `ended with ${code}: ${lastLines(output)}` })
  return results
}

function start(implementation: Implementation): { process: ChildProcess; port: () => number | null } {
  const [program = '', ...args] = implementation.command
  const child = spawn(program, [...args, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'], env: implementation.env })
  let output = ''
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString()
  })
  const port = (): number | null => {
    if (child.exitCode !== null) throw new Error(`the server of ${implementation.name} ended with ${child.exitCode}`)
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
