// Scenario files: what they may say, and reading them. The format is described in README.md.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { Http2Action, OriginScript, OriginStep, PeerOptions, RequestSpec, ResponseParts } from '../harness/index.ts'

/** Folder of this suite. */
export const oracleFolder = path.dirname(fileURLToPath(import.meta.url))

/** Any part of a configuration, as YAML gives it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** Protocols of the two sides, client first. */
export const PAIRS = ['h1h1', 'h2h1', 'h1h2', 'h2h2'] as const
export type Pair = (typeof PAIRS)[number]

/** One thing that the client side does. Without `on` it is done on connection `a`, which is opened when first needed. */
export interface ClientStep {
  /** Name of the connection. */
  readonly on?: string
  /** Where a new connection goes: a placeholder's name, default `listener`. */
  readonly to?: string
  /** Local address of a new connection. */
  readonly from?: string
  readonly connect?: true
  /** Text with LF for CRLF; an empty line is added at its end when there is none. */
  readonly send?: string
  /** Exact bytes. */
  readonly raw?: string
  /** Sends `n` bytes `x`. */
  readonly fill?: number
  readonly pause?: number
  /** Waits until so many final responses came on this connection in all. */
  readonly read?: number
  readonly read_until?: string
  readonly read_bytes?: number
  /** An HTTP/2 action; makes the connection one of HTTP/2 with prior knowledge. */
  readonly h2?: Http2Action
  /** A request over whatever this connection speaks; without a protocol pair that is HTTP/1. `read` waits for it. */
  readonly request?: RequestSpec
  /** Stop and go on reading from the socket. */
  readonly stop_reading?: true
  readonly go_on_reading?: true
  /** Waits until the origin of that name saw the heads of so many requests. */
  readonly origin_wait?: { readonly origin: string; readonly requests: number }
  readonly wait_close?: true
  readonly half_close?: true
  readonly close?: true
  readonly reset?: true
  /** The origin of that name ends its open connections. */
  readonly origin_end?: string
  /** The origin of that name sends these bytes, or does this over HTTP/2, on its newest connection. */
  readonly origin_send?: { readonly origin: string; readonly raw?: string; readonly h2?: Http2Action }
}

/** Behaviour of an origin as a scenario writes it. */
export type ReplySpec = string | (ResponseParts & { raw?: string; at?: 'head' | 'request'; steps?: OriginStep[]; h2?: Http2Action[] })
export type OriginSpec = ReplySpec | ReplySpec[] | OriginScript

/** One case: a client script, the origins' behaviour, and everything is compared. */
export interface Case {
  readonly name: string
  readonly get?: string | string[]
  readonly method?: string
  readonly host?: string
  readonly headers?: string[]
  readonly body?: string | string[]
  readonly trailers?: string[]
  /** gRPC messages of the request. */
  readonly grpc?: string[]
  /** Requests in parts: at the same time over HTTP/2, one after another over HTTP/1. */
  readonly requests?: RequestSpec[]
  readonly send?: string
  readonly raw?: string
  /** Responses to wait for after `send` or `raw`; default 1. */
  readonly responses?: number
  readonly to?: string
  readonly client?: ClientStep[]
  /** A client script of HTTP/2 actions and of steps as in `client`. */
  readonly h2?: (Http2Action | ClientStep)[]
  /** How the client's end of its HTTP/2 connections behaves. */
  readonly http2?: PeerOptions
  /** The protocol pairs of the scenario that this case is for; default all. */
  readonly protocols?: Pair[]
  readonly origin?: OriginSpec
  readonly origins?: Record<string, OriginSpec>
  /** Why FIN and RST cannot be told apart here (both are then shown as `closed`): a race in the kernel, not a choice of the proxy. */
  readonly closed?: string
  /** Paths of mismatches that are no difference here, as regular expressions, each with its reason. */
  readonly ignore?: Record<string, string>
  /** Longest wait for a step, in ms. Default 3000. */
  readonly patience?: number
}

/** One scenario file: one configuration and its cases. */
export interface Scenario {
  /** Path below `scenarios/` without its ending. */
  readonly id: string
  readonly hash: string
  readonly about: string
  /** True when `only` left cases out. */
  readonly partial: boolean
  /** Set when the file names `protocols`: it is then one scenario for each. */
  readonly pair?: Pair
  readonly config?: string
  readonly hcm?: JsonObject
  readonly route_config?: JsonObject
  readonly virtual_hosts?: Json[]
  readonly routes?: Json[]
  readonly http_filters?: Json[]
  readonly filters?: Json[]
  readonly listener?: JsonObject
  readonly cluster?: JsonObject
  readonly clusters?: JsonObject[]
  readonly bootstrap?: JsonObject
  readonly access_log?: Json[]
  readonly args?: string[]
  readonly origin?: OriginSpec
  /** Origins beside `origin`, with their behaviour. */
  readonly origins?: Record<string, OriginSpec>
  readonly cases: readonly Case[]
}

const KEYS = new Set(['about', 'protocols', 'config', 'hcm', 'route_config', 'virtual_hosts', 'routes', 'http_filters', 'filters', 'listener', 'cluster', 'clusters', 'bootstrap', 'access_log', 'args', 'origin', 'origins', 'cases'])
const CASE_KEYS = new Set(['name', 'get', 'method', 'host', 'headers', 'body', 'trailers', 'grpc', 'requests', 'send', 'raw', 'responses', 'to', 'client', 'h2', 'http2', 'protocols', 'origin', 'origins', 'closed', 'ignore', 'patience'])

/** Changes with the meaning of a scenario file or the form of a recording: older recordings are then stale. */
const FORMAT = '1'

/** Every scenario file, sorted by id. `only` keeps those whose `id/case` contains it. */
export function loadScenarios(only = ''): Scenario[] {
  const folder = path.join(oracleFolder, 'scenarios')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'))
  const scenarios = files.sort().flatMap((file) => loadScenario(path.join(folder, file), file.slice(0, -'.yaml'.length)))
  return scenarios.map((scenario) => keepCases(scenario, only)).filter((scenario) => scenario.cases.length > 0)
}

function keepCases(scenario: Scenario, only: string): Scenario {
  const cases = scenario.cases.filter((one) => `${scenario.id}/${one.name}`.includes(only))
  return { ...scenario, cases, partial: cases.length < scenario.cases.length }
}

type Content = Omit<Scenario, 'id' | 'hash' | 'partial' | 'pair'> & { readonly protocols?: Pair[] }

function loadScenario(file: string, id: string): Scenario[] {
  const text = readFileSync(file, 'utf8')
  const { protocols, ...content } = parse(text) as Content
  refuseUnknown(id, Object.keys(content), KEYS)
  refuseUnknown(`${id}: protocols`, protocols ?? [], new Set(PAIRS))
  for (const one of content.cases) refuseUnknown(`${id}/${one.name}`, Object.keys(one), CASE_KEYS)
  const names = content.cases.map((one) => one.name)
  const twice = names.find((name, index) => typeof name !== 'string' || names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`${id}: every case needs a name of its own: ${String(twice)}`)
  const hash = createHash('sha256').update(`${FORMAT}\n${text}`).digest('hex').slice(0, 16)
  if (protocols === undefined) return [{ ...content, id, partial: false, hash }]
  return protocols.map((pair) => ({ ...content, id: `${id}@${pair}`, partial: false, pair, hash, cases: content.cases.filter((one) => one.protocols?.includes(pair) ?? true) }))
}

function refuseUnknown(where: string, keys: string[], known: Set<string>): void {
  const wrong = keys.find((key) => !known.has(key))
  if (wrong !== undefined) throw new Error(`${where}: no such key: ${wrong}`)
}

/** `<x*1000>` stands for a thousand `x`. */
export function expandRuns(text: string): string {
  return text.replaceAll(/<(.)\*(\d+)>/g, (_whole, character: string, count: string) => character.repeat(Number(count)))
}

/** The same with every text in it expanded. */
export function expandAll<T>(value: T): T {
  return mapTexts(value, expandRuns)
}

/** A copy with every text of it replaced. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  // The shape stays as it is: only texts change, and to texts.
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) => (typeof part === 'string' ? change(part) : part)) as T
}
