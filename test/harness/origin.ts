// A scripted origin: an HTTP/1 (or plain TCP) server whose behaviour is data and which keeps every byte that it received.
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Bytes, Ending } from './client.ts'
import { splitRequests } from './http1-messages.ts'
import type { RawMessage } from './http1-messages.ts'
import { sleep } from './wait.ts'

/** One thing an origin does on a connection. Steps of a reply run one after another. */
export type OriginStep =
  | { readonly send: Bytes }
  | { readonly pauseMs: number }
  /** Waits until the request that is being answered is complete (for replies at its head). */
  | { readonly waitForRequest: true }
  /** Sends that many bytes `x` as fast as the peer takes them. */
  | { readonly fill: number; readonly pieceBytes?: number }
  /** `fin` ends our side, `rst` resets. */
  | { readonly end: 'fin' | 'rst' }
  /** From here on sends back every byte that comes (after a 101, or for plain TCP). */
  | { readonly echo: true }

/** What to do for one request. */
export interface Reply {
  /** When the steps start: once the whole request is there (default) or with its head. */
  readonly at?: 'request' | 'head'
  readonly steps: readonly OriginStep[]
}

/** Behaviour of an origin. Every part may be left out: the default answers each request `200` with a body of five bytes. */
export interface OriginScript {
  /** Steps for every new connection, before it looks for requests. */
  readonly onConnect?: readonly OriginStep[]
  /** Replies in the order of requests over all connections; the last one repeats. Empty: never answers. */
  readonly replies?: readonly Reply[]
  /** Do not read from new connections until `resumeReading` is called. */
  readonly startPaused?: boolean
  /** Do not look for requests: the origin only runs `onConnect` and records. */
  readonly plainTcp?: boolean
}

/** Parts of an HTTP/1 response for `response`. Header lines as `name: value`. */
export interface ResponseParts {
  readonly status?: number
  readonly reason?: string
  readonly version?: '1.0' | '1.1'
  readonly headers?: readonly string[]
  /** Gets a Content-Length, unless `chunks` are given or the headers have one. */
  readonly body?: string
  /** Sends a chunked body of these chunks. */
  readonly chunks?: readonly string[]
  /** Trailer lines after the chunks. */
  readonly trailers?: readonly string[]
}

const REASONS: Readonly<Record<number, string>> = { 200: 'OK', 204: 'No Content', 301: 'Moved Permanently', 302: 'Found', 304: 'Not Modified', 404: 'Not Found', 500: 'Internal Server Error', 503: 'Service Unavailable' }

/** Bytes of a response, as Latin-1 text. Adds nothing but a Content-Length (or chunked coding); no date, no server. */
export function response(parts: ResponseParts = {}): string {
  const { status = 200, version = '1.1', headers = [], body = '', chunks, trailers = [] } = parts
  const reason = parts.reason ?? REASONS[status] ?? 'Status'
  const lines = [`HTTP/${version} ${status} ${reason}`, ...headers]
  const framed = headers.some((line) => /^(content-length|transfer-encoding):/i.test(line))
  const bodyless = status < 200 || status === 204 || status === 304
  if (chunks !== undefined && !framed) lines.push('transfer-encoding: chunked')
  else if (!framed && !bodyless) lines.push(`content-length: ${body.length}`)
  const content = chunks === undefined ? body : [...chunks.map(chunk), '0\r\n', ...trailers.map((line) => `${line}\r\n`), '\r\n'].join('')
  return `${lines.join('\r\n')}\r\n\r\n${content}`
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

/** A reply that sends these bytes, or a response made of these parts, when the request is complete. */
export function answer(what: string | ResponseParts = { body: 'hello' }): Reply {
  return { steps: [{ send: typeof what === 'string' ? what : response(what) }] }
}

const DEFAULT_SCRIPT: OriginScript = { replies: [answer()] }

const toBuffer = (bytes: Bytes): Buffer => (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)

/** What an origin saw of one connection. */
export class OriginConnection {
  readonly socket: net.Socket
  readonly remotePort: number
  receivedBytes = 0
  ended: Ending = 'open'
  echoing = false
  keepBytes = true
  answered = 0
  private readonly pieces: Buffer[] = []

  constructor(socket: net.Socket, keepBytes: boolean) {
    this.socket = socket
    this.remotePort = socket.remotePort ?? 0
    this.keepBytes = keepBytes
  }

  /** Every byte received so far. */
  get received(): Buffer {
    return Buffer.concat(this.pieces)
  }

  /** The requests in those bytes; the last may be incomplete. */
  requests(): readonly RawMessage[] {
    return splitRequests(this.received).messages
  }

  take(piece: Buffer): void {
    this.receivedBytes += piece.length
    if (this.keepBytes) this.pieces.push(piece)
  }
}

/** An origin listening on 127.0.0.1. */
export class ScriptedOrigin {
  /** Connections since start or the last `use`, in order of arrival. */
  connections: OriginConnection[] = []
  /** Set to false before large uploads: bytes are counted, not kept, and requests not recognised. */
  keepBytes = true
  private readonly server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true })
  private readonly open = new Set<net.Socket>()
  private script: OriginScript = DEFAULT_SCRIPT
  private served = 0

  /** Starts an origin on a free port (or the given one). */
  static async start(script: OriginScript = DEFAULT_SCRIPT, port = 0): Promise<ScriptedOrigin> {
    const origin = new ScriptedOrigin()
    origin.script = script
    origin.server.on('connection', (socket) => origin.onConnection(socket))
    await new Promise<void>((resolve, reject) => {
      origin.server.once('error', reject)
      origin.server.listen({ port, host: '127.0.0.1', backlog: 1_024 }, resolve)
    })
    return origin
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Number of connections that are open now. */
  get openConnections(): number {
    return this.open.size
  }

  /** All requests of all connections, in order of connections. */
  requests(): RawMessage[] {
    return this.connections.flatMap((connection) => [...connection.requests()])
  }

  /** Takes a new script and forgets what was recorded; open connections stay open. */
  use(script: OriginScript): void {
    this.script = script
    this.connections = []
    this.served = 0
  }

  /** Ends every open connection (FIN) and resolves when they are gone. */
  async endConnections(): Promise<void> {
    await Promise.all([...this.open].map((socket) => destroyed(socket)))
  }

  /** Stops listening and ends every connection. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve))
    await this.endConnections()
    await closed
  }

  private onConnection(socket: net.Socket): void {
    const connection = new OriginConnection(socket, this.keepBytes)
    this.connections.push(connection)
    this.open.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => (connection.ended = 'reset'))
    socket.on('end', () => this.onEnd(connection))
    socket.on('close', () => {
      this.open.delete(socket)
      if (connection.ended === 'open') connection.ended = 'fin'
    })
    void this.serve(connection, this.script)
  }

  private onEnd(connection: OriginConnection): void {
    if (connection.ended === 'open') connection.ended = 'fin'
    // A peer that ends its side after its last answer is done; half-closed exchanges end ours themselves.
    connection.socket.end()
  }

  private async serve(connection: OriginConnection, script: OriginScript): Promise<void> {
    connection.socket.on('data', (piece) => this.onData(connection, script, toBuffer(piece)))
    if (script.startPaused !== true) connection.socket.resume()
    await this.run(script.onConnect ?? [], connection)
  }

  private onData(connection: OriginConnection, script: OriginScript, piece: Buffer): void {
    connection.take(piece)
    if (connection.echoing) connection.socket.write(piece)
    else if (script.plainTcp !== true && connection.keepBytes) this.answerNext(connection, script)
  }

  private answerNext(connection: OriginConnection, script: OriginScript): void {
    const requests = connection.requests()
    const request = requests[connection.answered]
    if (request === undefined) return
    const replies = script.replies ?? [answer()]
    const reply = replies[Math.min(this.served, replies.length - 1)]
    if (reply === undefined || (!request.complete && reply.at !== 'head')) return
    this.served += 1
    connection.answered += 1
    void this.run(reply.steps, connection, connection.answered - 1).then(() => this.answerNext(connection, script))
  }

  private async run(steps: readonly OriginStep[], connection: OriginConnection, request = -1): Promise<void> {
    const { socket } = connection
    for (const step of steps) {
      if (socket.destroyed) return
      if ('send' in step) socket.write(step.send, 'latin1')
      else if ('pauseMs' in step) await sleep(step.pauseMs)
      else if ('fill' in step) await fill(socket, step.fill, step.pieceBytes ?? 65_536)
      else if ('waitForRequest' in step) await requestComplete(connection, request)
      else if ('echo' in step) connection.echoing = true
      else if (step.end === 'fin') socket.end()
      else socket.resetAndDestroy()
    }
  }
}

async function requestComplete(connection: OriginConnection, request: number): Promise<void> {
  while (!connection.socket.destroyed && connection.requests()[request]?.complete !== true) await sleep(5)
}

function destroyed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.end()
    socket.destroy()
  })
}

async function fill(socket: net.Socket, bytes: number, pieceBytes: number): Promise<void> {
  const piece = Buffer.alloc(pieceBytes, 'x')
  let wake = (): void => {}
  socket.on('drain', () => wake())
  socket.once('close', () => wake())
  for (let left = bytes; left > 0 && !socket.destroyed; left -= pieceBytes) {
    if (socket.write(left >= pieceBytes ? piece : piece.subarray(0, left))) continue
    await new Promise<void>((resolve) => (wake = resolve))
  }
}
