// Splits a stream of bytes into HTTP/1 messages, for looking at what a proxy sent. It is tolerant and no part of nuncio:
// a second opinion on framing must not share code with the codec that it judges.

/** One message as it came. Text is Latin-1, one character a byte. */
export interface RawMessage {
  /** Start line and header lines with their line ends, up to and including the empty line. */
  readonly head: string
  readonly startLine: string
  /** `[name, value]` in order, case kept, value trimmed. */
  readonly headers: readonly (readonly [string, string])[]
  /** Body bytes; of a chunked body the content of the chunks. */
  readonly body: string
  readonly chunked: boolean
  /** Trailer lines of a chunked body. */
  readonly trailers: readonly string[]
  /** False when the bytes end before the message does; always false for a body that lasts until close. */
  readonly complete: boolean
  /** True when only the end of the connection ends the body. */
  readonly untilClose: boolean
  /** Where its bytes start and end in the stream. */
  readonly start: number
  readonly end: number
}

/** `rest`: bytes after the last message that could be split off, empty when all were. */
export interface SplitResult {
  readonly messages: readonly RawMessage[]
  readonly rest: string
}

interface Body {
  readonly body: string
  readonly chunked: boolean
  readonly trailers: readonly string[]
  readonly complete: boolean
  readonly untilClose: boolean
  readonly next: number
}

const noBody = (next: number): Body => ({ body: '', chunked: false, trailers: [], complete: true, untilClose: false, next })

/** Value of the first header of that name (lower case), or undefined. */
export function headerOf(message: Pick<RawMessage, 'headers'>, name: string): string | undefined {
  return message.headers.find(([key]) => key.toLowerCase() === name)?.[1]
}

/** Status code of a response's start line, 0 when it has none. */
export function statusOf(message: Pick<RawMessage, 'startLine'>): number {
  return Number(/^HTTP\/\d\.\d (\d{3})/.exec(message.startLine)?.[1] ?? 0)
}

/** Messages of requests; a request without Content-Length and chunked coding has no body. */
export function splitRequests(bytes: Buffer): SplitResult {
  return split(bytes.toString('latin1'), () => 'request')
}

/**
 * Messages of responses. `methods` are those of the requests, in order: the answer to HEAD has no body, and what follows a 2xx
 * to CONNECT or a 101 is no HTTP and stays in `rest`.
 */
export function splitResponses(bytes: Buffer, methods: readonly string[] = []): SplitResult {
  return split(bytes.toString('latin1'), (finals) => methods[finals] ?? 'GET')
}

function split(text: string, methodOf: (finals: number) => string): SplitResult {
  const messages: RawMessage[] = []
  let at = 0
  let finals = 0
  while (at < text.length) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) break
    const head = text.slice(at, end + 4)
    const lines = head.slice(0, -4).split('\r\n')
    const startLine = lines[0] ?? ''
    const method = methodOf(finals)
    if (method !== 'request' && !startLine.startsWith('HTTP/1.')) break
    const headers = lines.slice(1).map(splitHeader)
    const { next, ...body } = bodyAt(text, end + 4, method, { startLine, headers })
    messages.push({ head, startLine, headers, ...body, start: at, end: next })
    at = next
    if (method === 'request' || statusOf({ startLine }) >= 200) finals += 1
    if (!body.complete || isTunnel(method, startLine)) break
  }
  return { messages, rest: text.slice(at) }
}

function splitHeader(line: string): readonly [string, string] {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()]
}

function isTunnel(method: string, startLine: string): boolean {
  const status = statusOf({ startLine })
  return status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)
}

function bodyAt(text: string, start: number, method: string, head: Pick<RawMessage, 'startLine' | 'headers'>): Body {
  const status = statusOf(head)
  const bodyless = status !== 0 && (status < 200 || status === 204 || status === 304)
  if (method === 'HEAD' || bodyless || isTunnel(method, head.startLine)) return noBody(start)
  if (/chunked\s*$/i.test(headerOf(head, 'transfer-encoding') ?? '')) return chunkedAt(text, start)
  const length = headerOf(head, 'content-length')
  if (length !== undefined && /^\d+$/.test(length)) {
    const body = text.slice(start, start + Number(length))
    return { ...noBody(start + body.length), body, complete: body.length === Number(length) }
  }
  if (method === 'request') return noBody(start)
  return { ...noBody(text.length), body: text.slice(start), complete: false, untilClose: true }
}

function chunkedAt(text: string, start: number): Body {
  let body = ''
  let at = start
  const broken = (): Body => ({ body, chunked: true, trailers: [], complete: false, untilClose: false, next: text.length })
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return broken()
    const size = /^([0-9a-fA-F]+)\s*(?:;|$)/.exec(text.slice(at, lineEnd))?.[1]
    if (size === undefined) return broken()
    const length = Number.parseInt(size, 16)
    at = lineEnd + 2
    if (length === 0) break
    body += text.slice(at, at + length)
    at += length + 2
    if (at > text.length) return broken()
  }
  const trailers: string[] = []
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return broken()
    const line = text.slice(at, lineEnd)
    at = lineEnd + 2
    if (line === '') return { body, chunked: true, trailers, complete: true, untilClose: false, next: at }
    trailers.push(line)
  }
}
