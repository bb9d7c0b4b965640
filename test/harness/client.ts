// A scripted TCP client: sends exact bytes, keeps every byte that came back.
import net from 'node:net'
import { splitResponses, statusOf } from './http1-messages.ts'
import type { RawMessage } from './http1-messages.ts'

/** How the peer's side of a connection stands. `fin` = closed in order, `reset` = RST or another error. */
export type Ending = 'open' | 'fin' | 'reset'

/** Where to connect: a TCP port of `host` (default 127.0.0.1) or a unix socket `path`. */
export type Target = { port: number; host?: string; localAddress?: string } | { path: string }

/** Bytes as text are Latin-1: one character is one byte. */
export type Bytes = string | Buffer

const toBuffer = (bytes: Bytes): Buffer => (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)

/** One client connection. Create it with `RawClient.connect`, end it with `close` or `reset`. */
export class RawClient {
  readonly socket: net.Socket
  /** Number of bytes that came, also of those dropped because `keepBytes` was false. */
  receivedBytes = 0
  ended: Ending = 'open'
  /** True once `close` or `reset` was called while the peer's side was open. */
  endedByUs = false
  /** Set to false to count what comes without keeping it (bodies of hundreds of megabytes). */
  keepBytes = true
  private readonly pieces: Buffer[] = []
  private joined: Buffer = Buffer.alloc(0)
  private readonly methods: string[] = []
  private wakers: (() => void)[] = []

  private constructor(socket: net.Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (piece) => this.onData(toBuffer(piece)))
    socket.on('end', () => this.onEnding('fin'))
    socket.on('error', () => this.onEnding('reset'))
    socket.on('close', () => this.onEnding('fin'))
  }

  /** Connects; rejects when the connection is refused. The connection stays half open when the peer ends its side. */
  static connect(target: Target): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const options = 'path' in target ? target : { host: '127.0.0.1', ...target }
      const socket = net.connect({ ...options, allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
    })
  }

  /** Everything received so far. */
  get received(): Buffer {
    if (this.pieces.length > 0) this.joined = Buffer.concat([this.joined, ...this.pieces.splice(0)])
    return this.joined
  }

  /** Local port, to recognise this connection in logs. */
  get localPort(): number {
    return this.socket.localPort ?? 0
  }

  /** Sends bytes as they are. Writing to a connection that the peer ended is no error here: look at `ended`. */
  send(bytes: Bytes): void {
    if (!this.socket.writable) return
    this.socket.write(toBuffer(bytes))
    this.noteMethods(bytes)
  }

  /** Sends and resolves when the kernel has taken all of it (false: the connection ended before). For large bodies. */
  sendAll(bytes: Bytes): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) return resolve(false)
      // A destroyed socket calls back with an error for what was not written.
      this.socket.write(toBuffer(bytes), (error) => resolve(!error))
    })
  }

  /** Splits what came into HTTP/1 responses; the methods of requests sent with `send` are taken into account. */
  responses(): readonly RawMessage[] {
    return splitResponses(this.received, this.methods).messages
  }

  /**
   * Resolves when `count` complete final responses (1xx not counted, all since connect) are there, the peer ended,
   * or `timeoutMs` have passed; the result is every response so far. It does not throw on a timeout: assert on the result.
   */
  async readResponses(count: number, timeoutMs = 5_000): Promise<readonly RawMessage[]> {
    const isFinal = (message: RawMessage): boolean => message.complete && (statusOf(message) >= 200 || statusOf(message) === 101)
    await this.waitFor(() => this.ended !== 'open' || this.responses().filter(isFinal).length >= count, timeoutMs)
    return this.responses()
  }

  /** Resolves when at least `count` bytes came in all, the peer ended, or the time is over; result: whether they came. */
  async readBytes(count: number, timeoutMs = 5_000): Promise<boolean> {
    await this.waitFor(() => this.ended !== 'open' || this.receivedBytes >= count, timeoutMs)
    return this.receivedBytes >= count
  }

  /** Resolves when `text` is among the bytes received, the peer ended, or the time is over; result: whether it came. */
  async readUntil(text: string, timeoutMs = 5_000): Promise<boolean> {
    await this.waitFor(() => this.ended !== 'open' || this.received.includes(text, 0, 'latin1'), timeoutMs)
    return this.received.includes(text, 0, 'latin1')
  }

  /** Resolves to how the peer ended the connection, or `open` when it did not within the time. */
  async readUntilClose(timeoutMs = 5_000): Promise<Ending> {
    await this.waitFor(() => this.ended !== 'open', timeoutMs)
    return this.ended
  }

  /** Stops reading from the socket: the peer's window fills up. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Ends our side (FIN) and keeps reading. */
  halfClose(): void {
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
  reset(): Promise<void> {
    return this.gone(() => this.socket.resetAndDestroy())
  }

  private gone(end: () => void): Promise<void> {
    if (this.ended === 'open') this.endedByUs = true
    if (this.socket.closed) return Promise.resolve()
    return new Promise((resolve) => {
      this.socket.once('close', () => resolve())
      end()
    })
  }

  private noteMethods(bytes: Bytes): void {
    const text = typeof bytes === 'string' ? bytes : bytes.subarray(0, 65_536).toString('latin1')
    for (const match of text.matchAll(/(?:^|\n)([A-Z]+) \S+ HTTP\/\d\.\d\r?\n/g)) this.methods.push(match[1] ?? 'GET')
  }

  private onData(piece: Buffer): void {
    this.receivedBytes += piece.length
    if (this.keepBytes) this.pieces.push(piece)
    this.wake()
  }

  private onEnding(how: Ending): void {
    if (this.ended === 'open') this.ended = how
    this.wake()
  }

  private wake(): void {
    for (const waker of this.wakers.splice(0)) waker()
  }

  private waitFor(done: () => boolean, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      const check = (): void => {
        if (!done()) {
          this.wakers.push(check)
          return
        }
        clearTimeout(timer)
        resolve()
      }
      check()
    })
  }
}
