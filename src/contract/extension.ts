import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { AccessLog, AccessLogFilter } from './access-log.ts';
import type { AsyncClients } from './async-client.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { DrainDecision, NetworkFilterFactoryCb } from './network.ts';
import type { GrpcClients } from './grpc-client.ts';
import type { HttpFilterFactoryCb } from './http-filter.ts';
import type { Loggers } from './logger.ts';
import type { Runtime } from './runtime.ts';
import type { CertificateObserver, SecretLookup } from './secrets.ts';
import type { Scope } from './stats.ts';
import type { SharedCells } from './shared-cells.ts';
import type { DownstreamTransportSocketFactory, UpstreamTransportSocketFactory } from './transport-socket.ts';
import type { ClusterManager } from './upstream.ts';

/**
 * Extensions: what the registry (src/extensions/registry.ts) lists. A factory turns a configuration message into something used per
 * connection or stream. Factories exist once per process and keep no state. Three lifetimes stay apart: factory (process), frozen
 * config (one per load), filter (one per stream).
 */

export type ExtensionStatus = 'works' | 'partly';
export type ExtensionCategory =
  | 'envoy.filters.http'
  | 'envoy.filters.network'
  | 'envoy.filters.listener'
  | 'envoy.access_loggers'
  | 'envoy.clusters'
  | 'envoy.load_balancing_policies'
  | 'envoy.transport_sockets.downstream'
  | 'envoy.transport_sockets.upstream'
  | 'envoy.request_id'
  | 'envoy.http.original_ip_detection'
  | 'envoy.http.early_header_mutation'
  | 'envoy.http.stateful_header_formatters'
  | 'envoy.upstream_options'
  | 'envoy.formatter'
  | 'envoy.path.match'
  | 'envoy.path.rewrite'
  | 'envoy.regex_engines'
  | 'envoy.resource_monitors'
  | 'envoy.health_checkers'
  | 'envoy.health_check.event_sinks'
  | 'envoy.tracers'
  | 'envoy.stats_sinks'
  | 'envoy.network.dns_resolver'
  | 'envoy.upstreams'
  | 'envoy.retry_host_predicates'
  | 'envoy.retry_priorities'
  | 'envoy.internal_redirect_predicates'
  | 'envoy.bootstrap'
  | 'envoy.matching.inputs';

/** Services of one thread that factories and their products use. */
export interface FactoryContext {
  readonly dispatcher: Dispatcher;
  readonly clusterManager: ClusterManager;
  /** HTTP requests of the proxy's own over its clusters. */
  readonly asyncClients: AsyncClients;
  /** gRPC calls of the proxy's own: makes clients from a GrpcService. */
  readonly grpcClients: GrpcClients;
  readonly runtime: Runtime;
  readonly loggers: Loggers;
  readonly sharedCells: SharedCells;
  /** Statistics root of the thread: `cluster.`, `http.`, `server.` … */
  readonly rootScope: Scope;
  /** `listener.<address>.`; the root where there is no listener. */
  readonly listenerScope: Scope;
  readonly drainDecision: DrainDecision;
  /** Access log files, shared by path, reopened on SIGUSR1. */
  readonly accessLogFiles: AccessLogFiles;
  readonly localInfo: LocalInfo;
  /** True on the main thread's dry run and in validate mode: build everything, start nothing (no sockets, timers, files). */
  readonly validationOnly: boolean;
  /** Decodes and validates a typed_config; ConfigError when the type is unknown, not implemented or breaks its rules. */
  readonly messages: MessageUnpacker;
  /** Finds the factory for a typed_config. */
  readonly registry: FactoryLookup;
  /** Traffic direction etc. of the listener, empty values where there is none. */
  readonly listener: ListenerFacts;
  /** Whether the server answers health checks with success (`/healthcheck/fail`). */
  readonly serverHealth: ServerHealth;
  /** `static_resources.secrets`; absent = there are none. */
  readonly secrets?: SecretLookup;
  /** Random bytes of the process, the same on all workers: what session tickets are encrypted with. Absent = every context has its own. */
  readonly ticketSecret?: Uint8Array;
  /** Where TLS contexts tell of their certificates; on the main thread only. */
  readonly certificates?: CertificateObserver;
}

export interface ServerHealth {
  /** `/healthcheck/fail` was called: health_check filters answer 503 and add x-envoy-immediate-health-check-fail. */
  readonly failed: boolean;
}

export interface ListenerFacts {
  readonly name: string;
  readonly direction: 'UNSPECIFIED' | 'INBOUND' | 'OUTBOUND';
  /** Bytes, `per_connection_buffer_limit_bytes`. */
  readonly bufferLimit: number;
}

export interface LocalInfo {
  readonly nodeId: string;
  readonly clusterName: string;
  readonly zone: string;
}

export interface AccessLogFiles {
  /** The file for `path` (`/dev/stdout` and `/dev/stderr` too); ConfigError when it cannot be opened. */
  open(path: string): AccessLogFile;
}

/** Buffered append; flushed when full, by timer, and on close. */
export interface AccessLogFile {
  /** Appends a complete record with its newline: a byte string, one character a byte (formatters make such), written as it is. */
  write(record: string): void;
}

export interface MessageUnpacker {
  unpack(any: Any, path: string): Message;
}

export interface FactoryLookup {
  /** The factory that takes this typed_config; ConfigError with one of three answers (ARCHITECTURE section 5). */
  httpFilter(any: Any | undefined, name: string): HttpFilterFactory;
  /**
   * The HTTP filter whose per-route configuration (`typed_per_filter_config`) this is. When there is none: ConfigError, or null if `optional`.
   */
  perRouteHttpFilter(any: Any, name: string, optional: boolean): HttpFilterFactory | null;
  networkFilter(any: Any | undefined, name: string): NetworkFilterFactory;
  accessLog(any: Any | undefined, name: string): AccessLogFactory;
  downstreamTransportSocket(any: Any | undefined, name: string): DownstreamTransportSocketConfigFactory;
  upstreamTransportSocket(any: Any | undefined, name: string): UpstreamTransportSocketConfigFactory;
  /** Any other category. */
  find<C extends ExtensionCategory>(category: C, any: Any | undefined, name: string): ExtensionFactory;
}

export interface ExtensionFactory {
  /** Canonical name: `envoy.filters.http.buffer`. */
  readonly name: string;
  readonly category: ExtensionCategory;
  /** Full names of the configuration messages: `envoy.extensions.filters.http.buffer.v3.Buffer`. */
  readonly configTypes: readonly string[];
  readonly status: ExtensionStatus;
  /** One sentence for docs/user/status.md when `status` is `partly`: what is missing. */
  readonly statusNote?: string;
}

export interface HttpFilterFactory extends ExtensionFactory {
  readonly category: 'envoy.filters.http';
  readonly terminal: boolean;
  /** Message of typed_per_filter_config, when the filter takes one. */
  readonly perRouteConfigType?: string;
  /** `statPrefix` is `http.<stat_prefix>.` of the connection manager. Throws ConfigError. */
  create(config: Message, statPrefix: string, context: FactoryContext): HttpFilterFactoryCb;
  /** Frozen per-route config, given back by mostSpecificPerFilterConfig. */
  createPerRoute?(config: Message, context: FactoryContext): object;
}

export interface NetworkFilterFactory extends ExtensionFactory {
  readonly category: 'envoy.filters.network';
  readonly terminal: boolean;
  create(config: Message, context: FactoryContext): NetworkFilterFactoryCb;
}

export interface DownstreamTransportSocketConfigFactory extends ExtensionFactory {
  readonly category: 'envoy.transport_sockets.downstream';
  /** `serverNames`: of the filter chain's match. Null = plain. Throws ConfigError. */
  create(config: Message, serverNames: readonly string[], context: FactoryContext): DownstreamTransportSocketFactory | null;
}

export interface UpstreamTransportSocketConfigFactory extends ExtensionFactory {
  readonly category: 'envoy.transport_sockets.upstream';
  /** `scope` is the cluster's. Null = plain. Throws ConfigError. */
  create(config: Message, scope: Scope, context: FactoryContext): UpstreamTransportSocketFactory | null;
}

export interface AccessLogFactory extends ExtensionFactory {
  readonly category: 'envoy.access_loggers';
  create(config: Message, filter: AccessLogFilter | null, context: FactoryContext): AccessLog;
}
