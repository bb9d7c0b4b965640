import { VirtualClock } from '../../../base/clock.ts';
import { SeededRandom } from '../../../base/random.ts';
import { DEFAULT_HTTP1_SETTINGS, Http1ServerConnection, http1Settings } from '../../../codec/http1/index.ts';
import type { Http1Settings } from '../../../codec/http1/index.ts';
import { Http2ServerConnection, http2ConnectionOptions, http2Settings } from '../../../codec/http2/index.ts';
import type { Http2Settings } from '../../../codec/http2/index.ts';
import type { LogContext } from '../../../contract/access-log.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { HttpFilterFactoryCb } from '../../../contract/http-filter.ts';
import type { Logger } from '../../../contract/logger.ts';
import { RESPONSE_FLAGS } from '../../../contract/response-flags.ts';
import type { DirectResponseEntry, Route, RouteConfig, RouteEntry, VirtualHost } from '../../../contract/route.ts';
import type { FractionalPercent, Runtime, RuntimeSnapshot } from '../../../contract/runtime.ts';
import type { Scope } from '../../../contract/stats.ts';
import { NO_CLIENT_CERT_DETAILS } from '../client-cert.ts';
import { ThreadDispatcher } from '../../dispatcher/dispatcher.ts';
import { RouterStats } from '../../router/router-config.ts';
import type { RouterConfig } from '../../router/router-config.ts';
import { RouterFilter } from '../../router/router.ts';
import { TimerPool } from '../../router/timer-pool.ts';
import { StatsStore, findStatsSchema } from '../../stats/store.ts';
import type { ConnectionManagerConfig } from '../conn-manager-config.ts';
import { ConnectionManagerStats } from '../conn-manager-stats.ts';
import { ThreadAsyncClients } from '../async-client.ts';
import { ConnectionManager } from '../connection-manager.ts';
import { DateProvider } from '../date-provider.ts';
import { HttpFilterChain } from '../filter-chain.ts';
import { bindHttp2Stats } from '../http2-stats.ts';
import { LocalReply } from '../local-reply.ts';
import { startsAsHttp2 } from '../preface.ts';
import { UuidRequestId } from '../request-id.ts';
import { MemoryConnection } from './connection.ts';
import { TestCluster, TestClusterManager } from './upstream.ts';

export class TestRuntime implements Runtime, RuntimeSnapshot {
  readonly values = new Map<string, number | boolean | string>();

  snapshot(): RuntimeSnapshot {
    return this;
  }

  getBoolean(key: string, fallback: boolean): boolean {
    return Boolean(this.values.get(key) ?? fallback);
  }

  getInteger(key: string, fallback: number): number {
    return Number(this.values.get(key) ?? fallback);
  }

  getDouble(key: string, fallback: number): number {
    return Number(this.values.get(key) ?? fallback);
  }

  getString(key: string): string | undefined {
    const value = this.values.get(key);
    return value === undefined ? undefined : String(value);
  }

  featureEnabled(key: string, percent: FractionalPercent, random: number): boolean {
    const value = this.values.get(key);
    const numerator = value === undefined ? percent.numerator : Number(value);
    return random % percent.denominator < numerator;
  }

  runtimeFeatureEnabled(_name: string): boolean {
    return true;
  }
}

const SILENT: Logger = { name: 'test', enabled: () => false, log: () => {} };

/** One line of what an access log would say. */
export interface LoggedRequest {
  readonly type: string;
  readonly code: number;
  readonly details: string;
  readonly flags: string;
  readonly received: number;
  readonly sent: number;
  readonly attempts: number;
}

export interface TestRoutes {
  /** The route for each request; null = none matches. */
  route: Route | null;
}

export function testVirtualHost(changes: Partial<VirtualHost> = {}): VirtualHost {
  return {
    name: 'local', routeConfigName: 'routes', includeRequestAttemptCount: false, includeAttemptCountInResponse: false,
    includeIsTimeoutRetryHeader: false, virtualCluster: () => null, metadata: null, ...changes,
  };
}

export function testRouteEntry(changes: Partial<RouteEntry> = {}): RouteEntry {
  return {
    clusterName: 'origin', clusterNotFoundResponseCode: 503, priority: 0, timeout: 15_000, idleTimeout: -1, flushTimeout: -1,
    maxStreamDuration: -1, grpcTimeoutHeaderMax: -1, grpcTimeoutHeaderOffset: -1, maxGrpcTimeout: -1, grpcTimeoutOffset: -1,
    retryPolicy: null, hedgePolicy: null, shadowPolicies: [], hashPolicy: null, metadataMatch: null, requestBodyBufferLimit: -1,
    autoHostRewrite: false, appendXForwardedHost: false, upgradeMap: null, connectConfig: null, internalRedirect: null, includeVirtualHostRateLimits: false,
    routeStatsPrefix: '', finalizeRequestHeaders: () => {}, finalizeResponseHeaders: () => {}, ...changes,
  };
}

export function testRoute(entry: RouteEntry | null, direct: DirectResponseEntry | null = null, changes: Partial<Route> = {}): Route {
  return {
    name: '', virtualHost: testVirtualHost(), directResponse: direct, routeEntry: entry, metadata: null,
    mostSpecificPerFilterConfig: () => null, perFilterConfigs: () => [], filterDisabled: () => null, origin: null, ...changes,
  };
}

export interface TestProxyOptions {
  readonly manager?: Partial<ConnectionManagerConfig>;
  readonly router?: Partial<RouterConfig>;
  readonly codec?: Partial<Http1Settings>;
  readonly http2?: Partial<Http2Settings>;
  /** Filters before the router. */
  readonly filters?: readonly { readonly name: string; readonly create: HttpFilterFactoryCb; readonly disabled?: boolean }[];
  readonly upgrades?: readonly string[];
}

/** Connection manager, filters, router and a cluster with one host, joined by the real codecs over memory, on virtual time. */
export class TestProxy {
  readonly clock = new VirtualClock(1_000);
  readonly dispatcher: ThreadDispatcher;
  readonly store: StatsStore;
  readonly root: Scope;
  readonly runtime = new TestRuntime();
  readonly clusters = new TestClusterManager();
  readonly asyncClients: ThreadAsyncClients;
  readonly origin: TestCluster;
  readonly routes: TestRoutes;
  readonly logs: LoggedRequest[] = [];
  readonly config: ConnectionManagerConfig;
  readonly routerConfig: RouterConfig;
  drain = false;

  constructor(options: TestProxyOptions = {}) {
    this.dispatcher = new ThreadDispatcher({
      name: 'test', clock: this.clock, random: new SeededRandom(1), waker: null, scheduler: { soon: () => {} },
    });
    this.store = new StatsStore(() => {});
    this.root = this.store.root();
    this.origin = this.addCluster('origin');
    this.routes = { route: testRoute(testRouteEntry()) };
    const stats = new ConnectionManagerStats(this.root, this.root.scope('listener.test'), 'ingress');
    this.asyncClients = new ThreadAsyncClients({
      dispatcher: this.dispatcher, clusterManager: this.clusters, runtime: this.runtime, loggers: { get: () => SILENT }, rootScope: this.root,
      zone: '',
    });
    this.routerConfig = {
      dispatcher: this.dispatcher, clusterManager: this.clusters, asyncClients: this.asyncClients, runtime: this.runtime, logger: SILENT, rootScope: this.root,
      stats: new RouterStats(stats.scope), timers: new TimerPool(this.dispatcher), zone: '', dynamicStats: true,
      suppressEnvoyHeaders: false, respectExpectedRqTimeout: false, suppressGrpcRequestFailureCodeStats: false, strictCheckHeaders: [],
      upstreamLogs: [], flushUpstreamLogOnUpstreamStream: false, upstreamLogFlushInterval: 0, rejectEarlyConnectData: false,
      upstreamHalfClose: false,
      ...options.router,
    };
    this.config = { ...this.managerDefaults(stats, options), ...options.manager };
  }

  private managerDefaults(stats: ConnectionManagerStats, options: TestProxyOptions): ConnectionManagerConfig {
    const routeConfig: RouteConfig = {
      name: 'routes', route: () => this.routes.route, internalOnlyHeaders: [], ignorePathParametersInPathMatching: false,
    };
    const settings = http1Settings(options.codec ?? {}, DEFAULT_HTTP1_SETTINGS);
    const codecStats = {
      droppedHeadersWithUnderscores: this.root.counter('http1.dropped_headers_with_underscores'),
      metadataNotSupportedError: this.root.counter('http1.metadata_not_supported_error'),
      requestsRejectedWithUnderscoresInHeaders: this.root.counter('http1.requests_rejected_with_underscores_in_headers'),
      responseFlood: this.root.counter('http1.response_flood'),
    };
    const filters = (options.filters ?? []).map((each) => ({ name: each.name, create: each.create, disabled: each.disabled ?? false }));
    filters.push({ name: 'router', create: (callbacks) => callbacks.addStreamDecoderFilter('router', new RouterFilter(this.routerConfig)), disabled: false });
    const upgrades = new Map((options.upgrades ?? []).map((type) => [type, { enabled: true, filters: null }]));
    return {
      dispatcher: this.dispatcher, runtime: this.runtime, clusterManager: this.clusters,
      drainDecision: { drainClose: () => this.drain, draining: false, closeIdle: false, addDrainListener: () => {}, removeDrainListener: () => {} }, logger: SILENT, date: new DateProvider(this.dispatcher), stats,
      routeConfigProvider: { config: () => routeConfig }, filterChainFactory: new HttpFilterChain(filters, upgrades),
      accessLogs: [{ log: (context) => this.logs.push(logged(context)) }], localReply: new LocalReply([], null), listenerName: 'test',
      createCodec: (connection, callbacks, firstBytes) => {
        if (!startsAsHttp2(firstBytes)) return new Http1ServerConnection(connection, callbacks, settings, codecStats, { bufferLimit: 1_000 });
        const http2Options = http2ConnectionOptions(this.dispatcher, { listener: callbacks });
        return new Http2ServerConnection(connection, callbacks, http2Settings(options.http2 ?? {}), bindHttp2Stats(this.root), http2Options);
      },
      inspectPreface: true, http2Keepalive: options.http2?.connectionKeepalive ?? null, http2Stats: () => bindHttp2Stats(this.root),
      idleTimeout: 3_600_000, maxConnectionDuration: 0, maxConnectionDurationJitter: 0, http1SafeMaxConnectionDuration: false,
      upstreamHalfClose: false, maxStreamDuration: 0, streamIdleTimeout: 300_000, streamFlushTimeout: 300_000, flushFollowsIdle: true, requestTimeout: 0, requestHeadersTimeout: 0,
      drainTimeout: 5_000, drainTimeoutJitter: 0, delayedCloseTimeout: 1_000, maxRequestsPerConnection: 0, useRemoteAddress: false,
      xffNumTrustedHops: 0, skipXffAppend: false, originalIpDetection: [], earlyHeaderMutations: [], isInternalAddress: () => false,
      appendXForwardedPort: false, schemeToSet: '', schemeMatchesUpstream: false, forwardProto: null, userAgent: null, nodeId: '', via: '',
      requestId: new UuidRequestId(new SeededRandom(2), true, true), generateRequestId: true, preserveExternalRequestId: false,
      alwaysSetRequestIdInResponse: false, forwardClientCert: 0, clientCertDetails: NO_CLIENT_CERT_DETAILS, serverName: 'envoy', serverHeaderTransformation: 0, proxyStatus: null,
      path: { normalizePath: false, mergeSlashes: false, escapedSlashes: 0, rejectFragment: true }, stripPort: 0, stripTrailingHostDot: false,
      proxy100Continue: false, flushAccessLogOnNewRequest: false, flushAccessLogOnTunnelEstablished: false, accessLogFlushInterval: 0,
    };
  }

  addCluster(name: string): TestCluster {
    const cluster = new TestCluster(this.dispatcher, name, this.root);
    this.clusters.clusters.set(name, cluster);
    return cluster;
  }

  /** A client connects. */
  connect(remote = '10.1.2.3'): MemoryConnection {
    const connection = new MemoryConnection(this.dispatcher, 1, remote);
    connection.addReadFilter(new ConnectionManager(this.config, connection));
    return connection;
  }

  /** Moves time and runs what is due. */
  advance(ms: number): void {
    this.clock.set(this.clock.now() + ms);
    this.dispatcher.runTimers();
    this.dispatcher.runPosted();
  }

  stat(name: string): number {
    return this.root.counter(name).value;
  }

  /** A counter or gauge of `http.ingress.`. */
  http(name: string): number {
    const scope = this.root.scope('http.ingress');
    for (const id of ['http_connection_manager', 'router']) {
      const schema = findStatsSchema(id);
      if (schema?.counters.includes(name) === true) return scope.block(schema).counter(name).value;
      if (schema?.gauges.includes(name) === true) return scope.block(schema).gauge(name).value;
    }
    throw new Error(`no stat ${name}`);
  }
}

function logged(context: LogContext): LoggedRequest {
  const info = context.streamInfo;
  return {
    type: context.type, code: info.responseCode, details: info.responseCodeDetails,
    flags: RESPONSE_FLAGS.filter((_, flag) => info.hasResponseFlag(flag)).map((flag) => flag.short).join(',') || '-',
    received: info.bytesReceived, sent: info.bytesSent, attempts: info.attemptCount,
  };
}

/** Head and body of one HTTP/1 message. */
export function splitMessage(text: string): { readonly firstLine: string; readonly headers: ReadonlyMap<string, string>; readonly body: string } {
  const end = text.indexOf('\r\n\r\n');
  const [firstLine = '', ...lines] = text.slice(0, end < 0 ? text.length : end).split('\r\n');
  const headers = new Map(lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
  return { firstLine, headers, body: end < 0 ? '' : text.slice(end + 4) };
}

export type { HeaderMap };
