import type { HeaderMap } from './header-map.ts';
import type { HashPolicy, HedgePolicy, RetryPolicy } from './route.ts';
import type { StreamInfo } from './stream-info.ts';

/**
 * HTTP requests that the proxy itself makes to its clusters (Envoy's Http::AsyncClient): authorization, mirrors, REST services, and what
 * gRPC clients stand on. A request passes the router like a client's, so that load balancing, circuit breakers, timeouts, retries and the
 * statistics `cluster.<name>.*` are the same; the router's own are at `http.async-client.*`.
 *
 * Everything happens on one dispatcher. Callbacks may come during the call that starts a request (no such host, circuit breaker open) and
 * MUST NOT throw. Nothing is called after an end, a cancel or a reset.
 */

/** The stream was reset: no response, or one that broke off. */
export const ASYNC_FAILURE_RESET = 0;
/** The response body is longer than may be kept. */
export const ASYNC_FAILURE_EXCEED_RESPONSE_BUFFER_LIMIT = 1;
export type AsyncFailureReason = 0 | 1;

export interface AsyncStreamOptions {
  /** Milliseconds from the end of the request to the end of the response; 0 or absent = none. The answer is a 504 of the router's. */
  readonly timeout?: number;
  readonly retryPolicy?: RetryPolicy | null;
  /** A per-try timeout starts another attempt beside the first. */
  readonly hedgePolicy?: HedgePolicy | null;
  readonly hashPolicy?: HashPolicy | null;
  /** Whether `x-forwarded-for` with this machine's address is appended; default true. */
  readonly sendXff?: boolean;
  /** Whether `x-envoy-internal: true` is set; default true. */
  readonly sendInternal?: boolean;
  /** Bytes of request body kept for a retry, and of body that waits for a connection before its producer is told to pause; default 65,536. */
  readonly bufferLimit?: number;
  /** The response body is dropped as it comes: unary requests and mirrors that nobody reads. */
  readonly discardResponseBody?: boolean;
  /** The stream on whose behalf the request is made: load balancing takes the metadata match of its route. */
  readonly parent?: StreamInfo | null;
  /** What the router is configured with instead of the client's own (mirrors take their request's); opaque here. */
  readonly routerConfig?: object;
}

/** Told when the request's body cannot be sent as fast as it is produced; calls nest. */
export interface AsyncWatermarkCallbacks {
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

/** Events of a stream, in order: headers, data*, trailers?, complete; or a reset at any time instead of the rest. */
export interface AsyncStreamCallbacks {
  /** The response's head; informational heads are not passed on. */
  onHeaders(headers: HeaderMap, endStream: boolean): void;
  /** `data` is only valid during the call. */
  onData(data: Buffer, endStream: boolean): void;
  onTrailers(trailers: HeaderMap): void;
  /** Response and request have ended well. A request that had not ended when its response did is cut off, which is no error. */
  onComplete(): void;
  /** The stream broke off. Not called for the caller's own `reset`. */
  onReset(): void;
}

/** A request whose body is sent piece by piece. Calls after the end of either side are harmless. */
export interface AsyncStream {
  /** MUST be called first and once. `headers` has `:method`, `:path`, `:authority`; it belongs to the stream from then on. */
  sendHeaders(headers: HeaderMap, endStream: boolean): void;
  /** `data` MUST NOT be changed before the present turn has ended. */
  sendData(data: Uint8Array, endStream: boolean): void;
  sendTrailers(trailers: HeaderMap): void;
  /** Ends the stream at once; no callback comes. */
  reset(): void;
  /** Nested pause of the response: the upstream's window (or its connection, HTTP/1) fills and the sender slows down. */
  readDisable(disable: boolean): void;
  readonly isAboveWriteBufferHighWatermark: boolean;
  /** At most one at a time; a new one hears at once how far above the mark the stream is, null takes the present one back to zero. */
  setWatermarkCallbacks(callbacks: AsyncWatermarkCallbacks | null): void;
  readonly streamInfo: StreamInfo;
}

export interface AsyncRequestMessage {
  readonly headers: HeaderMap;
  readonly body: Uint8Array | null;
  readonly trailers?: HeaderMap | null;
}

export interface AsyncResponseMessage {
  readonly headers: HeaderMap;
  /** Empty when there is none or it was not wanted. */
  readonly body: Buffer;
  readonly trailers: HeaderMap | null;
}

export interface AsyncRequestCallbacks {
  /** Any complete response, the router's own 503 and 504 too. */
  onSuccess(response: AsyncResponseMessage): void;
  onFailure(reason: AsyncFailureReason): void;
}

/** A request under way. */
export interface AsyncRequest {
  /** No callback comes. Harmless after the end. */
  cancel(): void;
  readonly streamInfo: StreamInfo;
}

/** A unary request whose body is sent piece by piece. */
export interface AsyncOngoingRequest extends AsyncRequest {
  sendData(data: Uint8Array, endStream: boolean): void;
  sendTrailers(trailers: HeaderMap): void;
  readonly isAboveWriteBufferHighWatermark: boolean;
  setWatermarkCallbacks(callbacks: AsyncWatermarkCallbacks | null): void;
}

export interface AsyncRequestOptions extends AsyncStreamOptions {
  /** Bytes of response body that may be kept; default 32 MiB, runtime `http.async_response_buffer_limit`. */
  readonly responseBufferLimit?: number;
}

/** The client of one cluster on one thread. */
export interface AsyncClient {
  /** Null when a callback has been called already. */
  send(request: AsyncRequestMessage, callbacks: AsyncRequestCallbacks, options?: AsyncRequestOptions): AsyncRequest | null;
  /** Sends the head; body and trailers follow. Null when a callback has been called already. */
  startRequest(headers: HeaderMap, callbacks: AsyncRequestCallbacks, options?: AsyncRequestOptions): AsyncOngoingRequest | null;
  start(callbacks: AsyncStreamCallbacks, options?: AsyncStreamOptions): AsyncStream;
}

/** The clients of one thread. */
export interface AsyncClients {
  /** The client of a cluster, or null when there is no such cluster now. Ask per request: clusters come and go. */
  forCluster(name: string): AsyncClient | null;
}
