// From the short forms of a case to the script of its clients.
import { requestFields } from '../harness/index.ts'
import type { Http2Action, RequestSpec } from '../harness/index.ts'
import type { Case, ClientStep, Pair } from './scenario.ts'

/** Text of a request as scenarios write it, as bytes: LF becomes CRLF, and the head gets its empty line. */
export function toWire(text: string): string {
  const wire = text.replace(/\r?\n$/, '').replaceAll(/\r?\n/g, '\r\n')
  if (wire.includes('\r\n\r\n')) return wire
  return wire.endsWith('\r\n') ? `${wire}\r\n` : `${wire}\r\n\r\n`
}

/** Waits for every answer: more than any script has. */
export const ALL = 1e6

/** The client script of a case, with its short forms written out. */
export function clientSteps(one: Case, pair?: Pair): ClientStep[] {
  const to = one.to === undefined ? {} : { to: one.to }
  if (one.client !== undefined) return one.client.map((step) => ({ ...to, ...step }))
  if (one.h2 !== undefined) return http2Steps(one.h2).map((step) => ({ ...to, ...step }))
  if (one.raw !== undefined) return [{ ...to, raw: one.raw }, { read: one.responses ?? 1 }]
  if (one.send !== undefined) return [{ ...to, send: one.send }, { read: one.responses ?? 1 }]
  if (one.requests !== undefined) return requestSteps(one.requests, pair).map((step) => ({ ...to, ...step }))
  const paths = [one.get ?? '/'].flat()
  if (pair !== undefined || one.body !== undefined || one.trailers !== undefined || one.grpc !== undefined) return paths.flatMap((path, index) => [{ ...to, request: requestOf(one, path) }, { read: index + 1 }])
  return paths.flatMap((target, index) => [{ ...to, send: requestText(one, target) }, { read: index + 1 }])
}

/** Over HTTP/2 all at once, over HTTP/1 each after the answer to the one before. */
function requestSteps(requests: readonly RequestSpec[], pair: Pair | undefined): ClientStep[] {
  if (pair?.startsWith('h2') === true) return [...requests.map((request) => ({ request })), { read: requests.length }]
  return requests.flatMap((request, index) => [{ request }, { read: index + 1 }])
}

const OWN_KEYS = new Set(['on', 'to', 'from'])
const STEP_KEYS = ['read', 'pause', 'wait_close', 'half_close', 'close', 'reset', 'connect', 'stop_reading', 'go_on_reading', 'origin_wait', 'origin_end', 'origin_send']

/** Actions become steps; without any wait in it a script waits for all answers at its end. */
function http2Steps(items: readonly (Http2Action | ClientStep)[]): ClientStep[] {
  const steps = items.map((item) => (STEP_KEYS.some((key) => key in item) ? (item as ClientStep) : stepOf(item)))
  const waits = items.some((item) => 'wait' in item || 'read' in item || 'wait_close' in item)
  return waits ? steps : [...steps, { read: ALL }]
}

function stepOf(item: object): ClientStep {
  const entries = Object.entries(item)
  const own = Object.fromEntries(entries.filter(([key]) => OWN_KEYS.has(key)))
  return { ...own, h2: Object.fromEntries(entries.filter(([key]) => !OWN_KEYS.has(key))) as unknown as Http2Action }
}

function requestOf(one: Case, path: string): RequestSpec {
  const { method, host, headers, body, trailers, grpc } = one
  return { path, ...(method === undefined ? {} : { method }), ...(host === undefined ? {} : { host }), ...(headers === undefined ? {} : { headers }), ...(body === undefined ? {} : { body }), ...(trailers === undefined ? {} : { trailers }), ...(grpc === undefined ? {} : { grpc }) }
}

function requestText(one: Case, target: string): string {
  return [`${one.method ?? 'GET'} ${target} HTTP/1.1`, `host: ${one.host ?? 'example.com'}`, ...(one.headers ?? [])].join('\n')
}

/** A request in parts as HTTP/1: with Content-Length, or chunked where there are trailers, several pieces, or no end. */
export function http1Request(spec: RequestSpec, grpcBody: (messages: readonly string[]) => string): string {
  const fields = requestFields(spec).filter(([name]) => name !== 'te' || spec.grpc === undefined)
  const pseudo = (name: string): string => fields.find(([key]) => key === name)?.[1] ?? ''
  const pieces = spec.grpc === undefined ? [spec.body ?? []].flat() : [grpcBody(spec.grpc)]
  const lines = [`${pseudo(':method')} ${pseudo(':path')} HTTP/1.1`, `host: ${pseudo(':authority')}`, ...fields.filter(([name]) => !name.startsWith(':')).map(([name, value]) => `${name}: ${value}`)]
  const framed = fields.some(([name]) => name === 'content-length' || name === 'transfer-encoding')
  const chunked = Array.isArray(spec.body) || spec.trailers !== undefined || spec.end === false
  if (!framed && chunked) lines.push('transfer-encoding: chunked')
  else if (!framed && pieces.length > 0) lines.push(`content-length: ${pieces.join('').length}`)
  const head = `${lines.join('\r\n')}\r\n\r\n`
  if (framed || !chunked) return head + pieces.join('')
  const chunks = pieces.filter((piece) => piece !== '').map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
  const last = spec.end === false ? '' : `0\r\n${[...(spec.trailers ?? [])].map((trailer) => `${typeof trailer === 'string' ? trailer : trailer.join(': ')}\r\n`).join('')}\r\n`
  return head + chunks.join('') + last
}
