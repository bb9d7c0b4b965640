// The soak: mixed traffic for minutes, and nothing may be left behind. Leaks show as what does not come back after it.
import { readdirSync } from 'node:fs'
import { adminRequest, Http2Client, RawClient, sleep, until } from '../test/harness/index.ts'
import type { ProxyKind } from '../test/harness/index.ts'
import { runGrpcLoad, runH2load, runWebSocketLoad, runWrk } from './load.ts'
import type { LoadResult } from './load.ts'
import { rssKiB } from './machine.ts'
import { startProxy } from './proxies.ts'
import type { RunningProxy } from './proxies.ts'
import type { LoadOptions } from './run-load.ts'

const CYCLE_SECONDS = 5
/** Growth of memory from the end of the first third to the end that still counts as none. */
const GROWTH = { share: 0.15, kib: 16_384 } as const
const ACTIVE = /(?:downstream_cx_active|downstream_cx_upgrades_active|downstream_rq_active|upstream_cx_active|upstream_rq_active|upstream_rq_pending_active|streams_active|pending_send_bytes|_buffered): ([1-9]\d*)$/

interface Sample {
  readonly rssKiB: number
  /** Open files apart from pooled connections to origins, of which there are as many as the busiest moment needed. */
  readonly files: number
  /** Gauges that should be zero and are not. */
  readonly active: readonly string[]
}

/** Runs Envoy or nuncio (the last of both that was chosen) under mixed traffic; the exit code says whether anything leaked. */
export async function runSoak(options: LoadOptions, minutes: number): Promise<number> {
  let status = 0
  for (const name of options.proxies) {
    if (name !== 'envoy' && name !== 'nuncio') continue
    const proxy = await startProxy(name, 'mixed', options.origins, options.folder, options.pinned)
    if (proxy === null) continue
    try {
      status = Math.max(status, await soakOne(name, proxy, options, minutes))
    } finally {
      await proxy.stop()
    }
  }
  return status
}

async function soakOne(name: ProxyKind, proxy: RunningProxy, options: LoadOptions, minutes: number): Promise<number> {
  console.log(`\nsoak of ${name}: ${minutes} minutes of mixed traffic: HTTP/1, HTTP/2, gRPC and WebSocket, large bodies, new connections, clients that leave`)
  const samples: Sample[] = []
  let [requests, errors] = [0, 0]
  const deadline = performance.now() + minutes * 60_000
  do {
    const results = await cycle(proxy.port, options)
    requests += results.reduce((sum, one) => sum + one.requests, 0)
    errors += results.reduce((sum, one) => sum + one.errors, 0)
    samples.push(await sampleWhenQuiet(proxy))
  } while (performance.now() < deadline)
  return judge(samples, requests, errors)
}

/** All kinds of traffic at the same time. */
async function cycle(port: number, { pinned }: LoadOptions): Promise<LoadResult[]> {
  const leaving = Promise.all([leavingHttp2(port), leavingHttp1(port), leavingWebSockets(port)])
  const results = await Promise.all([
    runWrk(port, { connections: 16 }, CYCLE_SECONDS, pinned),
    runWrk(port, { connections: 4, headers: ['Connection: close'] }, CYCLE_SECONDS, pinned),
    runH2load(port, { connections: 4, streams: 16 }, CYCLE_SECONDS, pinned),
    runH2load(port, { connections: 2, streams: 2, path: '/1m' }, CYCLE_SECONDS, pinned),
    runGrpcLoad(port, { task: 'unary', connections: 4, streams: 8, size: 100 }, CYCLE_SECONDS, pinned),
    runGrpcLoad(port, { task: 'bidi', connections: 4, streams: 8, size: 10_000 }, CYCLE_SECONDS, pinned),
    runWebSocketLoad(port, { connections: 8, size: 1_000 }, CYCLE_SECONDS, pinned),
  ])
  await leaving
  return results
}

/** Streams that are reset in every moment, and connections that end with streams open. */
async function leavingHttp2(port: number): Promise<void> {
  const deadline = performance.now() + CYCLE_SECONDS * 1_000
  for (let round = 0; performance.now() < deadline; round++) {
    const client = await Http2Client.connect({ port })
    for (let stream = 0; stream < 20; stream++) {
      await client.run({ request: { method: 'POST', path: '/bench.Echo/Call', grpc: ['x'.repeat(1_000)], end: stream % 3 === 0 } })
      if (stream % 2 === 0) await client.run({ rst: 'CANCEL' })
      if (stream % 5 === 0) await client.run({ wait: 'headers', timeoutMs: 200 })
    }
    await (round % 2 === 0 ? client.close() : client.resetConnection())
    await sleep(20)
  }
}

/** Requests whose client leaves before the answer, or within a large one. */
async function leavingHttp1(port: number): Promise<void> {
  const deadline = performance.now() + CYCLE_SECONDS * 1_000
  for (let round = 0; performance.now() < deadline; round++) {
    const client = await RawClient.connect({ port })
    client.keepBytes = false
    client.send(`GET ${round % 2 === 0 ? '/1m' : '/'} HTTP/1.1\r\nhost: a\r\n\r\n`)
    if (round % 3 === 0) await client.readBytes(100_000, 100)
    await (round % 2 === 0 ? client.reset() : client.close())
    await sleep(5)
  }
}

/** Tunnels that end in the middle of a frame. */
async function leavingWebSockets(port: number): Promise<void> {
  const deadline = performance.now() + CYCLE_SECONDS * 1_000
  for (let round = 0; performance.now() < deadline; round++) {
    const client = await RawClient.connect({ port })
    client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
    if (round % 3 !== 0) await client.readUntil('\r\n\r\n', 500)
    // A masked binary frame of 100 bytes, of which not all come.
    client.send(Buffer.concat([Buffer.from('82e400000000', 'hex'), Buffer.alloc(50)]))
    await (round % 2 === 0 ? client.reset() : client.close())
    await sleep(10)
  }
}

async function sampleWhenQuiet(proxy: RunningProxy): Promise<Sample> {
  let last: readonly string[] = []
  let pooled = 0
  await until(
    'no stream to be active',
    async () => {
      const answer = await adminRequest(proxy.adminPort, '/stats')
      pooled = [...answer.body.matchAll(/^cluster\.[^.\n]+\.upstream_cx_active: (\d+)$/gm)].reduce((sum, match) => sum + Number(match[1]), 0)
      // Connections to origins may stay: they are pooled. What Envoy counts as read and not handled of them stays too.
      last = answer.body.split('\n').filter((line) => ACTIVE.test(line) && !/admin|upstream_cx_active|upstream_cx_.*_active|upstream_cx_rx_bytes_buffered/.test(line))
      return last.length === 0
    },
    { timeoutMs: 5_000, everyMs: 100 },
  ).catch(() => null)
  return { rssKiB: rssKiB(proxy.pid), files: openFiles(proxy.pid) - pooled, active: last }
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}

function judge(samples: readonly Sample[], requests: number, errors: number): number {
  const third = samples[Math.floor(samples.length / 3)]
  const end = samples.at(-1)
  if (third === undefined || end === undefined) return 1
  const mib = (one: Sample): string => (one.rssKiB / 1_024).toFixed(0)
  const grown = end.rssKiB - third.rssKiB
  const problems: string[] = []
  if (grown > Math.max(GROWTH.kib, third.rssKiB * GROWTH.share)) problems.push(`memory grew by ${(grown / 1_024).toFixed(0)} MiB in the last two thirds`)
  if (end.files > third.files + 20) problems.push(`open files grew from ${third.files} to ${end.files}`)
  if (end.active.length > 0) problems.push(`still active: ${end.active.join(', ')}`)
  if (errors > 0) problems.push(`${errors} errors`)
  console.log(`  ${requests} requests and messages, ${errors} errors; RSS MiB by cycle: ${samples.map(mib).join(' ')}; open files without pooled connections: ${samples.map((one) => one.files).join(' ')}`)
  console.log(problems.length === 0 ? '  nothing left behind' : `  FAILED: ${problems.join('; ')}`)
  return problems.length === 0 ? 0 : 1
}
