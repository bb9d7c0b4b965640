import type { Route as RouteMessage, RouteAction } from '#api/envoy/config/route/v3/route_components_pb.js';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { notYet } from '../../../common/not-yet.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import { ClusterEntry, requireCluster } from './cluster-entry.ts';
import { HeaderChoice } from './cluster-choice.ts';
import type { ClusterChoice } from './cluster-choice.ts';
import type { CompiledRoute, OrderedLevels } from './compiled-route.ts';
import { RouteFacts } from './route-facts.ts';
import type { PathMatch } from './route-match.ts';
import type { VirtualHostFacts } from './virtual-host.ts';
import { buildWeightedClusters } from './weighted-clusters.ts';

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
