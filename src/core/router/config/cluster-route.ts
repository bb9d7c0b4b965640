import type { Route as RouteMessage, RouteAction } from '#api/envoy/config/route/v3/route_components_pb.js';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { notYet } from '../../../common/not-yet.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { RouteEntry } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import { HeaderChoice } from './cluster-choice.ts';
import type { ClusterChoice } from './cluster-choice.ts';
import type { CompiledRoute, OrderedLevels } from './compiled-route.ts';
import { RouteFacts } from './route-facts.ts';
import type { PathMatch } from './route-match.ts';
import type { VirtualHostFacts } from './virtual-host.ts';
import { buildWeightedClusters } from './weighted-clusters.ts';
import type { WeightedPart } from './weighted-clusters.ts';

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
  readonly internalRedirect: null;
  readonly includeVirtualHostRateLimits: boolean;
  readonly routeStatsPrefix: string;
  private readonly facts: RouteFacts;
  private readonly weighted: WeightedPart | null;

  constructor(facts: RouteFacts, clusterName: string, weighted: WeightedPart | null) {
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

/** Builds the entry of a `route` action and, where the cluster depends on the request, what chooses it. */
export function buildClusterRoute(
  route: RouteMessage, action: RouteAction, virtualHost: VirtualHostFacts, path: PathMatch, levels: OrderedLevels, parent: CompiledRoute,
): { entry: ClusterEntry; choice: ClusterChoice | null } {
  const facts = new RouteFacts(route, action, virtualHost, path, levels);
  const { table } = virtualHost;
  for (const shadow of facts.shadowPolicies) {
    if (shadow.cluster !== '') requireCluster(table.knownClusters, shadow.cluster, 'shadow cluster', 'request_mirror_policies');
  }
  const specifier = action.clusterSpecifier;
  switch (specifier.case) {
    case 'cluster':
      requireCluster(table.knownClusters, specifier.value, 'cluster', 'cluster');
      return { entry: new ClusterEntry(facts, specifier.value, null), choice: null };
    case 'clusterHeader': {
      const header = asciiLowerCase(toByteString(specifier.value));
      const choice = new HeaderChoice(parent, header, (name) => new ClusterEntry(facts, name, null));
      return { entry: new ClusterEntry(facts, '', null), choice };
    }
    case 'weightedClusters': {
      const choice = configAt('weighted_clusters', () => buildWeightedClusters(specifier.value, facts, parent));
      return { entry: new ClusterEntry(facts, '', null), choice };
    }
    case 'clusterSpecifierPlugin':
    case 'inlineClusterSpecifierPlugin':
      throw notYet('envoy.config.route.v3.ClusterSpecifierPlugin', specifier.case === 'clusterSpecifierPlugin' ? 'cluster_specifier_plugin' : 'inline_cluster_specifier_plugin');
    default:
      throw new ConfigError('a cluster specifier is required', { hint: 'set one of cluster, cluster_header, weighted_clusters' });
  }
}

/** ConfigError when clusters are validated and there is none of this name. */
export function requireCluster(known: ReadonlySet<string> | null, name: string, kind: string, path: string): void {
  if (known === null || known.has(name)) return;
  throw new ConfigError(`route: unknown ${kind} '${name}'`, { path });
}
