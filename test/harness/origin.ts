// A scripted origin: an HTTP/1, HTTP/2 (prior knowledge) or plain TCP server whose behaviour is data and which keeps what it received.
// Which HTTP it speaks is the proxy's choice: a connection that begins with the preface is HTTP/2.
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Bytes, Ending } from './client.ts'
import { splitRequests } from './http1-messages.ts'
import type { RawMessage } from './http1-messages.ts'
import { runAction } from './http2-actions.ts'
import type { Http2Action } from './http2-actions.ts'
import { Http2Serving } from './http2-origin.ts'
import type { Http2Peer, PeerOptions } from './http2-peer.ts'
import { response, responseActions } from './response.ts'
import type { ResponseParts } from './response.ts'
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
  /** The same over HTTP/2; without it such a request is answered 599. */
  readonly h2?: readonly Http2Action[]
}

/** Behaviour of an origin. Every part may be left out: the default answers each request `200` with a body of five bytes. */
export interface OriginScript {
  /** Steps for every new connection, before it looks for requests. */
  readonly onConnect?: readonly OriginStep[]
  /** Replies in the order of requests over all connections; the last one repeats. Empty: never answers. */
  readonly replies?: readonly Reply[]
  /** Replies by path, which go before `replies`: for requests that come in any order. */
  readonly paths?: Readonly<Record<string, Reply>>
  /** How the origin's end of an HTTP/2 connection behaves. */
  readonly http2?: PeerOptions
  /** Actions on every new HTTP/2 connection. */
  readonly onHttp2?: readonly Http2Action[]
  /** Do not read from new connections until `resumeReading` is called. */
  readonly startPaused?: boolean
  /** Do not look for requests: the origin only runs `onConnect` and records. */
  readonly plainTcp?: boolean
}

/** A reply that sends these bytes, or a response made of these parts, when the request is complete. */
export function answer(what: string | ResponseParts = { body: 'hello' }): Reply {
  return typeof what === 'string' ? { steps: [{ send: what }] } : { steps: [{ send: response(what) }], h2: responseActions(what) }
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
  /** Our end, when the proxy speaks HTTP/2 here. */
  peer: Http2Peer | null = null
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

  /** What came over HTTP/2, line by line; empty on another connection. */
  lines(): string[] {
    return this.peer?.lines() ?? []
  }

  /** The requests in those bytes; the last may be incomplete. */
  requests(): readonly RawMessage[] {
    return splitRequests(this.received).messages
  }

  /** Requests whose head came, over either protocol. */
  requestHeads(): number {
    return this.peer === null ? this.requests().length : [...this.peer.streams.values()].filter((stream) => stream.blocks.length > 0).length
  }

  /** Does something over HTTP/2; without `stream` on the newest stream. */
  async act(action: Http2Action): Promise<void> {
    if (this.peer === null) return
    await runAction(this.peer, action, Math.max(0, ...this.peer.streams.keys()))
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
    socket.on('error', () => {
      connection.ended = 'reset'
      connection.peer?.noteEnding('reset')
    })
    socket.on('end', () => this.onEnd(connection))
    socket.on('close', () => {
      this.open.delete(socket)
      if (connection.ended === 'open') connection.ended = 'fin'
      connection.peer?.noteEnding('fin')
    })
    void this.serve(connection, this.script)
  }

  private onEnd(connection: OriginConnection): void {
    if (connection.ended === 'open') connection.ended = 'fin'
    connection.peer?.noteEnding('fin')
    // A peer that ends its side after its last answer is done; half-closed exchanges end ours themselves.
    connection.socket.end()
  }

  private async serve(connection: OriginConnection, script: OriginScript): Promise<void> {
    connection.socket.on('data', (piece) => this.onData(connection, script, toBuffer(piece)))
    if (script.startPaused !== true) connection.socket.resume()
    await this.run(script.onConnect ?? [], connection)
  }

  private onData(connection: OriginConnection, script: OriginScript, piece: Buffer): void {
    if (connection.receivedBytes === 0 && script.plainTcp !== true && piece.toString('latin1', 0, 5) === 'PRI *') this.speakHttp2(connection, script)
    connection.take(piece)
    if (connection.peer !== null) connection.peer.push(piece)
    else if (connection.echoing) connection.socket.write(piece)
    else if (script.plainTcp !== true && connection.keepBytes) this.answerNext(connection, script)
  }

  private speakHttp2(connection: OriginConnection, script: OriginScript): void {
    const serving = new Http2Serving(connection.socket, script.http2 ?? {}, script.onHttp2 ?? [], (path, complete) => this.takeReply(script, path, complete))
    connection.peer = serving.peer
  }

  /** The reply for the next request, or null when it is to be answered later or never. */
  private takeReply(script: OriginScript, path: string, complete: boolean): Reply | null {
    const replies = script.replies ?? [answer()]
    const reply = script.paths?.[path] ?? replies[Math.min(this.served, replies.length - 1)]
    if (reply === undefined || (!complete && reply.at !== 'head')) return null
    this.served += 1
    return reply
  }

  private answerNext(connection: OriginConnection, script: OriginScript): void {
    const requests = connection.requests()
    const request = requests[connection.answered]
    if (request === undefined) return
    const reply = this.takeReply(script, request.startLine.split(' ')[1] ?? '', request.complete)
    if (reply === null) return
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
