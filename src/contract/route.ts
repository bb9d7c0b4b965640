import type { HeaderMap } from './header-map.ts';
import type { StreamInfo } from './stream-info.ts';
import type { AccessLogOrigin } from './access-log.ts';
import type { FractionalPercent } from './runtime.ts';

/**
 * The routing table as filters and the router see it. All objects are immutable and shared by all streams of a thread; a stream keeps the
 * snapshot that it started with. Durations are milliseconds; -1 = not set, 0 = off unless said otherwise.
 */

export interface RouteConfig {
  readonly name: string;
  /** Finds the route for a request, or null. `random` is the stream's stable random number (weighted clusters, fractions). */
  route(headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null;
  /** Lower-case names that only internal callers may send. */
  readonly internalOnlyHeaders: readonly string[];
  readonly ignorePathParametersInPathMatching: boolean;
}

export interface VirtualHost {
  readonly name: string;
  readonly routeConfigName: string;
  readonly includeRequestAttemptCount: boolean;
  readonly includeAttemptCountInResponse: boolean;
  readonly includeIsTimeoutRetryHeader: boolean;
  /** Virtual cluster that the request belongs to (statistics), or null. */
  virtualCluster(headers: HeaderMap): VirtualCluster | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

export interface VirtualCluster {
  /** `other` for what matches none. */
  readonly name: string;
}

/** The match of one request. */
export interface Route {
  /** Name given in the configuration, or empty. */
  readonly name: string;
  readonly virtualHost: VirtualHost;
  /** Set for a redirect or direct response. */
  readonly directResponse: DirectResponseEntry | null;
  /** Set for a route to a cluster. */
  readonly routeEntry: RouteEntry | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** By filter name; most specific level first is weighted cluster, route, virtual host, route configuration. */
  mostSpecificPerFilterConfig(filterName: string): object | null;
  /** Least specific first. */
  perFilterConfigs(filterName: string): readonly object[];
  /** Whether the filter is switched on or off here by FilterConfig.disabled; null = not said. */
  filterDisabled(filterName: string): boolean | null;
  readonly origin: AccessLogOrigin | null;
}

/** Things that change headers on the way, with the levels already ordered. */
export interface HeaderFinalizer {
  /** `keepOriginal` (default true; false with suppress_envoy_headers): x-envoy-original-path and -host are set by rewrites. */
  finalizeRequestHeaders(headers: HeaderMap, streamInfo: StreamInfo, keepOriginal?: boolean): void;
  finalizeResponseHeaders(requestHeaders: HeaderMap, headers: HeaderMap, streamInfo: StreamInfo): void;
}

export interface DirectResponseEntry extends HeaderFinalizer {
  /** 301 … for redirects, 200-599 for direct responses. */
  readonly status: number;
  /** Body of a direct response, Latin-1 bytes as a string; empty for redirects. */
  body(headers: HeaderMap, streamInfo: StreamInfo): string;
  readonly contentType: string;
  /**
   * Value of `location`, or empty when none is to be sent (Envoy sends one with every 201 and 3xx). A redirect that rewrites the path puts
   * the new path on `headers`, as Envoy does (the access log shows it). `keepOriginal` as above.
   */
  newUri(headers: HeaderMap, keepOriginal?: boolean): string;
  readonly isRedirect: boolean;
}

export const PRIORITY_DEFAULT = 0;
export const PRIORITY_HIGH = 1;
export type ResourcePriority = 0 | 1;

export interface RouteEntry extends HeaderFinalizer {
  /** Fixed for this request, after weighting, cluster_header and specifiers; empty when a cluster_header is missing. */
  readonly clusterName: string;
  /** 503, 404 or 500. */
  readonly clusterNotFoundResponseCode: number;
  readonly priority: ResourcePriority;
  /** Default 15,000; 0 = off. */
  readonly timeout: number;
  /** -1 = the connection manager's. */
  readonly idleTimeout: number;
  readonly flushTimeout: number;
  readonly maxStreamDuration: number;
  readonly grpcTimeoutHeaderMax: number;
  readonly grpcTimeoutHeaderOffset: number;
  readonly maxGrpcTimeout: number;
  readonly grpcTimeoutOffset: number;
  readonly retryPolicy: RetryPolicy | null;
  readonly hedgePolicy: HedgePolicy | null;
  readonly shadowPolicies: readonly ShadowPolicy[];
  readonly hashPolicy: HashPolicy | null;
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
  /** Bytes, -1 = not set. */
  readonly requestBodyBufferLimit: number;
  readonly autoHostRewrite: boolean;
  readonly appendXForwardedHost: boolean;
  /** By lower-case upgrade type; absent = the connection manager's. */
  readonly upgradeMap: ReadonlyMap<string, boolean> | null;
  /** CONNECT (and CONNECT-UDP) requests end here and their payload goes to the upstream as it is; null = they are requests like others. */
  readonly connectConfig: ConnectConfig | null;
  readonly internalRedirect: object | null;
  /** Path of the request after rewriting is put on the headers by finalizeRequestHeaders; x-envoy-original-path too. */
  readonly includeVirtualHostRateLimits: boolean;
  readonly routeStatsPrefix: string;
}

/** RouteAction.UpgradeConfig.ConnectConfig. */
export interface ConnectConfig {
  /** POST requests are tunnels too. */
  readonly allowPost: boolean;
  /** PROXY protocol header before the first byte to a TCP upstream: 1, 2, or 0 = none. */
  readonly proxyProtocolVersion: 0 | 1 | 2;
}

export interface RetryPolicy {
  /** Bits of retry conditions; see core/router/retry-conditions. */
  readonly retryOn: readonly string[];
  readonly numRetries: number;
  readonly perTryTimeout: number;
  readonly perTryIdleTimeout: number;
  readonly retriableStatusCodes: readonly number[];
  readonly baseInterval: number;
  readonly maxInterval: number;
  /** Response headers that make a response retriable (`retriable-headers`); absent = none. */
  readonly retriableHeaders?: readonly HeaderCondition[];
  /** Only requests that match one of these are retried; absent or empty = all. */
  readonly retriableRequestHeaders?: readonly HeaderCondition[];
  /** Back-off by what a rate limited response says; absent = none. */
  readonly rateLimitedBackOff?: RateLimitedBackOff;
}

/** A compiled header matcher. */
export interface HeaderCondition {
  matches(headers: HeaderMap): boolean;
}

/** `rate_limited_retry_back_off`: the first header that gives an interval of at most `maxInterval` sets the least wait. */
export interface RateLimitedBackOff {
  readonly resetHeaders: readonly { readonly name: string; readonly format: 'SECONDS' | 'UNIX_TIMESTAMP' }[];
  readonly maxInterval: number;
}

export interface HedgePolicy {
  readonly hedgeOnPerTryTimeout: boolean;
}

export interface ShadowPolicy {
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly runtimeKey: string;
  readonly fraction: FractionalPercent;
  readonly disableShadowHostSuffixAppend: boolean;
  /** Host of the mirrored request; absent or empty = the request's, with `-shadow`. */
  readonly hostRewriteLiteral?: string;
  /** Changes the mirrored request's headers; absent = none. */
  mutateHeaders?(headers: HeaderMap, streamInfo: StreamInfo): void;
}

export interface HashPolicy {
  /** 64-bit hash for consistent hashing, or null for none. */
  generateHash(headers: HeaderMap, streamInfo: StreamInfo): bigint | null;
}
