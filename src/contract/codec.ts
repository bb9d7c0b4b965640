import type { TurnTask } from './dispatcher.ts';
import type { CodecError } from './errors.ts';
import type { HeaderMap } from './header-map.ts';
import type { BytesMeter, Protocol } from './stream-info.ts';

/**
 * HTTP codecs: bytes to events and back. A codec owns no socket, timer or logger; it sits between a CodecConnection (below) and the
 * connection manager or connection pool (above). The same interfaces serve HTTP/1, 2 and 3.
 */

/** Why a stream was reset (Envoy's StreamResetReason). */
export const RESET_LOCAL_RESET = 0;
export const RESET_LOCAL_REFUSED_STREAM = 1;
export const RESET_REMOTE_RESET = 2;
export const RESET_REMOTE_REFUSED_STREAM = 3;
export const RESET_LOCAL_CONNECTION_FAILURE = 4;
export const RESET_REMOTE_CONNECTION_FAILURE = 5;
export const RESET_CONNECTION_TIMEOUT = 6;
export const RESET_CONNECTION_TERMINATION = 7;
export const RESET_OVERFLOW = 8;
export const RESET_CONNECT_ERROR = 9;
export const RESET_PROTOCOL_ERROR = 10;
export const RESET_OVERLOAD_MANAGER = 11;
export const RESET_HTTP1_PREMATURE_UPSTREAM_HALF_CLOSE = 12;
export type StreamResetReason = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

/** Index = reason; the texts of local replies. */
export const RESET_REASON_TEXT: readonly string[] = [
  'local reset',
  'local refused stream reset',
  'remote reset',
  'remote refused stream reset',
  'local connection failure',
  'remote connection failure',
  'connection timeout',
  'connection termination',
  'overflow',
  'remote error with CONNECT request',
  'protocol error',
  'overload manager reset',
  'HTTP/1 premature upstream half close',
];

/** What a codec may do to the connection below it. */
export interface CodecConnection {
  /** Queues output bytes (Latin-1 string or bytes); see Connection.write for ownership. */
  write(data: Uint8Array | string): void;
  /** Nested pause of reading. */
  readDisable(disable: boolean): void;
  /** Queued bytes not yet with the kernel: flood limits look at it. */
  readonly pendingWriteBytes: number;
  /**
   * HTTP/1 servers: bytes of a next request wait in the codec and can be read now. MUST lead to `dispatch` with an empty buffer after
   * the present call stack has ended (and its error handled as always), unless the connection closes before.
   */
  resumeDispatch(): void;
  /** HTTP/1 clients: no more output (CONNECT, TCP tunnel): half-closes the connection after what is queued. */
  endWrite(): void;
  /**
   * Runs `task` when the present turn ends and before its output leaves: HTTP/2 gathers the frames of all streams and writes them once.
   * The task is called even if the connection has closed meanwhile; it MUST then do nothing.
   */
  atTurnEnd(task: TurnTask): void;
}

export interface StreamCallbacks {
  /** The stream died; nothing else is called on it afterwards. `failure` is a transport failure text or empty. */
  onResetStream(reason: StreamResetReason, failure: string): void;
  /** The codec cannot take more output for this stream: stop producing body. */
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
  /**
   * HTTP/2 servers: all of this side's message is with the connection now. Called once, only on a stream whose `encodePending` was true
   * after its end was encoded, and not after `onResetStream`.
   */
  onCodecEncodeComplete?(): void;
}

/** One request and response on a connection. */
export interface Stream {
  addCallbacks(callbacks: StreamCallbacks): void;
  removeCallbacks(callbacks: StreamCallbacks): void;
  /** Ends the stream at once. Callbacks get onResetStream. Harmless after the end. */
  resetStream(reason: StreamResetReason): void;
  /** Nested pause of the peer's body of this stream (HTTP/1: of the connection; HTTP/2: its window). */
  readDisable(disable: boolean): void;
  /** Bytes that the stream buffers before onAboveWriteBufferHighWatermark. */
  readonly bufferLimit: number;
  readonly bytesMeter: BytesMeter;
  /** Details of a codec failure such as `http1.invalid_characters`, or empty. */
  readonly responseDetails: string;
  /** Stream id on the wire; HTTP/1: 0. */
  readonly codecStreamId: number;
  /**
   * The end of this side's message is encoded, but part of it waits in the codec for the peer's window (HTTP/1: never). The callbacks'
   * `onCodecEncodeComplete` follows, or their `onResetStream`.
   */
  readonly encodePending: boolean;
}

/** Encodes one message. Headers first, then data, then trailers; the one with `endStream` (or trailers) is the last. */
export interface StreamEncoder {
  encodeData(data: Uint8Array, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Sends METADATA beside the message, before its end. Codecs that have none, or may not, leave it out. */
  encodeMetadata?(metadata: ReadonlyMap<string, string>): void;
  readonly stream: Stream;
}

export interface RequestEncoder extends StreamEncoder {
  /**
   * Returns null, or why the headers cannot be sent (`missing required header: :method`); nothing was written then.
   * MUST contain `:method` and `:path` (and `:authority`).
   */
  encodeHeaders(headers: HeaderMap, endStream: boolean): string | null;
  /** The request is an upgrade or CONNECT: after the head raw bytes flow. */
  enableTcpTunneling(): void;
}

export interface ResponseEncoder extends StreamEncoder {
  /** 100 and 103 and other informational heads; any number before encodeHeaders. */
  encode1xxHeaders(headers: HeaderMap): void;
  /** MUST contain `:status`. The codec writes framing headers (content-length / transfer-encoding) itself by RFC 9112 section 6. */
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  /** HTTP/2 and later: whether a codec error on this stream only resets the stream. */
  readonly streamErrorOnInvalidHttpMessage: boolean;
  /** The request's remaining body is not wanted any more: HTTP/1 drains or closes after the response. */
  readonly requestComplete: boolean;
}

/** Receives a decoded message. `data` is only valid during the call. */
export interface StreamDecoder {
  decodeData(data: Buffer, endStream: boolean): void;
  /** METADATA beside the message (Envoy's extension, HTTP/2 with `allow_metadata`): name and value pairs, at any time before its end. */
  decodeMetadata?(metadata: ReadonlyMap<string, string>): void;
}

export interface RequestDecoder extends StreamDecoder {
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  decodeTrailers(trailers: HeaderMap): void;
  /**
   * The codec refuses the request before its headers are complete or valid (400, 431, 426 …): the connection manager answers through
   * its filters' local-reply path. `grpc` by the content type if known. The connection closes after the reply unless `keepOpen`.
   */
  sendLocalReply(status: number, body: string, details: string): void;
}

export interface ResponseDecoder extends StreamDecoder {
  decode1xxHeaders(headers: HeaderMap): void;
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  decodeTrailers(trailers: HeaderMap): void;
}

export interface ConnectionCodecCallbacks {
  /**
   * The peer will take no new streams (GOAWAY; HTTP/1 never). `errorCode`: HTTP/2's (RFC 9113 section 7), 0 = NO_ERROR, a graceful end; absent
   * where the codec does not know one.
   */
  onGoAway(errorCode?: number): void;
}

export interface ServerConnectionCallbacks extends ConnectionCodecCallbacks {
  /** A request begins. The decoder gets its events; the encoder answers it. */
  newStream(encoder: ResponseEncoder): RequestDecoder;
}

/** Common to both roles. */
export interface HttpConnection {
  readonly protocol: Protocol;
  /**
   * Feeds bytes; `data` is only valid during the call. Returns null or the error after which the connection must close (the codec has
   * already had the error reply sent where it owes one). Bytes behind a complete request that is not answered yet are kept by the
   * codec, which pauses the connection meanwhile.
   */
  dispatch(data: Buffer): CodecError | null;
  /** The connection's write buffer crossed its marks: told on to the streams. */
  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void;
  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void;
  /** Announces that no new streams are taken (HTTP/1: nothing). */
  shutdownNotice(): void;
  goAway(): void;
  /** Whether bytes of the peer's are being waited for in the middle of a message. */
  readonly wantsToWrite: boolean;
}

export interface ServerConnection extends HttpConnection {
  /** The connection is gone: resets live streams with CONNECTION_TERMINATION. */
  onConnectionClose(): void;
}

export interface ClientConnection extends HttpConnection {
  newStream(decoder: ResponseDecoder): RequestEncoder;
  /** The peer closed. Ends a response that is delimited by close, resets others. */
  onConnectionClose(): void;
}
