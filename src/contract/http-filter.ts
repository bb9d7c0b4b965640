import type { AccessLog } from './access-log.ts';
import type { Connection } from './network.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { HeaderMap } from './header-map.ts';
import type { Route } from './route.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from './status.ts';
import type { StreamInfo } from './stream-info.ts';
import type { ClusterInfo } from './upstream.ts';
import type { StreamResetReason } from './codec.ts';

/**
 * HTTP filters. A filter lives for one stream. Its calls come in order: decodeHeaders, decodeData*, decodeTrailers?, decodeComplete;
 * the encode side likewise, in reverse filter order. After onDestroy nothing is called, and the filter MUST NOT use its callbacks.
 * Calls are synchronous; who waits answers STOP and continues later through the callbacks, on the same dispatcher.
 * Filters MUST NOT throw. `data` is only valid during the call, unless the filter manager buffers it for the filter (STOP… statuses).
 */
export interface StreamFilterBase {
  /** The stream is over, by completion or reset: cancel what is under way. Called exactly once. */
  onDestroy(): void;
  /** All bytes of the response have been handed down; access logs come after it. */
  onStreamComplete?(): void;
  /** A local reply begins, from whatever filter. */
  onLocalReply?(status: number, details: string): void;
}

export interface StreamDecoderFilter extends StreamFilterBase {
  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void;
  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus;
  decodeData(data: Buffer, endStream: boolean): FilterDataStatus;
  decodeTrailers(trailers: HeaderMap): FilterTrailersStatus;
  /** METADATA beside the request (HTTP/2 with `allow_metadata`), at any time before its end. Only the terminal filter is asked. */
  decodeMetadata?(metadata: ReadonlyMap<string, string>): void;
  /** Everything of the request has passed this filter. */
  decodeComplete?(): void;
}

export interface StreamEncoderFilter extends StreamFilterBase {
  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void;
  encode1xxHeaders?(headers: HeaderMap): FilterHeadersStatus;
  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus;
  encodeData(data: Buffer, endStream: boolean): FilterDataStatus;
  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus;
  encodeComplete?(): void;
}

export interface StreamFilter extends StreamDecoderFilter, StreamEncoderFilter {}

/** Told when the downstream cannot take more; the router pauses its upstream by it. */
export interface DownstreamWatermarkCallbacks {
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

export interface StreamFilterCallbacks {
  readonly connection: Connection | null;
  readonly dispatcher: Dispatcher;
  readonly streamInfo: StreamInfo;
  readonly streamId: number;
  /** The route, resolved on first use and then kept; null when none matches. */
  route(): Route | null;
  /** Cluster of the route, or null when there is no route, or no such cluster. */
  clusterInfo(): ClusterInfo | null;
  /** Forgets the route; the next `route()` resolves anew (a filter changed the headers). */
  clearRouteCache(): void;
  /** Fixes the route by hand. */
  setRoute(route: Route | null): void;
  /** Resets the downstream stream. */
  resetStream(reason: StreamResetReason, failure: string): void;
  /** Most specific per-route configuration of this filter (by its name in the chain), or null. */
  mostSpecificPerFilterConfig(): object | null;
  /** All levels, least specific first: route configuration, virtual host, route, weighted cluster. */
  perFilterConfigs(): readonly object[];
  /** Bytes that may be buffered for this stream; filters MAY raise it only. */
  readonly bufferLimit: number;
  setBufferLimit(bytes: number): void;
  /** Restarts the stream's idle timer. */
  resetIdleTimer(): void;
  /**
   * Only during decodeData or encodeData: what goes on, or is buffered, as the filter's answer says, in the place of the data that the call
   * was given. Calling it again replaces it again. The bytes MUST stay as they are until the next call into the filter; they are not copied.
   */
  replaceData(data: Uint8Array): void;
}

export interface StreamDecoderFilterCallbacks extends StreamFilterCallbacks {
  /** Goes on with the headers, the buffered body and trailers after a STOP. MUST NOT be called before a STOP was answered. */
  continueDecoding(): void;
  /** The request body buffered so far by the filter manager, or null. Valid until the next call to the manager. */
  decodingBuffer(): Buffer | null;
  /** Adds to the buffered body (see Envoy's addDecodedData): in decodeHeaders/decodeTrailers it passes on as if it had come. */
  addDecodedData(data: Uint8Array, streaming: boolean): void;
  /** Hands data to the filters after this one at once. */
  injectDecodedDataToFilterChain(data: Uint8Array, endStream: boolean): void;
  /** Makes trailers where the request has none; only in decodeData with endStream. */
  addDecodedTrailers(): HeaderMap;
  /**
   * Answers the request here. `headers` are added to the reply, `grpcStatus` overrides the mapping for gRPC requests (-1 = map), `flags` are
   * set on the stream info. Runs the encoder filters (all of them), the local-reply mappers and formats.
   */
  sendLocalReply(status: number, body: string, modify: ((headers: HeaderMap) => void) | null, grpcStatus: number, details: string): void;
  /** The response, from the terminal filter: passes the encoder filters in reverse. `details` e.g. `via_upstream`. */
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean, details: string): void;
  encodeData(data: Buffer, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** METADATA beside the response: goes straight to the codec, which may have none. */
  encodeMetadata?(metadata: ReadonlyMap<string, string>): void;
  /** Pauses reading from the downstream (nested): the upstream cannot take more. */
  onDecoderFilterAboveWriteBufferHighWatermark(): void;
  onDecoderFilterBelowWriteBufferLowWatermark(): void;
  addDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void;
  removeDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void;
  /** Starts the stream again with the present headers (internal redirect); false when impossible. */
  recreateStream(headers: HeaderMap): boolean;
  /** Raw tunnel after upgrade or CONNECT. */
  upgradeAccepted(): void;
}

export interface StreamEncoderFilterCallbacks extends StreamFilterCallbacks {
  continueEncoding(): void;
  encodingBuffer(): Buffer | null;
  addEncodedData(data: Uint8Array, streaming: boolean): void;
  injectEncodedDataToFilterChain(data: Uint8Array, endStream: boolean): void;
  addEncodedTrailers(): HeaderMap;
  sendLocalReply(status: number, body: string, modify: ((headers: HeaderMap) => void) | null, grpcStatus: number, details: string): void;
  onEncoderFilterAboveWriteBufferHighWatermark(): void;
  onEncoderFilterBelowWriteBufferLowWatermark(): void;
}

/** Where a chain is built for one stream. `name` is the filter's name in the configuration, by which per-route config is found. */
export interface FilterChainCallbacks {
  addStreamDecoderFilter(name: string, filter: StreamDecoderFilter): void;
  addStreamEncoderFilter(name: string, filter: StreamEncoderFilter): void;
  addStreamFilter(name: string, filter: StreamFilter): void;
  addAccessLogHandler(handler: AccessLog): void;
  readonly dispatcher: Dispatcher;
}

/** Made once per configuration by a factory, called once per stream. */
export type HttpFilterFactoryCb = (callbacks: FilterChainCallbacks) => void;
