import type { Message } from '@bufbuild/protobuf';
import type { Dispatcher } from './dispatcher.ts';
import type { ExtensionFactory, FactoryContext } from './extension.ts';
import type { StreamInfo } from './stream-info.ts';

/**
 * Listener filters: what looks at a connection after it was accepted and before its filter chain is chosen (SNI, ALPN, PROXY protocol …). They
 * run one after another, first to last, on the thread that accepted.
 */

/** Go on with the next filter. */
export const LISTENER_FILTER_CONTINUE = 0;
/** Wait: for `onData`, for the filter's own `continueFilterChain`, or, after `close`, for nothing. */
export const LISTENER_FILTER_STOP_ITERATION = 1;
export type ListenerFilterStatus = 0 | 1;

/** What the peer has sent and nobody has consumed. */
export interface ListenerFilterBuffer {
  /** At most the filter's `maxReadBytes`, from the first byte that was not drained; valid during the call. */
  readonly bytes: Buffer;
  /** Consumes the first `length` bytes: filters after this one, and the connection, do not see them. */
  drain(length: number): void;
}

export interface ListenerFilterCallbacks {
  readonly dispatcher: Dispatcher;
  /**
   * Of the connection to be. A filter writes here what it learns: addresses (`downstreamRemoteAddress`, `downstreamLocalAddress`; the direct ones stay),
   * `requestedServerName` (lower case), fingerprints, dynamic metadata, filter state.
   */
  readonly streamInfo: StreamInfo;
  /** Seen on the connection: `tls`, `raw_buffer`; empty = nobody has looked, which counts as `raw_buffer`. */
  transportProtocol: string;
  /** What the client offers by ALPN, or what an inspector saw: `h2`, `http/1.1` … */
  applicationProtocols: readonly string[];
  /** Closes the connection; the filter MUST return STOP_ITERATION then. */
  close(): void;
  /** Ends a wait of `onAccept` that is not for bytes; `false` closes. MUST NOT be called during a call into the filter. */
  continueFilterChain(success: boolean): void;
}

/** One for each connection. */
export interface ListenerFilter {
  /** How many bytes `onData` wants to see at most; it may grow while the filter waits. 0 = none. */
  readonly maxReadBytes: number;
  onAccept(callbacks: ListenerFilterCallbacks): ListenerFilterStatus;
  /**
   * After `onAccept` said STOP_ITERATION: all bytes so far, from the first, whenever there are more than in the last call. A filter that says
   * STOP_ITERATION with `maxReadBytes` bytes in hand waits for the timeout.
   */
  onData(buffer: ListenerFilterBuffer): ListenerFilterStatus;
  /** The connection has ended while the filter waited. */
  onClose(): void;
}

/** Makes the filter for one connection. */
export type ListenerFilterFactoryCb = () => ListenerFilter;

export interface ListenerFilterFactory extends ExtensionFactory {
  readonly category: 'envoy.filters.listener';
  /** Throws ConfigError. Statistics go to `context.rootScope`, as Envoy's do. */
  create(config: Message, context: FactoryContext): ListenerFilterFactoryCb;
}
