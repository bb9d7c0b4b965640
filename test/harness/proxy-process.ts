// Starts Envoy or nuncio as a process with a configuration, waits until it serves, and stops it.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureTool } from '../../tools/test-deps/tools.js'
import { until } from './wait.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** Which proxy to run. */
export type ProxyKind = 'envoy' | 'nuncio'

/** What to start. */
export interface ProxyOptions {
  readonly kind: ProxyKind
  /** Text of the configuration; it must have its admin on 127.0.0.1 and `adminPort`. */
  readonly config: string
  readonly adminPort: number
  /** Ending of the configuration file: `yaml` (default), `json`, … */
  readonly configFormat?: string
  /** More command-line arguments, Envoy's. */
  readonly args?: readonly string[]
  /** A command to put in front, such as `['taskset', '-c', '0']`. */
  readonly prefix?: readonly string[]
  /** Folder for the configuration; by default a new one that `stop` removes. */
  readonly folder?: string
  /** How long it may take to be LIVE. Default 20 s, for machines with other work. */
  readonly timeoutMs?: number
}

/** An answer of the admin interface. */
export interface AdminAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** Path of the executable of that kind, or the reason why there is none: tests skip with it. */
export function findProxy(kind: ProxyKind): { path: string | null; reason: string } {
  if (kind === 'nuncio') return { path: path.join(root, 'nuncio'), reason: '' }
  return ensureTool('envoy', { install: process.env['NUNCIO_INSTALL_ENVOY'] === '1' })
}

// Proxies that run now: a test process that dies must not leave them behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A running proxy. */
export class ProxyProcess {
  readonly adminPort: number
  readonly folder: string
  /** Milliseconds from the start of the process until `/ready` said LIVE. */
  readyMs = 0
  private readonly child: ChildProcess
  private readonly removesFolder: boolean
  private output = ''
  private exit: { code: number | null; signal: NodeJS.Signals | null } | null = null

  private constructor(child: ChildProcess, options: ProxyOptions, folder: string) {
    this.child = child
    this.adminPort = options.adminPort
    this.folder = folder
    this.removesFolder = options.folder === undefined
    child.stderr?.on('data', (text: Buffer) => this.note(text))
    child.stdout?.on('data', (text: Buffer) => this.note(text))
    running.add(child)
    child.once('exit', (code, signal) => {
      running.delete(child)
      this.exit = { code, signal }
    })
    child.once('error', (error) => {
      this.output += error.message
      this.exit = { code: -1, signal: null }
    })
  }

  /** Starts it and waits until it is LIVE; throws with the end of its output when it exits or takes too long. */
  static async start(options: ProxyOptions): Promise<ProxyProcess> {
    const proxy = ProxyProcess.launch(options)
    const started = performance.now()
    try {
      await until(`${options.kind} to be LIVE`, () => proxy.isLiveOrThrow(), { timeoutMs: options.timeoutMs ?? 20_000, everyMs: 5 })
    } catch (error) {
      await proxy.stop('SIGKILL')
      throw new Error(`${options.kind} did not start: ${(error as Error).message}\n${proxy.stderr().slice(-4_000)}`, { cause: error })
    }
    proxy.readyMs = performance.now() - started
    return proxy
  }

  /** Starts it without waiting for anything. */
  static launch(options: ProxyOptions): ProxyProcess {
    const found = findProxy(options.kind)
    if (found.path === null) throw new Error(`${options.kind} cannot be had: ${found.reason}`)
    const folder = options.folder ?? mkdtempSync(path.join(os.tmpdir(), `nuncio-test-${options.kind}-`))
    const file = path.join(folder, `${options.kind}.${options.configFormat ?? 'yaml'}`)
    writeFileSync(file, options.config)
    const own = options.kind === 'envoy' ? ['--use-dynamic-base-id'] : []
    const concurrency = options.args?.includes('--concurrency') === true ? [] : ['--concurrency', '1']
    const args = [found.path, '-c', file, ...concurrency, '-l', 'warning', ...own, ...(options.args ?? [])]
    const [command = found.path, ...rest] = [...(options.prefix ?? []), ...args]
    return new ProxyProcess(spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] }), options, folder)
  }

  get pid(): number {
    return this.child.pid ?? -1
  }

  /** Exit code and signal, null while it runs. */
  get exited(): { code: number | null; signal: NodeJS.Signals | null } | null {
    return this.exit
  }

  /** What it printed so far, standard error and output together. */
  stderr(): string {
    return this.output
  }

  /** Asks the admin interface. Every call uses a connection of its own. */
  admin(pathAndQuery: string, method = 'GET'): Promise<AdminAnswer> {
    return adminRequest(this.adminPort, pathAndQuery, method)
  }

  /** Resident memory in bytes, 0 where /proc does not tell. */
  rssBytes(): number {
    try {
      const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))
      return Number(line?.[1] ?? 0) * 1_024
    } catch {
      return 0
    }
  }

  /** CPU time of all its threads so far in milliseconds (user and system), 0 where /proc does not tell. */
  cpuMs(): number {
    return cpuMsOf(this.pid)
  }

  signal(signal: NodeJS.Signals): void {
    if (this.exit === null) this.child.kill(signal)
  }

  /** Resolves to the exit code once it exits (null when a signal ended it). */
  async waitForExit(timeoutMs = 10_000): Promise<number | null> {
    const exit = await until('the proxy to exit', () => this.exit, { timeoutMs })
    return exit.code
  }

  /** Ends it, by force after `graceMs`, and removes its folder. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 3_000): Promise<void> {
    this.signal(signal)
    await this.waitForExit(graceMs).catch(() => {
      this.signal('SIGKILL')
      return this.waitForExit(2_000)
    })
    if (this.removesFolder) rmSync(this.folder, { recursive: true, force: true })
  }

  private note(text: Buffer): void {
    // The newest megabyte is enough to explain a failure.
    this.output = (this.output + text.toString()).slice(-1_048_576)
  }

  private async isLiveOrThrow(): Promise<boolean> {
    if (this.exit !== null) throw new Error(`it exited with ${this.exit.code ?? this.exit.signal}`)
    const answer = await this.admin('/ready').catch(() => null)
    return answer?.status === 200
  }
}

/** CPU time of a process in milliseconds. */
export function cpuMsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // utime and stime are fields 14 and 15 of proc(5), in clock ticks of 10 ms.
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return 0
  }
}

/** One request to an admin interface on 127.0.0.1, over a connection of its own. */
export function adminRequest(port: number, pathAndQuery: string, method = 'GET'): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path: pathAndQuery, method, agent: false }, (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces).toString('latin1') }))
    })
    request.setTimeout(5_000, () => request.destroy(new Error(`admin ${pathAndQuery} did not answer in 5 s`)))
    request.on('error', reject)
    request.end()
  })
}
