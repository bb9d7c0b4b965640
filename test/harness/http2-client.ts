// A scripted HTTP/2 client over cleartext with prior knowledge.
import net from 'node:net'
import type { Target } from './client.ts'
import { runAction } from './http2-actions.ts'
import type { Http2Action } from './http2-actions.ts'
import { Http2Peer } from './http2-peer.ts'
import type { PeerOptions } from './http2-peer.ts'

/** One client connection. Create it with `Http2Client.connect`, end it with `close` or `resetConnection`. */
export class Http2Client {
  readonly peer: Http2Peer
  readonly localPort: number
  private readonly socket: net.Socket
  private current = 1

  private constructor(socket: net.Socket, options: PeerOptions) {
    this.socket = socket
    this.localPort = socket.localPort ?? 0
    socket.setNoDelay(true)
    this.peer = new Http2Peer(socket, 'client', options)
    socket.on('data', (piece: Buffer) => this.peer.push(piece))
    socket.on('end', () => this.peer.noteEnding('fin'))
    socket.on('error', () => this.peer.noteEnding('reset'))
    socket.on('close', () => this.peer.noteEnding('fin'))
  }

  /** Connects, and sends preface and SETTINGS unless `options.preface` is false. */
  static connect(target: Target, options: PeerOptions = {}): Promise<Http2Client> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ ...('path' in target ? target : { host: '127.0.0.1', ...target }), allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Http2Client(socket, options))
      })
    })
  }

  /** Does these actions one after another. */
  async run(...actions: readonly Http2Action[]): Promise<void> {
    for (const action of actions) this.current = await runAction(this.peer, action, this.current)
  }

  get ended(): Http2Peer['ended'] {
    return this.peer.ended
  }

  get endedByUs(): boolean {
    return this.peer.endedByUs
  }

  lines(): string[] {
    return this.peer.lines()
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  halfClose(): void {
    this.peer.flush()
    this.socket.end()
  }

  /** Ends both sides (FIN) and resolves when the socket is gone. */
  close(): Promise<void> {
    return this.gone(() => {
      this.socket.end()
      this.socket.destroy()
    })
  }

  /** Sends a RST and resolves when the socket is gone. */
  resetConnection(): Promise<void> {
    return this.gone(() => this.socket.resetAndDestroy())
  }

  private gone(end: () => void): Promise<void> {
    this.peer.flush()
    if (this.peer.ended === 'open') this.peer.endedByUs = true
    if (this.socket.closed) return Promise.resolve()
    return new Promise((resolve) => {
      this.socket.once('close', () => resolve())
      end()
    })
  }
}
