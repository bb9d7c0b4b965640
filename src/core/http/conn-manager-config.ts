import type { Http2CodecStats, Http2Listener, KeepaliveSettings } from '../../codec/http2/index.ts';
import type { AccessLog } from '../../contract/access-log.ts';
import type { Address } from '../../contract/address.ts';
import type { CodecConnection, ServerConnection, ServerConnectionCallbacks } from '../../contract/codec.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Logger } from '../../contract/logger.ts';
import type { Connection, DrainDecision } from '../../contract/network.ts';
import type { RouteConfig } from '../../contract/route.ts';
import type { Runtime } from '../../contract/runtime.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterManager } from '../../contract/upstream.ts';
import type { ClientCertDetails } from './client-cert.ts';
import type { ConnectionManagerStats } from './conn-manager-stats.ts';
import type { DateProvider } from './date-provider.ts';
import type { FilterChainFactory } from './filter-manager.ts';
import type { LocalReply } from './local-reply.ts';
import type { PathOptions } from './path-util.ts';
import type { ProxyStatusConfig } from './proxy-status.ts';
import type { UuidRequestId } from './request-id.ts';

export const SERVER_OVERWRITE = 0;
export const SERVER_APPEND_IF_ABSENT = 1;
export const SERVER_PASS_THROUGH = 2;
export type ServerHeaderTransformation = 0 | 1 | 2;

export const STRIP_PORT_NONE = 0;
export const STRIP_PORT_MATCHING = 1;
export const STRIP_PORT_ANY = 2;
export type StripPort = 0 | 1 | 2;

export const CLIENT_CERT_SANITIZE = 0;
export const CLIENT_CERT_FORWARD_ONLY = 1;
export const CLIENT_CERT_APPEND_FORWARD = 2;
export const CLIENT_CERT_SANITIZE_SET = 3;
export const CLIENT_CERT_ALWAYS_FORWARD_ONLY = 4;
export type ForwardClientCert = 0 | 1 | 2 | 3 | 4;

/** The routes now: a static configuration, later RDS. A stream takes one snapshot and keeps it. */
export interface RouteConfigProvider {
  config(): RouteConfig;
}

/** Finds the client behind proxies (`original_ip_detection_extensions`). */
export interface OriginalIpDetection {
  detect(headers: HeaderMap, peer: Address): OriginalIpResult;
}

export interface OriginalIpResult {
  readonly address: Address | null;
  /** The address may make the request internal. */
  readonly allowTrustedAddressChecks: boolean;
  readonly skipXffAppend: boolean;
}

/** Changes headers before everything else (`early_header_mutation_extensions`); false stops those after it. */
export interface EarlyHeaderMutation {
  mutate(headers: HeaderMap, streamInfo: StreamInfo): boolean;
}

/** A whole HttpConnectionManager message, every default resolved. Immutable; shared by all connections of a filter chain. Milliseconds; 0 = off. */
export interface ConnectionManagerConfig {
  readonly dispatcher: Dispatcher;
  readonly runtime: Runtime;
  readonly clusterManager: ClusterManager;
  readonly drainDecision: DrainDecision;
  readonly logger: Logger;
  readonly date: DateProvider;
  readonly stats: ConnectionManagerStats;
  readonly routeConfigProvider: RouteConfigProvider;
  readonly filterChainFactory: FilterChainFactory;
  readonly accessLogs: readonly AccessLog[];
  readonly localReply: LocalReply;
  readonly listenerName: string;
  createCodec(
    connection: CodecConnection, callbacks: ServerConnectionCallbacks & Http2Listener, firstBytes: Buffer, network: Connection,
  ): ServerConnection;
  /** The first bytes decide between HTTP/1 and HTTP/2 (`codec_type` AUTO): while they do not tell, they are held. */
  readonly inspectPreface: boolean;
  /** Null = no PINGs. */
  readonly http2Keepalive: KeepaliveSettings | null;
  /** `http2.` of the process; made when first asked for. */
  http2Stats(): Http2CodecStats;

  readonly idleTimeout: number;
  readonly maxConnectionDuration: number;
  /** Fraction 0-1 by which max_connection_duration may grow at random. */
  readonly maxConnectionDurationJitter: number;
  readonly http1SafeMaxConnectionDuration: boolean;
  readonly maxStreamDuration: number;
  /** `allow_multiplexed_upstream_half_close`. */
  readonly upstreamHalfClose: boolean;
  readonly streamIdleTimeout: number;
  readonly streamFlushTimeout: number;
  /** `stream_flush_timeout` is not set: a route's idle timeout is its flush timeout, too. */
  readonly flushFollowsIdle: boolean;
  readonly requestTimeout: number;
  readonly requestHeadersTimeout: number;
  readonly drainTimeout: number;
  readonly drainTimeoutJitter: number;
  readonly delayedCloseTimeout: number;
  /** 0 = unlimited. */
  readonly maxRequestsPerConnection: number;

  readonly useRemoteAddress: boolean;
  readonly xffNumTrustedHops: number;
  readonly skipXffAppend: boolean;
  readonly originalIpDetection: readonly OriginalIpDetection[];
  readonly earlyHeaderMutations: readonly EarlyHeaderMutation[];
  isInternalAddress(address: Address): boolean;
  readonly appendXForwardedPort: boolean;
  /** Overwrites `:scheme` and `x-forwarded-proto`; empty = off. */
  readonly schemeToSet: string;
  readonly schemeMatchesUpstream: boolean;
  /** Destination ports that say what the client spoke to a TLS terminator in front; null = off. */
  readonly forwardProto: { readonly https: readonly number[]; readonly http: readonly number[] } | null;
  /** `x-envoy-downstream-service-cluster` and default user agent; null = off. */
  readonly userAgent: string | null;
  readonly nodeId: string;
  readonly via: string;
  readonly requestId: UuidRequestId;
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly alwaysSetRequestIdInResponse: boolean;
  readonly forwardClientCert: ForwardClientCert;
  readonly clientCertDetails: ClientCertDetails;
  readonly serverName: string;
  readonly serverHeaderTransformation: ServerHeaderTransformation;
  readonly proxyStatus: ProxyStatusConfig | null;
  readonly path: PathOptions;
  readonly stripPort: StripPort;
  readonly stripTrailingHostDot: boolean;
  readonly proxy100Continue: boolean;
  readonly flushAccessLogOnNewRequest: boolean;
  readonly flushAccessLogOnTunnelEstablished: boolean;
  readonly accessLogFlushInterval: number;
}
