// Rows about memory and start: idle connections, resident memory after start, time to LIVE.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import net from 'node:net'
import { sleep, until } from '../test/harness/index.ts'
import { largeConfig } from './configs.ts'
import type { ProxySetup } from './configs.ts'
import { runGrpcLoad, runWrk } from './load.ts'
import { rssKiB, tool } from './machine.ts'
import { startProxy } from './proxies.ts'
import type { ProxyName } from './proxies.ts'
import { median } from './run-load.ts'
import type { LoadOptions } from './run-load.ts'

/** KiB of resident memory for each idle keep-alive connection that had one request. */
export interface IdleFigures {
  readonly proxy: ProxyName
  readonly kibEach: number
  readonly beforeKiB: number
  readonly afterKiB: number
}

export const IDLE_CONNECTIONS = 5_000

export async function runIdle(options: LoadOptions): Promise<IdleFigures[]> {
  const results: IdleFigures[] = []
  for (const name of options.proxies) {
    const proxy = await startProxy(name, 'http', options.origins, options.folder, options.pinned)
    if (proxy === null) continue
    try {
      // First make it grow to its working size, so that only the connections are counted.
      await runWrk(proxy.port, { connections: 64 }, 3, options.pinned)
      await sleep(2_000)
      const beforeKiB = rssKiB(proxy.pid)
      const sockets = await openIdle(proxy.port, IDLE_CONNECTIONS)
      await sleep(2_000)
      const afterKiB = rssKiB(proxy.pid)
      const open = sockets.filter((socket) => !socket.destroyed).length
      for (const socket of sockets) socket.destroy()
      if (open < IDLE_CONNECTIONS) throw new Error(`${name} kept only ${open} of ${IDLE_CONNECTIONS} idle connections`)
      results.push({ proxy: name, kibEach: (afterKiB - beforeKiB) / IDLE_CONNECTIONS, beforeKiB, afterKiB })
    } finally {
      await proxy.stop()
    }
  }
  return results
}

/** Opens connections, a hundred at a time, each with one answered request. */
async function openIdle(port: number, count: number): Promise<net.Socket[]> {
  const sockets: net.Socket[] = []
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(100, count - sockets.length) }, () => openOne(port))
    sockets.push(...(await Promise.all(batch)))
  }
  return sockets
}

function openOne(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => socket.write('GET / HTTP/1.1\r\nhost: example.com\r\n\r\n'))
    socket.once('error', reject)
    socket.once('data', () => resolve(socket))
  })
}

/** Memory before and with idle HTTP/2 streams. */
export interface StreamFigures {
  readonly proxy: ProxyName
  readonly streams: number
  readonly beforeKiB: number
  readonly afterKiB: number
}

export const IDLE_STREAMS = { connections: 100, streams: 100 } as const

/** Streams that are open from client to origin and say nothing; only proxies that keep HTTP/2 on both sides. */
export async function runIdleStreams(options: LoadOptions): Promise<StreamFigures[]> {
  const results: StreamFigures[] = []
  for (const name of options.proxies) {
    const proxy = await startProxy(name, 'grpc', options.origins, options.folder, options.pinned)
    if (proxy === null) continue
    try {
      // First make it grow to its working size, so that only the streams are counted.
      await runGrpcLoad(proxy.port, { task: 'unary', connections: 16, streams: 32, size: 100 }, 3, options.pinned)
      await sleep(2_000)
      const beforeKiB = rssKiB(proxy.pid)
      const load = await openIdleStreams(proxy.port, options)
      try {
        await sleep(2_000)
        results.push({ proxy: name, streams: IDLE_STREAMS.connections * IDLE_STREAMS.streams, beforeKiB, afterKiB: rssKiB(proxy.pid) })
      } finally {
        load.kill('SIGKILL')
      }
    } catch (error) {
      console.log(`  ${name} is LEFT OUT of h2-idle: ${(error as Error).message}`)
    } finally {
      await proxy.stop()
    }
  }
  return results
}

async function openIdleStreams(port: number, options: LoadOptions): Promise<ChildProcess> {
  const [command = '', ...rest] = [...options.pinned.load, tool('grpc-load'), 'idle', '-to', `127.0.0.1:${port}`, '-connections', String(IDLE_STREAMS.connections), '-streams', String(IDLE_STREAMS.streams)]
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece: Buffer) => {
      text += piece.toString()
    })
  }
  await until('the streams to be open', () => /^open \d+$/m.test(text) || child.exitCode !== null, { timeoutMs: 20_000 }).catch(() => child.kill('SIGKILL'))
  if (/^open \d+$/m.test(text)) return child
  throw new Error(`the streams did not open: ${text.trim().split('\n')[0] ?? ''}`)
}

/** Start of a proxy: milliseconds to LIVE and resident memory a second later. */
export interface StartFigures {
  readonly proxy: ProxyName
  readonly readyMs: number
  readonly rssKiB: number
}

/** Starts Envoy and nuncio in turns with a configuration and gives medians. */
export async function runStart(options: LoadOptions, config?: (setup: ProxySetup) => string): Promise<StartFigures[]> {
  const names = options.proxies.filter((name) => name === 'envoy' || name === 'nuncio')
  const seen = new Map<ProxyName, { ready: number[]; rss: number[] }>(names.map((name) => [name, { ready: [], rss: [] }]))
  for (let round = 0; round < options.rounds; round++) {
    for (const name of names) {
      const proxy = await startProxy(name, 'http', options.origins, options.folder, options.pinned, config)
      if (proxy === null) continue
      await sleep(1_000)
      seen.get(name)?.ready.push(proxy.readyMs)
      seen.get(name)?.rss.push(rssKiB(proxy.pid))
      await proxy.stop()
      await until(`${name} to be gone`, () => rssKiB(proxy.pid) === 0)
    }
  }
  return names.map((proxy) => ({ proxy, readyMs: median(seen.get(proxy)?.ready ?? []), rssKiB: median(seen.get(proxy)?.rss ?? []) }))
}

/** The configuration of the large start row: 5,000 clusters and 20,000 routes. */
export function largeStartConfig(setup: ProxySetup): string {
  return largeConfig(setup, 5_000, 20_000)
}
