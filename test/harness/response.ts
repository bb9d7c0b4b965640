// Responses of scripted origins in parts, and what they become over HTTP/1 and HTTP/2.
import { fieldOf, grpcMessages } from './http2-actions.ts'
import type { Http2Action } from './http2-actions.ts'

/** Parts of a response. Header lines as `name: value`. */
export interface ResponseParts {
  readonly status?: number
  /** HTTP/1 only. */
  readonly reason?: string
  /** HTTP/1 only. */
  readonly version?: '1.0' | '1.1'
  readonly headers?: readonly string[]
  /** 1xx responses before it. */
  readonly interim?: readonly { readonly status: number; readonly headers?: readonly string[] }[]
  /** Over HTTP/1 it gets a Content-Length, unless `chunks` are given or the headers have one. */
  readonly body?: string
  /** A chunked body of these chunks; one DATA frame each over HTTP/2. */
  readonly chunks?: readonly string[]
  /** Trailer lines after the chunks. */
  readonly trailers?: readonly string[]
  /** A gRPC response with these messages: content-type, and `grpc_status` in trailers. */
  readonly grpc?: readonly string[]
  /** Default 0. */
  readonly grpc_status?: number
  readonly grpc_message?: string
  /** A gRPC response of headers only. */
  readonly trailers_only?: boolean
}

const REASONS: Readonly<Record<number, string>> = { 100: 'Continue', 103: 'Early Hints', 200: 'OK', 204: 'No Content', 301: 'Moved Permanently', 302: 'Found', 304: 'Not Modified', 404: 'Not Found', 500: 'Internal Server Error', 503: 'Service Unavailable' }

/** Bytes of an HTTP/1 response, as Latin-1 text. Adds nothing but a Content-Length (or chunked coding); no date, no server. */
export function response(given: ResponseParts = {}): string {
  const parts = withoutGrpc(given)
  const { status = 200, version = '1.1', headers = [], body = '', chunks, trailers = [] } = parts
  const reason = parts.reason ?? REASONS[status] ?? 'Status'
  const lines = [`HTTP/${version} ${status} ${reason}`, ...headers]
  const framed = headers.some((line) => /^(content-length|transfer-encoding):/i.test(line))
  const bodyless = status < 200 || status === 204 || status === 304
  if (chunks !== undefined && !framed) lines.push('transfer-encoding: chunked')
  else if (!framed && !bodyless) lines.push(`content-length: ${body.length}`)
  const content = chunks === undefined ? body : [...chunks.map(chunk), '0\r\n', ...trailers.map((line) => `${line}\r\n`), '\r\n'].join('')
  const before = (parts.interim ?? []).map((one) => `HTTP/1.1 ${one.status} ${REASONS[one.status] ?? 'Status'}\r\n${(one.headers ?? []).map((line) => `${line}\r\n`).join('')}\r\n`).join('')
  return `${before}${lines.join('\r\n')}\r\n\r\n${content}`
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

/** The same response over HTTP/2; nothing is added but :status. */
export function responseActions(given: ResponseParts = {}): Http2Action[] {
  const parts = withoutGrpc(given)
  const pieces = parts.chunks ?? (parts.body === undefined || parts.body === '' ? [] : [parts.body])
  const trailers = parts.trailers !== undefined && parts.trailers.length > 0
  const actions: Http2Action[] = (parts.interim ?? []).map((one) => ({ headers: [[':status', String(one.status)], ...(one.headers ?? []).map(fieldOf)] }))
  actions.push({ headers: [[':status', String(parts.status ?? 200)], ...(parts.headers ?? []).map(fieldOf)], end: pieces.length === 0 && !trailers })
  pieces.forEach((data, index) => actions.push({ data, end: !trailers && index === pieces.length - 1 }))
  if (trailers) actions.push({ trailers: parts.trailers ?? [] })
  return actions
}

/** gRPC's parts as plain ones. */
function withoutGrpc(parts: ResponseParts): ResponseParts {
  if (parts.grpc === undefined && parts.grpc_status === undefined) return parts
  const status = [`grpc-status: ${parts.grpc_status ?? 0}`, ...(parts.grpc_message === undefined ? [] : [`grpc-message: ${parts.grpc_message}`])]
  const given = parts.headers ?? []
  const headers = given.some((line) => line.startsWith('content-type:')) ? given : ['content-type: application/grpc', ...given]
  if (parts.trailers_only === true) return { ...parts, headers: [...headers, ...status] }
  return { ...parts, headers, chunks: [grpcMessages(parts.grpc ?? []).toString('latin1')].filter((text) => text !== ''), trailers: [...status, ...(parts.trailers ?? [])] }
}
