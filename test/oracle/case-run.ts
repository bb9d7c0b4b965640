// Plays one case against a running proxy and observes everything.
import { readFileSync } from 'node:fs'
import { grpcMessages, Http2Client, RawClient, sleep, until } from '../harness/index.ts'
import type { Http2Action, ProxyProcess, ScriptedOrigin, Target } from '../harness/index.ts'
import { ALL, clientSteps, http1Request, toWire } from './client-steps.ts'
import { ASSUMED_ADDRESS_LENGTH, canonicalLines, extraTimeDigits, http2Lines, isMaskedStat, isVaryingByteTotal, OWN_ADDRESS } from './mask.ts'
import type { Masker } from './mask.ts'
import type { Observation, SeenConnection } from './observation.ts'
import { originScript } from './origin-spec.ts'
import { expandRuns, mapTexts } from './scenario.ts'
import type { Case, ClientStep, Scenario } from './scenario.ts'

/** How long a connection that is still open is watched before it counts as kept. */
const KEPT_AFTER_MS = 60
/** How long to wait for what Envoy's recording says will happen. */
const HINT_MS = 1_500

/** What all cases of a file share. */
export interface Stage {
  readonly scenario: Scenario
  readonly proxy: ProxyProcess
  readonly origins: ReadonlyMap<string, ScriptedOrigin>
  /** Ports and paths by placeholder name. */
  readonly values: ReadonlyMap<string, string>
  readonly masker: Masker
  readonly logFile: string
  /** Statistics and log length at the end of the case before. */
  stats: Map<string, number>
  logOffset: number
}

/** A client connection of a case. */
type Client = RawClient | Http2Client

/** Runs one case. `hint` is what the other proxy did: it only says how long to wait for what. */
export async function runCase(stage: Stage, one: Case, hint?: Observation): Promise<Observation> {
  stage.masker.beginCase()
  prepareOrigins(stage, one)
  const clients = new Map<string, Client>()
  try {
    for (const step of clientSteps(one, stage.scenario.pair)) await play(stage, clients, step, one)
    await watchEndings(stage, clients, hint)
    const seenClients = seeClients(clients, stage.masker, one.closed !== undefined)
    const seenOrigins = seeOrigins(stage, [...clients.values()])
    const addressBytes = extraAddressBytes(stage)
    for (const client of clients.values()) await client.close()
    await Promise.all([...stage.origins.values()].map((origin) => origin.endConnections()))
    const stats = await settle(stage)
    const lines = await newLogLines(stage, hint?.log.length ?? 0)
    // Streams of one connection end in any order.
    const log = [...clients.values()].some((client) => client instanceof Http2Client) ? lines.sort() : lines
    return { clients: seenClients, origins: seenOrigins, log, stats: takeDelta(stage, stats, [...clients.values()], addressBytes) }
  } finally {
    for (const client of clients.values()) await client.close()
  }
}

function prepareOrigins(stage: Stage, one: Case): void {
  for (const [name, origin] of stage.origins) {
    const own = name === 'origin' ? (one.origins?.['origin'] ?? one.origin ?? stage.scenario.origins?.['origin'] ?? stage.scenario.origin) : (one.origins?.[name] ?? stage.scenario.origins?.[name])
    origin.use(originScript(own))
  }
}

async function play(stage: Stage, clients: Map<string, Client>, step: ClientStep, one: Case): Promise<void> {
  const patience = one.patience ?? 3_000
  if (step.pause !== undefined) return sleep(step.pause)
  if (step.origin_end !== undefined) return stage.origins.get(step.origin_end)?.endConnections()
  if (step.origin_send !== undefined) return originSends(stage, step.origin_send)
  if (step.origin_wait !== undefined) return originSaw(stage, step.origin_wait, patience)
  const client = await clientOf(stage, clients, step, one)
  if (step.stop_reading === true) client.pause()
  if (step.go_on_reading === true) client.resume()
  if (client instanceof Http2Client) await playHttp2(stage, client, step, patience)
  else await playHttp1(stage, client, step, patience)
  if (step.half_close === true) client.halfClose()
  if (step.close === true) await client.close()
  if (step.reset === true) await (client instanceof Http2Client ? client.resetConnection() : client.reset())
}

async function playHttp1(stage: Stage, client: RawClient, step: ClientStep, patience: number): Promise<void> {
  if (step.send !== undefined) client.send(fillIn(stage, toWire(step.send)))
  if (step.raw !== undefined) client.send(fillIn(stage, step.raw))
  if (step.request !== undefined) client.send(http1Request(filled(stage, step.request), (messages) => grpcMessages(messages).toString('latin1')))
  if (step.fill !== undefined) client.send(Buffer.alloc(step.fill, 'x'))
  if (step.read !== undefined) await client.readResponses(step.read, patience)
  if (step.read_until !== undefined) await client.readUntil(step.read_until, patience)
  if (step.read_bytes !== undefined) await client.readBytes(step.read_bytes, patience)
  if (step.wait_close === true) await client.readUntilClose(patience)
}

async function playHttp2(stage: Stage, client: Http2Client, step: ClientStep, patience: number): Promise<void> {
  const wrong = (['send', 'fill', 'read_until', 'read_bytes'] as const).find((key) => step[key] !== undefined)
  if (wrong !== undefined) throw new Error(`${stage.scenario.id}: ${wrong} is for HTTP/1 connections`)
  const { peer } = client
  if (step.raw !== undefined) await client.run({ raw: fillIn(stage, step.raw) })
  if (step.request !== undefined) await client.run({ request: filled(stage, step.request) })
  if (step.h2 !== undefined) await client.run(filled(stage, step.h2))
  const { read } = step
  if (read !== undefined) {
    const ours = (): { readonly done: boolean }[] => [...peer.streams.values()].filter((stream) => stream.ours)
    await peer.waitFor(() => peer.ended !== 'open' || ours().filter((stream) => stream.done).length >= (read === ALL ? ours().length : read), patience)
  }
  if (step.wait_close === true) await peer.waitFor(() => peer.ended !== 'open', patience)
}

function filled<T>(stage: Stage, value: T): T {
  return mapTexts(value, (text) => fillIn(stage, text))
}

async function originSends(stage: Stage, what: { readonly origin: string; readonly raw?: string; readonly h2?: Http2Action }): Promise<void> {
  const connection = stage.origins.get(what.origin)?.connections.at(-1)
  if (what.raw !== undefined) connection?.socket.write(what.raw, 'latin1')
  if (what.h2 !== undefined) await connection?.act(filled(stage, what.h2))
}

async function originSaw(stage: Stage, what: { readonly origin: string; readonly requests: number }, patience: number): Promise<void> {
  const seen = (): number => (stage.origins.get(what.origin)?.connections ?? []).reduce((sum, connection) => sum + connection.requestHeads(), 0)
  await until('the origin to see requests', () => seen() >= what.requests, { timeoutMs: patience, everyMs: 3 }).catch(() => null)
}

function fillIn(stage: Stage, text: string): string {
  return expandRuns(text.replaceAll(/\$\{([a-z0-9_]+)\}/g, (whole, name: string) => stage.values.get(name) ?? whole))
}

async function clientOf(stage: Stage, clients: Map<string, Client>, step: ClientStep, one: Case): Promise<Client> {
  const name = step.on ?? 'a'
  const known = clients.get(name)
  if (known !== undefined) return known
  const place = stage.values.get(step.to ?? 'listener') ?? ''
  const target: Target = place.startsWith('/') ? { path: place } : { port: Number(place), ...(step.from === undefined ? {} : { localAddress: step.from }) }
  const http2 = step.h2 !== undefined || one.h2 !== undefined || (stage.scenario.pair?.startsWith('h2') === true && step.send === undefined && step.raw === undefined)
  const client = http2 ? await Http2Client.connect(target, one.http2 ?? {}) : await RawClient.connect(target)
  stage.masker.clientPort(client.localPort, `client-${name}`)
  clients.set(name, client)
  return client
}

/** Gives the proxy time to end connections, or to do what the hint says. */
async function watchEndings(stage: Stage, clients: Map<string, Client>, hint: Observation | undefined): Promise<void> {
  if (hint === undefined) return sleep(KEPT_AFTER_MS)
  const matches = (): boolean => {
    for (const [name, client] of clients) {
      const expected = hint.clients[name]
      if (!client.endedByUs && !sameEnding(client.ended, expected?.ended)) return false
      if (client instanceof Http2Client && fewer(client.lines(), expected)) return false
    }
    for (const [name, origin] of stage.origins) {
      const expected = hint.origins[name] ?? []
      if (origin.connections.length !== expected.length || origin.connections.some((connection, index) => connection.ended !== expected[index]?.ended || fewer(connection.lines(), expected[index]))) return false
    }
    return true
  }
  await until('the endings of the recording', matches, { timeoutMs: HINT_MS, everyMs: 5 }).catch(() => null)
  // What should stay open may still be closed: watch it as long as when it was recorded.
  if (Object.values(hint.clients).some((client) => client.ended === 'open')) await sleep(KEPT_AFTER_MS)
}

/** Frames that the recording has are still missing. */
function fewer(lines: readonly string[], expected: SeenConnection | undefined): boolean {
  return expected !== undefined && lines.length > 0 && lines.join('').split('\n').length <= expected.received.length
}

function sameEnding(ended: string, expected: string | undefined): boolean {
  return ended === expected || (expected === 'closed' && ended !== 'open')
}

function seeClients(clients: Map<string, Client>, masker: Masker, loose: boolean): Record<string, SeenConnection> {
  const seen: Record<string, SeenConnection> = {}
  for (const [name, client] of clients) seen[name] = { received: client instanceof Http2Client ? http2Lines(client.lines(), masker) : canonicalLines(client.received, client.responses(), masker), ended: client.endedByUs ? 'by client' : loose && client.ended !== 'open' ? 'closed' : client.ended }
  return seen
}

function seeOrigins(stage: Stage, clients: readonly Client[]): Record<string, SeenConnection[]> {
  const seen: Record<string, SeenConnection[]> = {}
  // An origin's own numbering stands for the ephemeral ports of the proxy.
  for (const [name, origin] of stage.origins) origin.connections.forEach((connection, index) => stage.masker.upstreamPort(connection.remotePort, `${name}-connection-${index}`))
  if (clients.length === 0) return seen
  for (const [name, origin] of stage.origins) {
    if (origin.connections.length > 0) seen[name] = origin.connections.map((connection) => ({ received: connection.peer === null ? canonicalLines(connection.received, connection.requests(), stage.masker) : http2Lines(connection.lines(), stage.masker), ended: connection.ended }))
  }
  return seen
}

const ACTIVE = /^(?:(?!listener\.admin|http\.admin).*\.)?(?:downstream_cx_active|upstream_cx_active|upstream_rq_active|downstream_rq_active|upstream_rq_pending_active|http2\.streams_active)$/

/** Waits until nothing is active any more and the statistics stand still. */
async function settle(stage: Stage): Promise<Map<string, number>> {
  let previous = ''
  const idle = async (): Promise<Map<string, number> | null> => {
    const stats = await readStats(stage.proxy)
    const busy = [...stats].some(([name, value]) => value !== 0 && ACTIVE.test(name))
    const now = JSON.stringify([...stats].filter(([name]) => !isMaskedStat(name)))
    const still = now === previous
    previous = now
    return !busy && still ? stats : null
  }
  return until('the proxy to be idle after the case', idle, { timeoutMs: 4_000, everyMs: 8 }).catch(() => readStats(stage.proxy))
}

/** Counters and gauges; histograms are summed up on a timer and cannot be told apart by case. */
export async function readStats(proxy: ProxyProcess): Promise<Map<string, number>> {
  const stats = new Map<string, number>()
  for (const line of (await proxy.admin('/stats')).body.split('\n')) {
    const match = /^(.+): (\d+)$/.exec(line)
    if (match?.[1] !== undefined) stats.set(match[1], Number(match[2]))
  }
  return stats
}

/** Bytes that this machine's own address adds to requests over the one that is assumed: it is part of x-forwarded-for here. */
function extraAddressBytes(stage: Stage): number {
  const received = [...stage.origins.values()].flatMap((origin) => origin.connections.map((connection) => connection.received.toString('latin1'))).join('')
  const found = OWN_ADDRESS === '' ? 0 : received.split(OWN_ADDRESS).length - 1
  return found * (OWN_ADDRESS.length - ASSUMED_ADDRESS_LENGTH)
}

function takeDelta(stage: Stage, stats: Map<string, number>, clients: readonly Client[], addressBytes: number): Record<string, number> {
  const delta: Record<string, number> = {}
  const digits = clients.reduce((sum, client) => sum + (client instanceof Http2Client ? 0 : extraTimeDigits(client.received)), 0)
  const http2 = { downstream: clients.some((client) => client instanceof Http2Client), upstream: [...stage.origins.values()].some((origin) => origin.connections.some((connection) => connection.peer !== null)) }
  for (const [name, value] of [...stats].sort(([left], [right]) => (left < right ? -1 : 1))) {
    let change = value - (stage.stats.get(name) ?? 0)
    if (/^http\..*\.downstream_cx_tx_bytes_total$/.test(name)) change -= digits
    if (/^cluster\..*\.upstream_cx_tx_bytes_total$/.test(name)) change -= addressBytes
    if (change !== 0 && !isMaskedStat(name) && !isVaryingByteTotal(name, http2)) delta[stage.masker.text(name)] = change
  }
  stage.stats = stats
  return delta
}

/** Log lines of this case: waits for as many as the hint had, and until the file stops growing. */
async function newLogLines(stage: Stage, expected: number): Promise<string[]> {
  const read = (): string => {
    try {
      return readFileSync(stage.logFile, 'latin1').slice(stage.logOffset)
    } catch {
      return ''
    }
  }
  const count = (text: string): number => text.split('\n').length - 1
  if (expected > 0) await until('log lines', () => count(read()) >= expected, { timeoutMs: HINT_MS }).catch(() => null)
  let text = read()
  // The proxies flush every 5 ms; without a hint be more careful.
  const quietMs = expected > 0 ? 10 : 80
  for (let quiet = 0; quiet < quietMs; quiet += 10) {
    await sleep(10)
    const now = read()
    if (now !== text) quiet = 0
    text = now
  }
  stage.logOffset += text.length
  return text === '' ? [] : stage.masker.text(text).split(/(?<=\n)/)
}
