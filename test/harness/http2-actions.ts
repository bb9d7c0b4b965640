// What a scripted HTTP/2 client or origin can be told to do, as data.
import { errorNumber, FLAGS, frameBytes, FRAME_TYPES, settingsPayload, uint32 } from './http2-frames.ts'
import type { ErrorCode, FlagName, FrameName } from './http2-frames.ts'
import { encodeFields } from './http2-hpack.ts'
import type { Field } from './http2-hpack.ts'
import type { Http2Peer } from './http2-peer.ts'
import { sleep } from './wait.ts'

/** `name: value`, or a pair where that would be ambiguous. */
export type FieldSpec = string | readonly [string, string]

/** A request in parts. Without `fields` the block is :method, :scheme, :authority, :path and then `headers`. */
export interface RequestSpec {
  readonly method?: string
  readonly path?: string
  readonly host?: string
  readonly scheme?: string
  readonly headers?: readonly FieldSpec[]
  /** The whole header block, pseudo-headers included, as it is. */
  readonly fields?: readonly FieldSpec[]
  /** DATA: one frame a piece. */
  readonly body?: string | readonly string[]
  /** Body of gRPC messages: adds POST, content-type and te where they are not given. */
  readonly grpc?: readonly string[]
  readonly trailers?: readonly FieldSpec[]
  /** False leaves the stream open. */
  readonly end?: boolean
  /** Cuts the header block into frames of so many bytes. */
  readonly split?: number
}

/** A frame as one wants it; `length` lies about the length of the payload. */
export interface FrameSpec {
  readonly type: FrameName | number
  readonly flags?: readonly FlagName[] | number
  readonly stream?: number
  readonly text?: string
  readonly hex?: string
  /** Payload: an HPACK block of these fields. */
  readonly fields?: readonly FieldSpec[]
  readonly length?: number
}

export type WaitFor = 'headers' | 'data' | 'end' | 'reset' | 'done' | 'goaway' | 'close' | 'ping' | 'ping_ack' | 'settings' | 'settings_ack'

/** One action. Those on a stream mean the stream of the request (origin) or the newest one (client), unless `stream` says another. */
export type Http2Action = { readonly stream?: number; readonly end?: boolean } & (
  | { readonly request: RequestSpec }
  | { readonly headers: readonly FieldSpec[]; readonly split?: number }
  | { readonly trailers: readonly FieldSpec[] }
  | { readonly data: string }
  | { readonly fill: number }
  /** gRPC messages, each with its prefix of five bytes. */
  | { readonly grpc: readonly string[]; readonly compressed?: boolean }
  | { readonly rst: ErrorCode }
  | { readonly goaway: ErrorCode; readonly last?: number; readonly debug?: string }
  | { readonly ping: string }
  | { readonly settings: Readonly<Record<string, number>> }
  /** WINDOW_UPDATE by so much. */
  | { readonly window: number }
  | { readonly metadata: readonly FieldSpec[] }
  | { readonly frame: FrameSpec }
  /** These frames in one write, `times` times. */
  | { readonly frames: readonly FrameSpec[]; readonly times?: number }
  | { readonly raw: string }
  | { readonly hex: string }
  | { readonly pauseMs: number }
  | { readonly wait: WaitFor; readonly bytes?: number; readonly count?: number; readonly timeoutMs?: number }
  /** The request is complete. */
  | { readonly waitForRequest: true }
  | { readonly echo: true }
  | { readonly socket: 'fin' | 'rst' }
)

/** `name: value` as a field. A colon at the start belongs to the name. */
export function fieldOf(spec: FieldSpec): Field {
  if (typeof spec !== 'string') return spec
  const colon = spec.indexOf(':', 1)
  if (colon < 0) return [spec, '']
  return [spec.slice(0, colon), spec.slice(spec[colon + 1] === ' ' ? colon + 2 : colon + 1)]
}

/** Bytes of gRPC messages: flag, length, message. */
export function grpcMessages(messages: readonly string[], compressed = false): Buffer {
  return Buffer.concat(messages.flatMap((message) => [Buffer.from([compressed ? 1 : 0]), uint32(Buffer.byteLength(message, 'latin1')), Buffer.from(message, 'latin1')]))
}

/** The header block of a request. */
export function requestFields(spec: RequestSpec): Field[] {
  if (spec.fields !== undefined) return spec.fields.map(fieldOf)
  const headers = (spec.headers ?? []).map(fieldOf)
  const fields: Field[] = [[':method', spec.method ?? (spec.grpc === undefined ? 'GET' : 'POST')], [':scheme', spec.scheme ?? 'http'], [':authority', spec.host ?? 'example.com'], [':path', spec.path ?? '/'], ...headers]
  for (const [name, value] of spec.grpc === undefined ? [] : GRPC_HEADERS) if (!headers.some(([key]) => key === name)) fields.push([name, value])
  return fields
}

const GRPC_HEADERS: readonly Field[] = [['content-type', 'application/grpc'], ['te', 'trailers']]

/** Opens a stream and sends the request; the id of the stream. */
async function sendRequest(peer: Http2Peer, spec: RequestSpec, stream: number | undefined): Promise<number> {
  const id = stream ?? peer.newStream()
  peer.stream(id)
  const pieces = spec.grpc === undefined ? [spec.body ?? []].flat().map((piece) => Buffer.from(piece, 'latin1')) : [grpcMessages(spec.grpc)]
  const end = spec.end !== false
  peer.headers(id, requestFields(spec), end && pieces.length === 0 && spec.trailers === undefined, spec.split)
  for (const [index, piece] of pieces.entries()) await peer.data(id, piece, end && spec.trailers === undefined && index === pieces.length - 1)
  if (spec.trailers !== undefined) peer.headers(id, spec.trailers.map(fieldOf), true)
  return id
}

export function frameOf(spec: FrameSpec): Buffer {
  const type = typeof spec.type === 'number' ? spec.type : FRAME_TYPES[spec.type]
  const flags = spec.flags === undefined ? 0 : typeof spec.flags === 'number' ? spec.flags : spec.flags.reduce((sum, name) => sum | FLAGS[name], 0)
  const payload = spec.fields === undefined ? Buffer.concat([Buffer.from(spec.hex?.replaceAll(/\s/g, '') ?? '', 'hex'), Buffer.from(spec.text ?? '', 'latin1')]) : encodeFields(spec.fields.map(fieldOf))
  return frameBytes(type, flags, spec.stream ?? 0, payload, spec.length)
}

/** Does one action; `current` is the stream it is about. Resolves to the stream that following actions are about. */
export async function runAction(peer: Http2Peer, action: Http2Action, current: number): Promise<number> {
  const id = action.stream ?? current
  const end = action.end === true
  if ('request' in action) return sendRequest(peer, action.request, action.stream)
  if ('headers' in action) peer.headers(id, action.headers.map(fieldOf), end, action.split)
  else if ('trailers' in action) peer.headers(id, action.trailers.map(fieldOf), true)
  else if ('data' in action) await peer.data(id, Buffer.from(action.data, 'latin1'), end)
  else if ('fill' in action) await peer.data(id, Buffer.alloc(action.fill, 'x'), end)
  else if ('grpc' in action) await peer.data(id, grpcMessages(action.grpc, action.compressed), end)
  else if ('rst' in action) peer.reset(id, errorNumber(action.rst))
  else if ('pauseMs' in action) await sleep(action.pauseMs)
  else if ('wait' in action) await waitFor(peer, action, id)
  else if ('waitForRequest' in action) await peer.waitFor(() => peer.stream(id).done || peer.ended !== 'open')
  else if ('echo' in action) echo(peer, id)
  else if ('socket' in action) endSocket(peer, action.socket)
  else peer.write(controlBytes(action, id))
  return id
}

type ControlAction = Extract<Http2Action, { goaway: ErrorCode } | { ping: string } | { settings: object } | { window: number } | { metadata: object } | { frame: object } | { frames: object } | { raw: string } | { hex: string }>

function controlBytes(action: ControlAction, id: number): Buffer {
  if ('goaway' in action) return frameBytes(FRAME_TYPES.GOAWAY, 0, 0, Buffer.concat([uint32(action.last ?? id), uint32(errorNumber(action.goaway)), Buffer.from(action.debug ?? '', 'latin1')]))
  if ('ping' in action) return frameBytes(FRAME_TYPES.PING, 0, 0, Buffer.from(action.ping.padEnd(8, '.').slice(0, 8), 'latin1'))
  if ('settings' in action) return frameBytes(FRAME_TYPES.SETTINGS, 0, 0, settingsPayload(action.settings))
  if ('window' in action) return frameBytes(FRAME_TYPES.WINDOW_UPDATE, 0, id, uint32(action.window))
  if ('metadata' in action) return frameBytes(FRAME_TYPES.METADATA, FLAGS.END_METADATA, id, encodeFields(action.metadata.map(fieldOf)))
  if ('frame' in action) return frameOf(action.frame)
  if ('frames' in action) return Buffer.concat(Array.from({ length: action.times ?? 1 }, () => action.frames.map(frameOf)).flat())
  return 'raw' in action ? Buffer.from(action.raw, 'latin1') : Buffer.from(action.hex.replaceAll(/\s/g, ''), 'hex')
}

/** From now on, and for what already came, DATA goes back. */
function echo(peer: Http2Peer, id: number): void {
  const stream = peer.stream(id)
  stream.echo = true
  if (stream.data !== '' || stream.ended) peer.sendBack(stream, Buffer.from(stream.data, 'latin1'), stream.ended)
}

function endSocket(peer: Http2Peer, how: 'fin' | 'rst'): void {
  peer.flush()
  if (how === 'fin') peer.socket.end()
  else peer.socket.resetAndDestroy()
}

async function waitFor(peer: Http2Peer, action: Extract<Http2Action, { wait: WaitFor }>, id: number): Promise<void> {
  const count = action.count ?? 1
  const stream = peer.stream(id)
  const conditions: Readonly<Record<WaitFor, () => boolean>> = {
    headers: () => stream.blocks.length >= count || stream.done,
    data: () => stream.dataBytes >= (action.bytes ?? 1) || stream.done,
    end: () => stream.done,
    reset: () => stream.reset !== null,
    done: () => [...peer.streams.values()].every((one) => !one.ours || one.done),
    goaway: () => peer.goaway !== null,
    close: () => peer.ended !== 'open',
    ping: () => peer.pings >= count,
    ping_ack: () => peer.pingAcks >= count,
    settings: () => peer.settingsCount >= count,
    settings_ack: () => peer.settingsAcks >= count,
  }
  const reached = conditions[action.wait]
  await peer.waitFor(() => reached() || peer.ended !== 'open', action.timeoutMs ?? 3_000)
}
