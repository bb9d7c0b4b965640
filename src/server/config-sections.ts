import type { Message } from '@bufbuild/protobuf';
import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { FilterChain } from '#api/envoy/config/listener/v3/listener_components_pb.js';
import type { Node } from '#api/envoy/config/core/v3/base_pb.js';
import type { HttpConnectionManager } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { MessageUnpacker } from '../contract/extension.ts';
import { expectMessage } from '../contract/message.ts';
import type { ClusterView, ConfigSection } from './admin/context.ts';
import { addressMessage } from './admin/address-json.ts';
import { makeMessage } from './admin/json.ts';
import { anyOf } from './messages.ts';

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

export interface ConfigSectionSources {
  readonly bootstrap: Bootstrap;
  readonly node: Node;
  readonly messages: MessageUnpacker;
  /** Wall clock at load, ms. */
  readonly loadedAt: number;
  clusters(): readonly ClusterView[];
}

function timestamp(ms: number): Message {
  return makeMessage('google.protobuf.Timestamp', { seconds: BigInt(Math.floor(ms / 1_000)), nanos: Math.floor(ms % 1_000) * 1_000_000 });
}

/** The sections of `/config_dump` for a static configuration. */
export function staticSections(sources: ConfigSectionSources, includeEds: boolean): ConfigSection[] {
  const { bootstrap } = sources;
  const lastUpdated = timestamp(sources.loadedAt);
  const sections: ConfigSection[] = [
    {
      key: 'bootstrap',
      build: () =>
        makeMessage('envoy.admin.v3.BootstrapConfigDump', { bootstrap: { ...bootstrap, node: sources.node }, lastUpdated }),
    },
    {
      key: 'clusters',
      build: (matches) =>
        makeMessage('envoy.admin.v3.ClustersConfigDump', {
          staticClusters: (bootstrap.staticResources?.clusters ?? [])
            .filter((each) => matches(each.name))
            .sort((a, b) => (a.name < b.name ? -1 : 1))
            .map((each) => makeMessage('envoy.admin.v3.ClustersConfigDump.StaticCluster', { cluster: anyOf(each), lastUpdated })),
        }),
    },
    {
      key: 'listeners',
      build: (matches) =>
        makeMessage('envoy.admin.v3.ListenersConfigDump', {
          staticListeners: (bootstrap.staticResources?.listeners ?? [])
            .filter((each) => matches(each.name))
            .map((each) => makeMessage('envoy.admin.v3.ListenersConfigDump.StaticListener', { listener: anyOf(each), lastUpdated })),
        }),
    },
    { key: 'route_scopes', build: () => makeMessage('envoy.admin.v3.ScopedRoutesConfigDump', {}) },
    {
      key: 'routes',
      build: (matches) =>
        makeMessage('envoy.admin.v3.RoutesConfigDump', {
          staticRouteConfigs: routeConfigs(sources)
            .filter((each) => matches(each.name))
            .map((each) => makeMessage('envoy.admin.v3.RoutesConfigDump.StaticRouteConfig', { routeConfig: anyOf(each), lastUpdated })),
        }),
    },
    {
      key: 'secrets',
      build: (matches) =>
        makeMessage('envoy.admin.v3.SecretsConfigDump', {
          staticSecrets: (bootstrap.staticResources?.secrets ?? [])
            .filter((each) => matches(each.name))
            .map((each) => makeMessage('envoy.admin.v3.SecretsConfigDump.StaticSecret', { name: each.name, secret: anyOf(each) })),
        }),
    },
  ];
  if (includeEds) sections.push({ key: 'endpoint', build: (matches) => endpoints(sources, matches) });
  return sections;
}

type RouteConfig = Message & { readonly name: string };

/** Route configurations written inside connection managers. */
function routeConfigs(sources: ConfigSectionSources): RouteConfig[] {
  const found: RouteConfig[] = [];
  for (const listener of sources.bootstrap.staticResources?.listeners ?? []) {
    const chains: FilterChain[] = [...listener.filterChains];
    if (listener.defaultFilterChain !== undefined) chains.push(listener.defaultFilterChain);
    for (const filter of chains.flatMap((chain) => chain.filters)) {
      if (filter.configType.case !== 'typedConfig') continue;
      const message = sources.messages.unpack(filter.configType.value, 'typed_config');
      if (message.$typeName !== HCM) continue;
      const routes = expectMessage<HttpConnectionManager>(message, HCM).routeSpecifier;
      if (routes.case === 'routeConfig') found.push(routes.value);
    }
  }
  return found;
}

function endpoints(sources: ConfigSectionSources, matches: (name: string) => boolean): Message {
  const staticEndpointConfigs = sources
    .clusters()
    .filter((cluster) => matches(cluster.info.name))
    .map((cluster) => makeMessage('envoy.admin.v3.EndpointsConfigDump.StaticEndpointConfig', { endpointConfig: anyOf(assignment(cluster)) }));
  return makeMessage('envoy.admin.v3.EndpointsConfigDump', { staticEndpointConfigs });
}

const HEALTHY = 1;
const UNHEALTHY = 2;
const OVERPROVISIONING = 140;

function assignment(cluster: ClusterView): Message {
  const endpointsOfCluster = cluster.hosts.map((host) =>
    makeMessage('envoy.config.endpoint.v3.LocalityLbEndpoints', {
      locality: makeMessage('envoy.config.core.v3.Locality', {
        region: host.locality.region,
        zone: host.locality.zone,
        subZone: host.locality.subZone,
      }),
      priority: host.priority,
      // Without weights of localities Envoy shows a weight of zero.
      loadBalancingWeight: 0,
      lbEndpoints: [
        makeMessage('envoy.config.endpoint.v3.LbEndpoint', {
          hostIdentifier: {
            case: 'endpoint',
            value: makeMessage('envoy.config.endpoint.v3.Endpoint', {
              address: addressMessage(host.address),
              hostname: host.hostname,
              healthCheckConfig: makeMessage('envoy.config.endpoint.v3.Endpoint.HealthCheckConfig', {}),
            }),
          },
          healthStatus: host.healthFlags.load() === 0 ? HEALTHY : UNHEALTHY,
          loadBalancingWeight: host.weight,
        }),
      ],
    }),
  );
  return makeMessage('envoy.config.endpoint.v3.ClusterLoadAssignment', {
    clusterName: cluster.info.name,
    endpoints: endpointsOfCluster,
    policy: makeMessage('envoy.config.endpoint.v3.ClusterLoadAssignment.Policy', { overprovisioningFactor: OVERPROVISIONING }),
  });
}
