// One end of an HTTP/2 connection, as client or as origin: it keeps what the other end sent and sends what it is told to, right or
// wrong. It answers SETTINGS and PING, and opens windows so wide that they do not matter unless a test says otherwise.
import type net from 'node:net'
import type { Ending } from './client.ts'
import { contentOf, errorName, FLAGS, frameBytes, FRAME_TYPES, FrameReader, PREFACE, readSettings, settingsPayload, uint32 } from './http2-frames.ts'
import type { Frame } from './http2-frames.ts'
import { encodeFields, HpackDecoder } from './http2-hpack.ts'
import type { Field } from './http2-hpack.ts'

/** What a stream got, in order; neighbouring DATA is one event. */
export type StreamEvent = { readonly kind: 'HEADERS' | 'METADATA'; readonly fields: readonly Field[] } | { readonly kind: 'DATA'; text: string } | { readonly kind: 'RST_STREAM'; readonly code: number }

/** One stream as the other end filled it. */
export class PeerStream {
  readonly id: number
  readonly events: StreamEvent[] = []
  /** END_STREAM came. */
  ended = false
  /** Error code of the RST_STREAM that came, or null. */
  reset: number | null = null
  dataBytes = 0
  /** Bytes that we may still send. */
  window: number
  /** We opened it (its end is waited for by `done`). */
  readonly ours: boolean
  /** We reset it. */
  resetByUs = false
  /** Sends back every DATA that comes. */
  echo = false
  /** The end of what was sent back so far. */
  sentBack: Promise<void> = Promise.resolve()

  constructor(id: number, window: number, ours: boolean) {
    this.id = id
    this.window = window
    this.ours = ours
  }

  get done(): boolean {
    return this.ended || this.reset !== null || this.resetByUs
  }

  /** Header blocks so far: 1xx, headers and trailers. */
  get blocks(): (readonly Field[])[] {
    return this.events.flatMap((event) => (event.kind === 'HEADERS' ? [event.fields] : []))
  }

  /** Value of a field of the first block. */
  field(name: string): string | undefined {
    return this.blocks[0]?.find(([key]) => key === name)?.[1]
  }

  get data(): string {
    return this.events.map((event) => (event.kind === 'DATA' ? event.text : '')).join('')
  }
}

export interface PeerOptions {
  /** Our SETTINGS, names or numbers as keys. Default: a large INITIAL_WINDOW_SIZE (and no push, as client). */
  readonly settings?: Readonly<Record<string, number>>
  /** `large` (default): one update to 256 MiB at the start; `auto`: every DATA frame is given back at once; `none`: nothing is. */
  readonly windows?: 'large' | 'auto' | 'none'
  /** False: no preface and no SETTINGS are sent at the start. */
  readonly preface?: boolean
  /** False: SETTINGS and PING are not answered. */
  readonly acks?: boolean
  /** Shows WINDOW_UPDATE frames among the lines. */
  readonly showWindows?: boolean
}

const LARGE_STREAM_WINDOW = 16_777_216
const LARGE_CONNECTION_WINDOW = 268_435_456
const MAX_FRAME = 16_384
const ACK_AFTER_MS = 25

export class Http2Peer {
  readonly socket: net.Socket
  readonly role: 'client' | 'origin'
  readonly options: PeerOptions
  readonly streams = new Map<number, PeerStream>()
  ended: Ending = 'open'
  endedByUs = false
  /** Error code of the last GOAWAY that came. */
  goaway: number | null = null
  settingsCount = 0
  settingsAcks = 0
  pings = 0
  pingAcks = 0
  /** Called with a stream whenever something came for it. */
  onStream: (stream: PeerStream) => void = () => undefined
  private readonly connectionLines: string[] = []
  private readonly reader = new FrameReader()
  private readonly decoder: HpackDecoder
  private readonly settings: Readonly<Record<string, number>>
  private broken = ''
  private block: { stream: number; end: boolean; parts: Buffer[] } | null = null
  private readonly metadata = new Map<number, Buffer[]>()
  private awaitedPreface: number
  private readonly outgoing: Buffer[] = []
  private readonly unacknowledged: (readonly [string, number][])[] = []
  private window = 65_535
  private initialWindow = 65_535
  private nextStream = 1
  private wakers: (() => void)[] = []

  constructor(socket: net.Socket, role: 'client' | 'origin', options: PeerOptions = {}) {
    this.socket = socket
    this.role = role
    this.options = options
    this.awaitedPreface = role === 'origin' ? PREFACE.length : 0
    this.settings = options.settings ?? (role === 'client' ? { ENABLE_PUSH: 0, INITIAL_WINDOW_SIZE: LARGE_STREAM_WINDOW } : { INITIAL_WINDOW_SIZE: LARGE_STREAM_WINDOW })
    this.decoder = new HpackDecoder(this.settings['HEADER_TABLE_SIZE'] ?? 4_096)
    if (options.preface !== false) this.begin()
  }

  private begin(): void {
    if (this.role === 'client') this.write(Buffer.from(PREFACE))
    this.frame(FRAME_TYPES.SETTINGS, 0, 0, settingsPayload(this.settings))
    if ((this.options.windows ?? 'large') === 'large') this.frame(FRAME_TYPES.WINDOW_UPDATE, 0, 0, uint32(LARGE_CONNECTION_WINDOW - 65_535))
  }

  // What came.

  /** Takes bytes from the socket. */
  push(piece: Buffer): void {
    let bytes = piece
    if (this.awaitedPreface > 0) {
      const length = Math.min(this.awaitedPreface, bytes.length)
      this.awaitedPreface -= length
      bytes = bytes.subarray(length)
    }
    for (const frame of this.reader.push(bytes)) this.take(frame)
    this.wake()
  }

  /** The other end ended the connection. */
  noteEnding(how: Ending): void {
    if (this.ended === 'open') this.ended = how
    this.wake()
  }

  /** Everything that came, for people and for comparison: connection first, then stream by stream. Unmasked. */
  lines(): string[] {
    const lines = [...this.connectionLines]
    for (const stream of [...this.streams.values()].sort((left, right) => left.id - right.id)) lines.push(...streamLines(stream))
    if (this.broken !== '') lines.push(`broken: ${this.broken}\n`)
    const left = this.reader.left
    if (left.length > 0) lines.push(`incomplete: ${JSON.stringify(left.subarray(0, 4_096).toString('latin1'))}\n`)
    return lines
  }

  stream(id: number): PeerStream {
    const known = this.streams.get(id)
    if (known !== undefined) return known
    const stream = new PeerStream(id, this.initialWindow, (id % 2 === 1) === (this.role === 'client'))
    this.streams.set(id, stream)
    return stream
  }

  private take(frame: Frame): void {
    switch (frame.type) {
      case FRAME_TYPES.DATA:
        return this.takeData(frame)
      case FRAME_TYPES.HEADERS:
        this.block = { stream: frame.stream, end: (frame.flags & FLAGS.END_STREAM) !== 0, parts: [] }
        return this.takeBlock(frame, contentOf(frame))
      case FRAME_TYPES.CONTINUATION:
        return this.takeBlock(frame, frame.payload)
      case FRAME_TYPES.RST_STREAM:
        return this.takeReset(frame)
      case FRAME_TYPES.SETTINGS:
        return this.takeSettings(frame)
      case FRAME_TYPES.PING:
        return this.takePing(frame)
      case FRAME_TYPES.GOAWAY:
        this.goaway = frame.payload.readUInt32BE(4)
        this.connectionLines.push(`GOAWAY ${errorName(this.goaway)} last=${frame.payload.readUInt32BE(0)}${frame.payload.length > 8 ? ` ${frame.payload.toString('latin1', 8)}` : ''}\n`)
        return undefined
      case FRAME_TYPES.WINDOW_UPDATE:
        return this.takeWindow(frame)
      case FRAME_TYPES.METADATA:
        return this.takeMetadata(frame)
      default:
        this.connectionLines.push(`frame type=${frame.type} flags=${frame.flags} stream=${frame.stream} ${frame.payload.toString('hex')}\n`)
        return undefined
    }
  }

  private takeData(frame: Frame): void {
    const stream = this.stream(frame.stream)
    const content = contentOf(frame)
    const last = stream.events.at(-1)
    if (last?.kind === 'DATA') last.text += content.toString('latin1')
    else if (content.length > 0) stream.events.push({ kind: 'DATA', text: content.toString('latin1') })
    stream.dataBytes += content.length
    if ((frame.flags & FLAGS.END_STREAM) !== 0) stream.ended = true
    if (this.options.windows === 'auto' && frame.payload.length > 0) {
      this.frame(FRAME_TYPES.WINDOW_UPDATE, 0, 0, uint32(frame.payload.length))
      if (!stream.ended) this.frame(FRAME_TYPES.WINDOW_UPDATE, 0, frame.stream, uint32(frame.payload.length))
    }
    if (stream.echo) this.sendBack(stream, content, (frame.flags & FLAGS.END_STREAM) !== 0)
    this.onStream(stream)
  }

  private takeBlock(frame: Frame, part: Buffer): void {
    if (this.block === null) return
    this.block.parts.push(part)
    if ((frame.flags & FLAGS.END_HEADERS) === 0) return
    const { stream: id, end, parts } = this.block
    this.block = null
    const stream = this.stream(id)
    try {
      stream.events.push({ kind: 'HEADERS', fields: this.decoder.decode(Buffer.concat(parts)) })
    } catch (error) {
      this.broken = (error as Error).message
    }
    if (end) stream.ended = true
    this.onStream(stream)
  }

  private takeReset(frame: Frame): void {
    const stream = this.stream(frame.stream)
    stream.reset = frame.payload.readUInt32BE(0)
    stream.events.push({ kind: 'RST_STREAM', code: stream.reset })
    this.onStream(stream)
  }

  private takeSettings(frame: Frame): void {
    if ((frame.flags & FLAGS.ACK) !== 0) {
      this.settingsAcks += 1
      return
    }
    this.settingsCount += 1
    const settings = readSettings(frame.payload)
    this.connectionLines.push(`SETTINGS ${settings.map(([name, value]) => `${name}=${value}`).join(' ')}\n`)
    // Later, or with the next frame: a connection that is ended at once is not to be reset for an ACK that nobody reads.
    if (this.options.acks === false) this.apply(settings)
    else {
      this.unacknowledged.push(settings)
      setTimeout(() => this.acknowledge(), ACK_AFTER_MS)
    }
  }

  /** The settings count from the ACK on: a window that the other end has not seen acknowledged is none. */
  private acknowledge(): void {
    if (this.ended !== 'open' || this.socket.destroyed) return
    for (const settings of this.unacknowledged.splice(0)) {
      this.frame(FRAME_TYPES.SETTINGS, FLAGS.ACK, 0, Buffer.alloc(0))
      this.apply(settings)
    }
  }

  private apply(settings: readonly [string, number][]): void {
    const initial = settings.findLast(([name]) => name === 'INITIAL_WINDOW_SIZE')?.[1]
    if (initial === undefined) return
    for (const stream of this.streams.values()) stream.window += initial - this.initialWindow
    this.initialWindow = initial
    this.wake()
  }

  private takePing(frame: Frame): void {
    if ((frame.flags & FLAGS.ACK) !== 0) {
      this.pingAcks += 1
      this.connectionLines.push(`PING ACK ${frame.payload.toString('latin1')}\n`)
      return
    }
    this.pings += 1
    // What it carries is a time or chance.
    this.connectionLines.push('PING\n')
    if (this.options.acks !== false) this.frame(FRAME_TYPES.PING, FLAGS.ACK, 0, frame.payload)
  }

  private takeWindow(frame: Frame): void {
    const increment = frame.payload.readUInt32BE(0) & 0x7fffffff
    if (frame.stream === 0) this.window += increment
    else this.stream(frame.stream).window += increment
    if (this.options.showWindows === true) this.connectionLines.push(`WINDOW_UPDATE stream=${frame.stream} ${increment}\n`)
  }

  private takeMetadata(frame: Frame): void {
    const parts = this.metadata.get(frame.stream) ?? []
    parts.push(frame.payload)
    this.metadata.set(frame.stream, parts)
    if ((frame.flags & FLAGS.END_METADATA) === 0) return
    this.metadata.delete(frame.stream)
    const fields = new HpackDecoder().decode(Buffer.concat(parts))
    if (frame.stream === 0) this.connectionLines.push(`METADATA ${fields.map((field) => field.join(': ')).join(', ')}\n`)
    else this.stream(frame.stream).events.push({ kind: 'METADATA', fields })
  }

  // What we send.

  /**
   * Exact bytes. Whatever is written without waiting in between leaves in one write: how it is cut then depends on nothing.
   * Writing to a connection that the other end left is no error here.
   */
  write(bytes: Buffer): void {
    if (this.unacknowledged.length > 0) this.acknowledge()
    if (this.outgoing.length === 0) setImmediate(() => this.flush())
    this.outgoing.push(bytes)
  }

  /** Sends now what was written; to be called before the socket is ended. */
  flush(): void {
    const pieces = this.outgoing.splice(0)
    if (pieces.length > 0 && this.socket.writable) this.socket.write(Buffer.concat(pieces))
  }

  frame(type: number, flags: number, stream: number, payload: Buffer, length?: number): void {
    this.write(frameBytes(type, flags, stream, payload, length))
  }

  /** The id of the next stream that a client opens. */
  newStream(): number {
    const id = this.nextStream
    this.nextStream += 2
    this.stream(id)
    return id
  }

  /** A header block in one HEADERS frame, or in CONTINUATION frames too where it is large or cut after `split` bytes each. */
  headers(stream: number, fields: readonly Field[], end: boolean, split = MAX_FRAME): void {
    const block = encodeFields(fields)
    const pieces: Buffer[] = []
    for (let at = 0; at === 0 || at < block.length; at += split) pieces.push(block.subarray(at, at + split))
    const frames = pieces.map((piece, index) => {
      const last = index === pieces.length - 1 ? FLAGS.END_HEADERS : 0
      return index === 0 ? frameBytes(FRAME_TYPES.HEADERS, last | (end ? FLAGS.END_STREAM : 0), stream, piece) : frameBytes(FRAME_TYPES.CONTINUATION, last, stream, piece)
    })
    this.write(Buffer.concat(frames))
  }

  /** DATA as the windows allow; resolves when all of it is out, the stream was reset, the connection ended, or the time is over. */
  async data(id: number, bytes: Buffer, end: boolean, timeoutMs = 5_000): Promise<void> {
    const stream = this.stream(id)
    let left = bytes
    do {
      const room = (): number => Math.min(stream.window, this.window, MAX_FRAME)
      if (left.length > 0) await this.waitFor(() => room() > 0 || stream.reset !== null || this.ended !== 'open', timeoutMs)
      if (stream.reset !== null || this.ended !== 'open' || (left.length > 0 && room() <= 0)) return
      const piece = left.subarray(0, Math.max(0, room()))
      left = left.subarray(piece.length)
      stream.window -= piece.length
      this.window -= piece.length
      this.frame(FRAME_TYPES.DATA, end && left.length === 0 ? FLAGS.END_STREAM : 0, id, piece)
    } while (left.length > 0)
  }

  /** An echo: piece after piece, as the windows allow. */
  sendBack(stream: PeerStream, bytes: Buffer, end: boolean): void {
    stream.sentBack = stream.sentBack.then(() => this.data(stream.id, bytes, end))
  }

  reset(id: number, code: number): void {
    this.stream(id).resetByUs = true
    this.frame(FRAME_TYPES.RST_STREAM, 0, id, uint32(code))
  }

  // Waiting.

  /** Resolves to whether the condition came true within the time. */
  waitFor(done: () => boolean, timeoutMs = 5_000): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs)
      const check = (): void => {
        if (!done()) {
          this.wakers.push(check)
          return
        }
        clearTimeout(timer)
        resolve(true)
      }
      check()
    })
  }

  wake(): void {
    for (const waker of this.wakers.splice(0)) waker()
  }
}

function streamLines(stream: PeerStream): string[] {
  const lines: string[] = []
  let blocks = 0
  for (const event of stream.events) {
    if (event.kind === 'DATA') lines.push(`stream ${stream.id} DATA ${event.text}\n`)
    else if (event.kind === 'RST_STREAM') lines.push(`stream ${stream.id} RST_STREAM ${errorName(event.code)}\n`)
    else {
      const trailers = event.kind === 'HEADERS' && blocks > 0 && !event.fields.some(([name]) => name.startsWith(':'))
      lines.push(`stream ${stream.id} ${trailers ? 'TRAILERS' : event.kind}\n`, ...event.fields.map(([name, value]) => `${name}: ${value}\n`))
      if (event.kind === 'HEADERS') blocks += 1
    }
  }
  if (stream.ended) lines.push(`stream ${stream.id} END\n`)
  return lines
}
