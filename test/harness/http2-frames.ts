// HTTP/2 frames (RFC 9113) as bytes, for peers that must be able to misbehave. No part of nuncio.

/** Types by name. */
export const FRAME_TYPES = { DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8, CONTINUATION: 9, ALTSVC: 10, ORIGIN: 12, METADATA: 0x4d } as const
export type FrameName = keyof typeof FRAME_TYPES

/** Bits of the flags by name; ACK and END_STREAM are the same bit of different frames. */
export const FLAGS = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, END_METADATA: 4, PADDED: 8, PRIORITY: 0x20 } as const
export type FlagName = keyof typeof FLAGS

export const SETTINGS = { HEADER_TABLE_SIZE: 1, ENABLE_PUSH: 2, MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5, MAX_HEADER_LIST_SIZE: 6, ENABLE_CONNECT_PROTOCOL: 8, NO_RFC7540_PRIORITIES: 9 } as const
export type SettingName = keyof typeof SETTINGS

export const ERROR_CODES = ['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED', 'FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM', 'INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'] as const
export type ErrorCode = (typeof ERROR_CODES)[number] | number

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** A frame as it came. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Bytes of a frame. `length` lies about the payload's length. */
export function frameBytes(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export function errorNumber(code: ErrorCode): number {
  return typeof code === 'number' ? code : ERROR_CODES.indexOf(code)
}

/** Name of an error code, or its number as text. */
export function errorName(code: number): string {
  return ERROR_CODES[code] ?? String(code)
}

/** Payload of a SETTINGS frame; names or numbers as keys, in order. */
export function settingsPayload(settings: Readonly<Record<string, number>>): Buffer {
  const parts = Object.entries(settings).map(([name, value]) => {
    const bytes = Buffer.alloc(6)
    bytes.writeUInt16BE(name in SETTINGS ? SETTINGS[name as SettingName] : Number(name))
    bytes.writeUInt32BE(value, 2)
    return bytes
  })
  return Buffer.concat(parts)
}

/** `NAME=value` of each setting in a payload, in order. */
export function readSettings(payload: Buffer): [string, number][] {
  const settings: [string, number][] = []
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    const id = payload.readUInt16BE(at)
    settings.push([Object.entries(SETTINGS).find(([, number]) => number === id)?.[0] ?? String(id), payload.readUInt32BE(at + 2)])
  }
  return settings
}

/** Payload without its padding and priority fields. */
export function contentOf(frame: Frame): Buffer {
  let start = 0
  let end = frame.payload.length
  if ((frame.flags & FLAGS.PADDED) !== 0) {
    start = 1
    end -= frame.payload[0] ?? 0
  }
  if (frame.type === FRAME_TYPES.HEADERS && (frame.flags & FLAGS.PRIORITY) !== 0) start += 5
  return frame.payload.subarray(start, Math.max(start, end))
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0)

  /** Complete frames, in order. */
  push(piece: Buffer): Frame[] {
    let bytes = this.rest.length === 0 ? piece : Buffer.concat([this.rest, piece])
    const frames: Frame[] = []
    while (bytes.length >= 9) {
      const end = 9 + bytes.readUIntBE(0, 3)
      if (bytes.length < end) break
      frames.push({ type: bytes[3] ?? 0, flags: bytes[4] ?? 0, stream: bytes.readUInt32BE(5) & 0x7fffffff, payload: bytes.subarray(9, end) })
      bytes = bytes.subarray(end)
    }
    this.rest = bytes
    return frames
  }

  /** Bytes of an incomplete frame, or of what is no HTTP/2. */
  get left(): Buffer {
    return this.rest
  }
}
