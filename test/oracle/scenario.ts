// Scenario files: what they may say, and reading them. The format is described in README.md.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { OriginScript, OriginStep, ResponseParts } from '../harness/index.ts'

/** Folder of this suite. */
export const oracleFolder = path.dirname(fileURLToPath(import.meta.url))

/** Any part of a configuration, as YAML gives it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

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
  readonly wait_close?: true
  readonly half_close?: true
  readonly close?: true
  readonly reset?: true
  /** The origin of that name ends its open connections. */
  readonly origin_end?: string
  /** The origin of that name sends these bytes on its newest connection. */
  readonly origin_send?: { readonly origin: string; readonly raw: string }
}

/** Behaviour of an origin as a scenario writes it. */
export type ReplySpec = string | (ResponseParts & { raw?: string; at?: 'head' | 'request'; steps?: OriginStep[] })
export type OriginSpec = ReplySpec | ReplySpec[] | OriginScript

/** One case: a client script, the origins' behaviour, and everything is compared. */
export interface Case {
  readonly name: string
  readonly get?: string | string[]
  readonly method?: string
  readonly host?: string
  readonly headers?: string[]
  readonly send?: string
  readonly raw?: string
  /** Responses to wait for after `send` or `raw`; default 1. */
  readonly responses?: number
  readonly to?: string
  readonly client?: ClientStep[]
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

const KEYS = new Set(['about', 'config', 'hcm', 'route_config', 'virtual_hosts', 'routes', 'http_filters', 'filters', 'listener', 'cluster', 'clusters', 'bootstrap', 'access_log', 'args', 'origin', 'origins', 'cases'])
const CASE_KEYS = new Set(['name', 'get', 'method', 'host', 'headers', 'send', 'raw', 'responses', 'to', 'client', 'origin', 'origins', 'closed', 'ignore', 'patience'])

/** Changes with the meaning of a scenario file or the form of a recording: older recordings are then stale. */
const FORMAT = '1'

/** Every scenario file, sorted by id. `only` keeps those whose `id/case` contains it. */
export function loadScenarios(only = ''): Scenario[] {
  const folder = path.join(oracleFolder, 'scenarios')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'))
  const scenarios = files.sort().map((file) => loadScenario(path.join(folder, file), file.slice(0, -'.yaml'.length)))
  return scenarios.map((scenario) => keepCases(scenario, only)).filter((scenario) => scenario.cases.length > 0)
}

function keepCases(scenario: Scenario, only: string): Scenario {
  const cases = scenario.cases.filter((one) => `${scenario.id}/${one.name}`.includes(only))
  return { ...scenario, cases, partial: cases.length < scenario.cases.length }
}

function loadScenario(file: string, id: string): Scenario {
  const text = readFileSync(file, 'utf8')
  const content = parse(text) as Omit<Scenario, 'id' | 'hash' | 'partial'>
  refuseUnknown(id, Object.keys(content), KEYS)
  for (const one of content.cases) refuseUnknown(`${id}/${one.name}`, Object.keys(one), CASE_KEYS)
  const names = content.cases.map((one) => one.name)
  const twice = names.find((name, index) => typeof name !== 'string' || names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`${id}: every case needs a name of its own: ${String(twice)}`)
  return { ...content, id, partial: false, hash: createHash('sha256').update(`${FORMAT}\n${text}`).digest('hex').slice(0, 16) }
}

function refuseUnknown(where: string, keys: string[], known: Set<string>): void {
  const wrong = keys.find((key) => !known.has(key))
  if (wrong !== undefined) throw new Error(`${where}: no such key: ${wrong}`)
}

/** Text of a request as scenarios write it, as bytes: LF becomes CRLF, and the head gets its empty line. */
export function toWire(text: string): string {
  const wire = text.replace(/\r?\n$/, '').replaceAll(/\r?\n/g, '\r\n')
  if (wire.includes('\r\n\r\n')) return wire
  return wire.endsWith('\r\n') ? `${wire}\r\n` : `${wire}\r\n\r\n`
}

/** The client script of a case, with its short forms written out. */
export function clientSteps(one: Case): ClientStep[] {
  const to = one.to === undefined ? {} : { to: one.to }
  if (one.client !== undefined) return one.client.map((step) => ({ ...to, ...step }))
  if (one.raw !== undefined) return [{ ...to, raw: one.raw }, { read: one.responses ?? 1 }]
  if (one.send !== undefined) return [{ ...to, send: one.send }, { read: one.responses ?? 1 }]
  const paths = [one.get ?? '/'].flat()
  return paths.flatMap((target, index) => [{ ...to, send: requestText(one, target) }, { read: index + 1 }])
}

function requestText(one: Case, target: string): string {
  return [`${one.method ?? 'GET'} ${target} HTTP/1.1`, `host: ${one.host ?? 'example.com'}`, ...(one.headers ?? [])].join('\n')
}

/** `<x*1000>` stands for a thousand `x`. */
export function expandRuns(text: string): string {
  return text.replaceAll(/<(.)\*(\d+)>/g, (_whole, character: string, count: string) => character.repeat(Number(count)))
}
