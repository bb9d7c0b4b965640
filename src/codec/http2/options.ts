import type { ConnectionCodecCallbacks } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import { UNDERSCORES_ALLOW } from './settings.ts';
import type { HeadersWithUnderscoresAction } from './settings.ts';

/** What a connection's owner hears of beyond the contract; all are called inside a turn, none after the connection is closed. */
export interface Http2Listener {
  /** A frame began that is not a PING acknowledgement: the peer lives (extends a keep-alive timeout). Called for every frame: keep it cheap. */
  onFrameReceived(): void;
  /** Answer to `sendPing`. */
  onPingAck(): void;
  /**
   * More frames wait for the peer than `max_outbound_frames` or `max_outbound_control_frames` allow, found while the codec was not
   * dispatching. The owner MUST close the connection without flushing (details `http2_connection_protocol_violation`), not inside this call.
   */
  onOutboundFlood(error: CodecError): void;
}

export interface Http2ConnectionOptions {
  /** Monotonic milliseconds; a dispatcher fits. */
  readonly clock: { now(): number };
  /** Bytes of names and values of one message: `max_request_headers_kb * 1024`. */
  readonly maxHeadersBytes: number;
  /** Entries of one message. */
  readonly maxHeadersCount: number;
  /** Servers only. */
  readonly headersWithUnderscoresAction: HeadersWithUnderscoresAction;
  /** Null = nobody listens. */
  readonly listener: Http2Listener | null;
}

export const DEFAULT_MAX_HEADERS_BYTES: number = 60 * 1024;
export const DEFAULT_MAX_HEADERS_COUNT = 100;

/** Options with Envoy's defaults but for `changes`. */
export function http2ConnectionOptions(clock: { now(): number }, changes: Partial<Http2ConnectionOptions> = {}): Http2ConnectionOptions {
  return {
    clock,
    maxHeadersBytes: changes.maxHeadersBytes ?? DEFAULT_MAX_HEADERS_BYTES,
    maxHeadersCount: changes.maxHeadersCount ?? DEFAULT_MAX_HEADERS_COUNT,
    headersWithUnderscoresAction: changes.headersWithUnderscoresAction ?? UNDERSCORES_ALLOW,
    listener: changes.listener ?? null,
  };
}

export interface Http2ClientCallbacks extends ConnectionCodecCallbacks {
  /**
   * The peer's SETTINGS came. `maxConcurrentStreams` is its limit, or -1 when this frame does not say. The codec itself queues nothing:
   * a pool MUST NOT open more streams than the limit.
   */
  onSettings(maxConcurrentStreams: number): void;
}

/** Members of both connection classes beyond the contract's HttpConnection; Http2ServerConnection and Http2ClientConnection have them. */
export interface Http2ConnectionControls {
  /** Sends a PING with this payload (two 32-bit halves); its answer is `onPingAck`. */
  sendPing(high: number, low: number): void;
  /** Monotonic ms of the last dispatch, for `connection_idle_interval`. */
  readonly lastReceivedTime: number;
  /** Streams that are not over. */
  readonly activeStreams: number;
}
