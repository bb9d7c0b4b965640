/** What becomes of headers with `_` in their name (HeadersWithUnderscoresAction). */
export const UNDERSCORES_ALLOW = 0;
export const UNDERSCORES_REJECT_REQUEST = 1;
export const UNDERSCORES_DROP_HEADER = 2;
export type HeadersWithUnderscoresAction = 0 | 1 | 2;

/** One entry of a SETTINGS frame (Http2ProtocolOptions.SettingsParameter). */
export interface SettingsParameter {
  /** 16 bits. */
  readonly identifier: number;
  /** 32 bits, unsigned. */
  readonly value: number;
}

/** Timers of `connection_keepalive`; milliseconds. They run in the core: the codec has no timer. */
export interface KeepaliveSettings {
  /** Between the answer to one PING and the next PING; 0 = none by time. */
  readonly interval: number;
  /** Without any frame for this long after a PING the connection closes. */
  readonly timeout: number;
  /** Percent of `interval` that is added at random. Default 15. */
  readonly intervalJitter: number;
  /** A client sends a PING ahead of a request when nothing came for this long; 0 = never. */
  readonly connectionIdleInterval: number;
}

/** Settings of one HTTP/2 codec: every field of Http2ProtocolOptions, every default resolved. Frozen, shared by all connections of one owner. */
export interface Http2Settings {
  /** SETTINGS_HEADER_TABLE_SIZE sent, and the most that our own encoder's table takes of the peer's offer. Default 4096. */
  readonly hpackTableSize: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS sent. Default 1024. A client pool keeps to it too. */
  readonly maxConcurrentStreams: number;
  /** SETTINGS_INITIAL_WINDOW_SIZE sent, and the high watermark of a stream's send buffer. Default 16 MiB. */
  readonly initialStreamWindowSize: number;
  /** Default 24 MiB. */
  readonly initialConnectionWindowSize: number;
  /** Extended CONNECT (RFC 8441) is offered and taken. Default false. */
  readonly allowConnect: boolean;
  /** METADATA frames (type 0x4d) are understood instead of skipped. Default false. */
  readonly allowMetadata: boolean;
  /** Bytes of the METADATA of one message. Default 1 MiB. */
  readonly maxMetadataSize: number;
  /** Frames of all types that wait for the kernel. Default 10000. */
  readonly maxOutboundFrames: number;
  /** PING and SETTINGS acknowledgements and RST_STREAMs that wait for the kernel. Default 1000. */
  readonly maxOutboundControlFrames: number;
  /** HEADERS, CONTINUATION and DATA frames in a row without payload and END_STREAM. Default 1. */
  readonly maxConsecutiveInboundFramesWithEmptyPayload: number;
  /** PRIORITY frames, times one more than the streams opened. Default 100. */
  readonly maxInboundPriorityFramesPerStream: number;
  /** Default 10; see FloodGuard for the formula. */
  readonly maxInboundWindowUpdateFramesPerDataFrameSent: number;
  /** An invalid message resets its stream instead of closing the connection. Default false. */
  readonly streamErrorOnInvalidHttpMessage: boolean;
  /** Sent before the named ones, as they are. */
  readonly customSettingsParameters: readonly SettingsParameter[];
  /** Null = off. */
  readonly connectionKeepalive: KeepaliveSettings | null;
  /** Values are Huffman coded where that is shorter. Default true. */
  readonly enableHuffmanEncoding: boolean;
  /** Bytes of one header field (name and value). Default 64 KiB. */
  readonly maxHeaderFieldBytes: number;
  /** Bytes 0x80-0xff in header values are refused. Default false. */
  readonly disallowObsText: boolean;
  /** RST_STREAM frames of the peer's: bucket size and refill per second. Defaults 1000 and 33. */
  readonly streamResetBurst: number;
  readonly streamResetRate: number;
}

export const DEFAULT_HTTP2_SETTINGS: Http2Settings = Object.freeze({
  hpackTableSize: 4096,
  maxConcurrentStreams: 1024,
  initialStreamWindowSize: 16 * 1024 * 1024,
  initialConnectionWindowSize: 24 * 1024 * 1024,
  allowConnect: false,
  allowMetadata: false,
  maxMetadataSize: 1024 * 1024,
  maxOutboundFrames: 10_000,
  maxOutboundControlFrames: 1_000,
  maxConsecutiveInboundFramesWithEmptyPayload: 1,
  maxInboundPriorityFramesPerStream: 100,
  maxInboundWindowUpdateFramesPerDataFrameSent: 10,
  streamErrorOnInvalidHttpMessage: false,
  customSettingsParameters: Object.freeze([]),
  connectionKeepalive: null,
  enableHuffmanEncoding: true,
  maxHeaderFieldBytes: 64 * 1024,
  disallowObsText: false,
  streamResetBurst: 1_000,
  streamResetRate: 33,
});

/** Settings that differ from the defaults in `changes`; frozen. */
export function http2Settings(changes: Partial<Http2Settings>, base: Http2Settings = DEFAULT_HTTP2_SETTINGS): Http2Settings {
  return Object.freeze({ ...base, ...changes });
}
