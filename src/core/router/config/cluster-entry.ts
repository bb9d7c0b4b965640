import { ConfigError } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { RouteEntry } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import type { RouteFacts } from './route-facts.ts';
import type { PlainMetadata } from './route-level.ts';

/** What one cluster of a weighted set changes. */
export interface WeightedChanges {
  readonly metadataMatch: PlainMetadata | null;
  finalizeRequest(headers: HeaderMap, streamInfo: StreamInfo): void;
  finalizeResponse(requestHeaders: HeaderMap, headers: HeaderMap, streamInfo: StreamInfo): void;
}

/** A route to one cluster. All fields are set at once so that every entry has the same shape. */
export class ClusterEntry implements RouteEntry {
  readonly clusterName: string;
  readonly clusterNotFoundResponseCode: number;
  readonly priority: RouteEntry['priority'];
  readonly timeout: number;
  readonly idleTimeout: number;
  readonly flushTimeout: number;
  readonly maxStreamDuration: number;
  readonly grpcTimeoutHeaderMax: number;
  readonly grpcTimeoutHeaderOffset: number;
  readonly maxGrpcTimeout: number;
  readonly grpcTimeoutOffset: number;
  readonly retryPolicy: RouteEntry['retryPolicy'];
  readonly hedgePolicy: RouteEntry['hedgePolicy'];
  readonly shadowPolicies: RouteEntry['shadowPolicies'];
  readonly hashPolicy: RouteEntry['hashPolicy'];
  readonly metadataMatch: RouteEntry['metadataMatch'];
  readonly requestBodyBufferLimit: number;
  readonly autoHostRewrite: boolean;
  readonly appendXForwardedHost: boolean;
  readonly upgradeMap: RouteEntry['upgradeMap'];
  readonly connectConfig: RouteEntry['connectConfig'];
  readonly internalRedirect: null;
  readonly includeVirtualHostRateLimits: boolean;
  readonly routeStatsPrefix: string;
  private readonly facts: RouteFacts;
  private readonly weighted: WeightedChanges | null;

  constructor(facts: RouteFacts, clusterName: string, weighted: WeightedChanges | null) {
    this.clusterName = clusterName;
    this.clusterNotFoundResponseCode = facts.clusterNotFoundResponseCode;
    this.priority = facts.priority;
    this.timeout = facts.timeout;
    this.idleTimeout = facts.idleTimeout;
    this.flushTimeout = facts.flushTimeout;
    this.maxStreamDuration = facts.maxStreamDuration;
    this.grpcTimeoutHeaderMax = facts.grpcTimeoutHeaderMax;
    this.grpcTimeoutHeaderOffset = facts.grpcTimeoutHeaderOffset;
    this.maxGrpcTimeout = facts.maxGrpcTimeout;
    this.grpcTimeoutOffset = facts.grpcTimeoutOffset;
    this.retryPolicy = facts.retryPolicy;
    this.hedgePolicy = facts.hedgePolicy;
    this.shadowPolicies = facts.shadowPolicies;
    this.hashPolicy = facts.hashPolicy;
    this.metadataMatch = weighted === null ? facts.metadataMatch : weighted.metadataMatch;
    this.requestBodyBufferLimit = facts.requestBodyBufferLimit;
    this.autoHostRewrite = facts.autoHostRewrite;
    this.appendXForwardedHost = facts.appendXForwardedHost;
    this.upgradeMap = facts.upgradeMap;
    this.connectConfig = facts.connectConfig;
    this.internalRedirect = null;
    this.includeVirtualHostRateLimits = facts.includeVirtualHostRateLimits;
    this.routeStatsPrefix = facts.routeStatsPrefix;
    this.facts = facts;
    this.weighted = weighted;
  }

  finalizeRequestHeaders(headers: HeaderMap, streamInfo: StreamInfo, keepOriginal = true): void {
    if (this.weighted !== null) this.weighted.finalizeRequest(headers, streamInfo);
    this.facts.levels.request.evaluateRequest(headers, streamInfo);
    this.facts.rewrite(headers, streamInfo, keepOriginal);
  }

  finalizeResponseHeaders(requestHeaders: HeaderMap, headers: HeaderMap, streamInfo: StreamInfo): void {
    if (this.weighted !== null) this.weighted.finalizeResponse(requestHeaders, headers, streamInfo);
    this.facts.levels.response.evaluateResponse(requestHeaders, headers, streamInfo);
  }
}

/** ConfigError when clusters are validated and there is none of this name. */
export function requireCluster(known: ReadonlySet<string> | null, name: string, kind: string, path: string): void {
  if (known === null || known.has(name)) return;
  throw new ConfigError(`route: unknown ${kind} '${name}'`, { path });
}
