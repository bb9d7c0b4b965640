import type { RouteConfiguration } from '#api/envoy/config/route/v3/route_pb.js';
import type { RouteAction, RouteAction_RequestMirrorPolicy as MirrorPolicy, VirtualHost } from '#api/envoy/config/route/v3/route_components_pb.js';
import type { HttpConnectionManager } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { closest } from '../message/did-you-mean.ts';
import type { PathStep } from '../message/read-context.ts';
import type { CheckRun, Checks } from './check-run.ts';

/** A domain belongs to one virtual host; case does not count. */
function domains(table: RouteConfiguration, run: CheckRun): void {
  const seen = new Set<string>();
  table.virtualHosts.forEach((host, i) => {
    host.domains.forEach((domain, j) => {
      const key = domain.toLowerCase();
      const path: PathStep[] = ['virtual_hosts', i, 'domains', j];
      if (seen.has(key) && key === '*') run.problem(path, `Only a single wildcard domain is permitted in route ${table.name}`);
      else if (seen.has(key)) run.problem(path, `Only unique values for domains are permitted. Duplicate entry of domain ${key} in route ${table.name}`);
      seen.add(key);
    });
  });
}

const DEFAULT_BODY_LIMIT = 4096;

/** Bodies of direct responses are kept in memory: the table limits them. */
function bodies(table: RouteConfiguration, run: CheckRun): void {
  const limit = table.maxDirectResponseBodySizeBytes ?? DEFAULT_BODY_LIMIT;
  table.virtualHosts.forEach((host, i) => {
    host.routes.forEach((route, j) => {
      if (route.action.case !== 'directResponse') return;
      const body = route.action.value.body?.specifier;
      const size = body?.case === 'inlineString' ? Buffer.byteLength(body.value) : body?.case === 'inlineBytes' ? body.value.length : 0;
      const path: PathStep[] = ['virtual_hosts', i, 'routes', j, 'direct_response', 'body'];
      if (size > limit) run.problem(path, `response body size is ${size} bytes; maximum is ${limit}`, 'raise max_direct_response_body_size_bytes of the route configuration');
    });
  });
}

/** In a route table that stands in the connection manager every cluster must exist, unless the table says otherwise. */
function checkManager(manager: HttpConnectionManager, run: CheckRun): void {
  const specifier = manager.routeSpecifier;
  if (specifier.case !== 'routeConfig' || specifier.value.validateClusters === false) return;
  knownClusters(specifier.value, ['route_config'], run);
}

function knownClusters(table: RouteConfiguration, path: PathStep[], run: CheckRun): void {
  mirrors(table.requestMirrorPolicies, [...path, 'request_mirror_policies'], run);
  table.virtualHosts.forEach((host, i) => hostClusters(host, [...path, 'virtual_hosts', i], run));
}

function hostClusters(host: VirtualHost, path: PathStep[], run: CheckRun): void {
  mirrors(host.requestMirrorPolicies, [...path, 'request_mirror_policies'], run);
  for (let i = 0; i < host.routes.length; i++) {
    const action = host.routes[i]?.action;
    if (action?.case === 'route') routeClusters(action.value, path, i, run);
  }
}

function routeClusters(route: RouteAction, path: readonly PathStep[], index: number, run: CheckRun): void {
  const specifier = route.clusterSpecifier;
  // Most routes are right: their path is made only for an error.
  const at = (...more: PathStep[]): PathStep[] => [...path, 'routes', index, 'route', ...more];
  if (specifier.case === 'cluster' && !run.clusters.has(specifier.value)) unknown(at('cluster'), 'cluster', specifier.value, run);
  if (specifier.case === 'weightedClusters') {
    specifier.value.clusters.forEach((each, i) => {
      if (each.name !== '' && !run.clusters.has(each.name)) unknown(at('weighted_clusters', 'clusters', i, 'name'), 'weighted cluster', each.name, run);
    });
  }
  if (route.requestMirrorPolicies.length > 0) mirrors(route.requestMirrorPolicies, at('request_mirror_policies'), run);
}

function mirrors(policies: readonly MirrorPolicy[], path: readonly PathStep[], run: CheckRun): void {
  policies.forEach((policy, i) => {
    if (policy.cluster !== '' && !run.clusters.has(policy.cluster)) unknown([...path, i, 'cluster'], 'shadow cluster', policy.cluster, run);
  });
}

function unknown(path: readonly PathStep[], kind: string, name: string, run: CheckRun): void {
  run.problem(path, `route: unknown ${kind} '${name}'`, clusterHint(name, run));
}

function clusterHint(name: string, run: CheckRun): string {
  const near = closest(name, [...run.clusters]);
  return near === undefined ? 'define it under static_resources.clusters, or set validate_clusters: false' : `did you mean '${near}'?`;
}

export const routeChecks: Checks = {
  'envoy.config.route.v3.RouteConfiguration': (message, run) => {
    domains(message as RouteConfiguration, run);
    bodies(message as RouteConfiguration, run);
  },
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': (message, run) => checkManager(message as HttpConnectionManager, run),
};
