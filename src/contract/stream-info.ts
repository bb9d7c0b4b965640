import type { Address } from './address.ts';
import type { HeaderMap } from './header-map.ts';
import type { SslConnectionInfo } from './network.ts';
import type { ClusterInfo, Host } from './upstream.ts';
import type { Route } from './route.ts';

export const PROTOCOL_HTTP10 = 0;
export const PROTOCOL_HTTP11 = 1;
export const PROTOCOL_HTTP2 = 2;
export const PROTOCOL_HTTP3 = 3;
/** A connection or stream without HTTP (yet). */
export const PROTOCOL_NONE = -1;
export type Protocol = -1 | 0 | 1 | 2 | 3;
export const PROTOCOL_NAMES: readonly string[] = ['HTTP/1.0', 'HTTP/1.1', 'HTTP/2', 'HTTP/3'];

/** Bytes on the wire of one stream. */
export class BytesMeter {
  headerBytesSent = 0;
  headerBytesReceived = 0;
  wireBytesSent = 0;
  wireBytesReceived = 0;
}

/** Times of the upstream side, monotonic milliseconds, NaN = did not happen. */
export class UpstreamTiming {
  firstTxByteSent = NaN;
  lastTxByteSent = NaN;
  firstRxByteReceived = NaN;
  lastRxByteReceived = NaN;
  connectStart = NaN;
  connectComplete = NaN;
  poolReady = NaN;
  /** When the router asked the pool for the stream; `poolReady` minus this is UPSTREAM_CONNECTION_POOL_READY_DURATION. */
  poolRequested = NaN;
}

/** What is known of the upstream of a stream; the last attempt's. */
export class UpstreamInfo {
  host: Host | null = null;
  localAddress: Address | null = null;
  remoteAddress: Address | null = null;
  transportFailureReason = '';
  connectionId = 0;
  protocol: Protocol = PROTOCOL_NONE;
  numStreams = 0;
  ssl: SslConnectionInfo | null = null;
  readonly timing = new UpstreamTiming();
  meter: BytesMeter | null = null;
  /** Every host tried, in order (UPSTREAM_HOSTS_ATTEMPTED). */
  readonly attemptedHosts: Host[] = [];
}

/** An object of filter state that says how logs show it. Other values (text, numbers, plain JSON) are shown as they are. */
export interface FilterStateObject {
  /** `%FILTER_STATE(KEY:PLAIN)%`, one character a byte; null = it has no such form. */
  filterStateText(): string | null;
  /**
   * `%FILTER_STATE(KEY:TYPED)%`: its message as plain JSON, or null. Field names as in the proto file, or in camel case: Envoy's text logs have
   * the latter, its JSON logs the former.
   */
  filterStateJson(camelCase: boolean): unknown;
  /** `%FILTER_STATE(KEY:FIELD:NAME)%`, one character a byte; null = there is no such field. Absent = the object has no fields. */
  filterStateField?(name: string): string | null;
}

/** Above it one more digit would not be exact. */
const MAX_FLAG_ORDER: number = 2 ** 48;

/**
 * Everything that is known of one request (or one TCP connection) while it lives: read by access logs, formatters, matchers.
 * A plain record with all fields set in the constructor; whoever learns something writes it here.
 */
export class StreamInfo {
  protocol: Protocol;
  /** Wall clock at the first byte, ms since the epoch. */
  readonly startTimeWall: number;
  /** Monotonic at the first byte; all other times are relative to it. */
  readonly startTime: number;
  /** Monotonic times or NaN. */
  lastDownstreamRxByte: number;
  firstDownstreamTxByte: number;
  lastDownstreamTxByte: number;
  requestComplete: number;
  /** Status code sent to the client, 0 = none. */
  responseCode: number;
  /** Empty = unset. Spaces are written `_`, as Envoy. */
  responseCodeDetails: string;
  connectionTerminationDetails: string;
  /** Bit i = flag i of response-flags.ts. */
  responseFlags: number;
  /** The flags in the order in which they were set, the first ten: digits of base 32, the first set in the highest, each one more than its flag. */
  responseFlagOrder: number;
  /** Body bytes. */
  bytesReceived: number;
  bytesSent: number;
  readonly downstreamMeter: BytesMeter;
  downstreamRemoteAddress: Address;
  downstreamDirectRemoteAddress: Address;
  downstreamLocalAddress: Address;
  downstreamDirectLocalAddress: Address;
  downstreamSsl: SslConnectionInfo | null;
  downstreamTransportFailureReason: string;
  connectionId: number;
  requestedServerName: string;
  /** Fingerprints of the ClientHello that tls_inspector took, in hex; empty = none. */
  ja3Hash: string;
  ja4Hash: string;
  upstream: UpstreamInfo | null;
  upstreamCluster: ClusterInfo | null;
  /** Number of attempts, 0 before the first. */
  attemptCount: number;
  route: Route | null;
  routeName: string;
  virtualClusterName: string;
  filterChainName: string;
  listenerName: string;
  /** Dynamic metadata by namespace (google.protobuf.Struct as plain JSON), null until first written. */
  dynamicMetadata: Map<string, Record<string, unknown>> | null;
  /** Objects that filters share, by name: FilterStateObject, or a plain value; null until first written. */
  filterState: Map<string, unknown> | null;
  /** True for requests of health checkers answered by the health_check filter. */
  healthCheck: boolean;
  /** Set by the request-id extension. */
  traceReason: number;
  requestId: string;
  /** `:scheme` towards the upstream is that of the upstream's transport (scheme_header_transformation.match_upstream). */
  schemeMatchesUpstream: boolean;
  /** Request headers as they were when the response began; for access logs. */
  requestHeaders: HeaderMap | null;

  constructor(protocol: Protocol, startTimeWall: number, startTime: number, remote: Address, local: Address) {
    this.protocol = protocol;
    this.startTimeWall = startTimeWall;
    this.startTime = startTime;
    this.lastDownstreamRxByte = NaN;
    this.firstDownstreamTxByte = NaN;
    this.lastDownstreamTxByte = NaN;
    this.requestComplete = NaN;
    this.responseCode = 0;
    this.responseCodeDetails = '';
    this.connectionTerminationDetails = '';
    this.responseFlags = 0;
    this.responseFlagOrder = 0;
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.downstreamMeter = new BytesMeter();
    this.downstreamRemoteAddress = remote;
    this.downstreamDirectRemoteAddress = remote;
    this.downstreamLocalAddress = local;
    this.downstreamDirectLocalAddress = local;
    this.downstreamSsl = null;
    this.downstreamTransportFailureReason = '';
    this.connectionId = 0;
    this.requestedServerName = '';
    this.ja3Hash = '';
    this.ja4Hash = '';
    this.upstream = null;
    this.upstreamCluster = null;
    this.attemptCount = 0;
    this.route = null;
    this.routeName = '';
    this.virtualClusterName = '';
    this.filterChainName = '';
    this.listenerName = '';
    this.dynamicMetadata = null;
    this.filterState = null;
    this.healthCheck = false;
    this.traceReason = 0;
    this.requestId = '';
    this.schemeMatchesUpstream = false;
    this.requestHeaders = null;
  }

  setResponseFlag(flag: number): void {
    if (this.hasResponseFlag(flag)) return;
    this.responseFlags |= 1 << flag;
    if (this.responseFlagOrder < MAX_FLAG_ORDER) this.responseFlagOrder = this.responseFlagOrder * 32 + flag + 1;
  }

  hasResponseFlag(flag: number): boolean {
    return (this.responseFlags & (1 << flag)) !== 0;
  }
}
