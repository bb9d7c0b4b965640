import type { WeightedCluster, WeightedCluster_ClusterWeight as ClusterWeight } from '#api/envoy/config/route/v3/route_components_pb.js';
import { asciiLowerCase, parseInteger, toByteString } from '../../../common/byte-string.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { HashPolicy, Route } from '../../../contract/route.ts';
import type { Runtime } from '../../../contract/runtime.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import { ChosenRoute } from './cluster-choice.ts';
import type { ClusterChoice } from './cluster-choice.ts';
import { ClusterEntry, requireCluster } from './cluster-entry.ts';
import type { WeightedChanges } from './cluster-entry.ts';
import type { CompiledRoute } from './compiled-route.ts';
import { HeaderLevels } from './header-levels.ts';
import type { RouteFacts } from './route-facts.ts';
import { buildLevel, lbMetadata } from './route-level.ts';
import type { PlainMetadata, RouteLevel } from './route-level.ts';

const MAX_WEIGHT = 0xffff_ffff;

/** What one cluster of a weighted set changes on messages; runs before the changes of route, virtual host and table. */
class WeightedPart implements WeightedChanges {
  readonly metadataMatch: PlainMetadata | null;
  private readonly request: HeaderLevels;
  private readonly response: HeaderLevels;
  private readonly host: string;

  constructor(message: ClusterWeight, level: RouteLevel, facts: RouteFacts, parent: CompiledRoute) {
    const { dispatcher } = parent.virtualHost.table.context;
    const own = configAt('metadata_match', () => lbMetadata(message.metadataMatch));
    this.metadataMatch = own === null ? facts.metadataMatch : Object.freeze({ ...facts.metadataMatch, ...own });
    this.request = new HeaderLevels([level.requestHeaders], dispatcher);
    this.response = new HeaderLevels([level.responseHeaders], dispatcher);
    const host = message.hostRewriteSpecifier;
    this.host = host.case === 'hostRewriteLiteral' ? toByteString(host.value) : '';
  }

  finalizeRequest(headers: HeaderMap, streamInfo: StreamInfo): void {
    this.request.evaluateRequest(headers, streamInfo);
    if (this.host !== '') headers.set(':authority', this.host);
  }

  finalizeResponse(requestHeaders: HeaderMap, headers: HeaderMap, streamInfo: StreamInfo): void {
    this.response.evaluateResponse(requestHeaders, headers, streamInfo);
  }
}

/** One member: its weight, and the route that it gives. */
class Member {
  readonly weight: number;
  readonly runtimeKey: string;
  /** Null when a header names the cluster. */
  private readonly fixed: ChosenRoute | null;
  private readonly clusterHeader: string;
  private readonly routeFor: (cluster: string) => ChosenRoute;

  constructor(message: ClusterWeight, prefix: string, facts: RouteFacts, parent: CompiledRoute) {
    if (message.name === '' && message.clusterHeader === '') {
      throw new ConfigError('At least one of name or cluster_header need to be specified');
    }
    if (message.name !== '' && message.clusterHeader !== '') {
      throw new ConfigError('Only one of name or cluster_header can be specified');
    }
    const { table } = parent.virtualHost;
    const level = buildLevel(message, table.context);
    const part = new WeightedPart(message, level, facts, parent);
    this.weight = message.weight ?? 0;
    this.runtimeKey = prefix === '' ? '' : `${prefix}.${message.name}`;
    this.routeFor = (cluster) => new ChosenRoute(parent, new ClusterEntry(facts, cluster, part), level.perFilter);
    this.clusterHeader = asciiLowerCase(toByteString(message.clusterHeader));
    if (message.name !== '') requireCluster(table.knownClusters, message.name, 'weighted cluster', 'name');
    this.fixed = message.name === '' ? null : this.routeFor(message.name);
  }

  route(headers: HeaderMap): Route {
    return this.fixed ?? this.routeFor(headers.get(this.clusterHeader) ?? '');
  }
}

/** Draws a member by weight. */
class WeightedChoice implements ClusterChoice {
  private readonly members: readonly Member[];
  private readonly total: number;
  private readonly byRuntime: boolean;
  private readonly runtime: Runtime;
  private readonly randomHeader: string;
  private readonly hashPolicy: HashPolicy | null;

  constructor(members: readonly Member[], total: number, message: WeightedCluster, hash: HashPolicy | null, runtime: Runtime) {
    const random = message.randomValueSpecifier;
    this.members = members;
    this.total = total;
    this.byRuntime = message.runtimeKeyPrefix !== '';
    this.runtime = runtime;
    this.randomHeader = random.case === 'headerName' ? asciiLowerCase(toByteString(random.value)) : '';
    this.hashPolicy = random.case === 'useHashPolicy' && random.value.value ? hash : null;
  }

  choose(headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    const weights = this.byRuntime ? this.runtimeWeights() : null;
    const total = weights === null ? this.total : weights.reduce((sum, weight) => sum + weight, 0);
    if (total === 0 || total > MAX_WEIGHT) return null;
    const selected = this.selection(headers, streamInfo, random, total);
    let end = 0;
    for (let i = 0; i < this.members.length; i++) {
      end += weights === null ? this.members[i].weight : weights[i];
      if (selected < end) return this.members[i].route(headers);
    }
    return null;
  }

  private runtimeWeights(): number[] {
    const snapshot = this.runtime.snapshot();
    return this.members.map((member) => snapshot.getInteger(member.runtimeKey, member.weight));
  }

  /** A header with exactly one number wins, then the hash policy, then the stream's own random number. */
  private selection(headers: HeaderMap, streamInfo: StreamInfo, random: number, total: number): number {
    if (this.randomHeader !== '') {
      const at = headers.indexOf(this.randomHeader);
      const single = at >= 0 && headers.indexOf(this.randomHeader, at + 1) < 0;
      const text = single ? headers.valueAt(at).trim() : '';
      const value = parseInteger(text);
      if (value !== null && value >= 0) return Number(BigInt(text.replace('+', '')) % BigInt(total));
    }
    const hash = this.hashPolicy?.generateHash(headers, streamInfo) ?? null;
    return hash === null ? random % total : Number(hash % BigInt(total));
  }
}

export function buildWeightedClusters(message: WeightedCluster, facts: RouteFacts, parent: CompiledRoute): ClusterChoice {
  const prefix = message.runtimeKeyPrefix;
  const members = message.clusters.map((each, i) => configAt(`clusters[${i}]`, () => new Member(each, prefix, facts, parent)));
  const total = members.reduce((sum, member) => sum + member.weight, 0);
  if (total > MAX_WEIGHT) {
    throw new ConfigError(`The sum of weights of all weighted clusters of route ${parent.name} exceeds ${MAX_WEIGHT}`);
  }
  if (total === 0) throw new ConfigError('Sum of weights in the weighted_cluster must be greater than 0.');
  const { runtime } = parent.virtualHost.table.context;
  return new WeightedChoice(members, total, message, facts.hashPolicy, runtime);
}
