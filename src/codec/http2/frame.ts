/** Numbers of RFC 9113: frame types (section 6), flags, settings (section 6.5.2) and error codes (section 7). */
export const FRAME_DATA = 0;
export const FRAME_HEADERS = 1;
export const FRAME_PRIORITY = 2;
export const FRAME_RST_STREAM = 3;
export const FRAME_SETTINGS = 4;
export const FRAME_PUSH_PROMISE = 5;
export const FRAME_PING = 6;
export const FRAME_GOAWAY = 7;
export const FRAME_WINDOW_UPDATE = 8;
export const FRAME_CONTINUATION = 9;
/** Envoy's extension: name and value pairs beside the message, HPACK coded without a table of their own. */
export const FRAME_METADATA = 0x4d;

export const FLAG_END_STREAM = 0x1;
export const FLAG_ACK = 0x1;
export const FLAG_END_HEADERS = 0x4;
export const FLAG_END_METADATA = 0x4;
export const FLAG_PADDED = 0x8;
export const FLAG_PRIORITY = 0x20;

export const SETTINGS_HEADER_TABLE_SIZE = 1;
export const SETTINGS_ENABLE_PUSH = 2;
export const SETTINGS_MAX_CONCURRENT_STREAMS = 3;
export const SETTINGS_INITIAL_WINDOW_SIZE = 4;
export const SETTINGS_MAX_FRAME_SIZE = 5;
export const SETTINGS_MAX_HEADER_LIST_SIZE = 6;
export const SETTINGS_ENABLE_CONNECT_PROTOCOL = 8;
export const SETTINGS_NO_RFC7540_PRIORITIES = 9;

export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const CONNECT_ERROR = 10;
export const ENHANCE_YOUR_CALM = 11;

export const FRAME_HEADER_SIZE = 9;
/** What both sides may send until SETTINGS say otherwise. */
export const DEFAULT_MAX_FRAME_SIZE = 16_384;
export const LARGEST_MAX_FRAME_SIZE = 16_777_215;
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 0x7fff_ffff;
export const MAX_STREAM_ID = 0x7fff_ffff;

/** What a client sends first (section 3.4). */
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** An unsigned 32-bit number. */
export function readUint32(data: Uint8Array, at: number): number {
  return ((data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3]) >>> 0;
}

/** A stream id or window: 31 bits, the reserved one ignored. */
export function readUint31(data: Uint8Array, at: number): number {
  return ((data[at] & 0x7f) << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3];
}

export function readUint24(data: Uint8Array, at: number): number {
  return (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
}

export function writeUint32(data: Uint8Array, at: number, value: number): void {
  data[at] = value >>> 24;
  data[at + 1] = value >>> 16;
  data[at + 2] = value >>> 8;
  data[at + 3] = value;
}

/** The nine bytes before a payload of `length` bytes. */
export function writeFrameHeader(data: Uint8Array, at: number, length: number, type: number, flags: number, streamId: number): void {
  data[at] = length >>> 16;
  data[at + 1] = length >>> 8;
  data[at + 2] = length;
  data[at + 3] = type;
  data[at + 4] = flags;
  data[at + 5] = streamId >>> 24;
  data[at + 6] = streamId >>> 16;
  data[at + 7] = streamId >>> 8;
  data[at + 8] = streamId;
}
