import type { ClusterInfo } from '../../contract/upstream.ts';
import type { SharedCells } from '../../contract/shared-cells.ts';
import { configAt } from '../../contract/errors.ts';
import { resolveAddressMessage } from '../network/address.ts';
import { UpstreamHost } from './host.ts';
import { initialFlags, readHostHealthCheck } from './host-health.ts';
import type { Assignment, EndpointSpec } from './load-assignment.ts';
import type { PrioritySet } from './priority-set.ts';

type OnUnhealthy = ((host: UpstreamHost) => void) | null;

/** STATIC: the endpoints are addresses. `checked`: flags of hosts that no health check has seen. Throws ConfigError for a host name. */
export function addStaticHosts(assignment: Assignment, cluster: ClusterInfo, sharedCells: SharedCells, set: PrioritySet, checked: number, onUnhealthy: OnUnhealthy): void {
  const byPriority: UpstreamHost[][] = [];
  for (const spec of assignment.endpoints) {
    while (byPriority.length <= spec.priority) byPriority.push([]);
    byPriority[spec.priority].push(staticHost(spec, cluster, sharedCells, checked, onUnhealthy));
  }
  byPriority.forEach((hosts, priority) => set.update(priority, hosts));
}

function staticHost(spec: EndpointSpec, cluster: ClusterInfo, sharedCells: SharedCells, checked: number, onUnhealthy: OnUnhealthy): UpstreamHost {
  const identifier = spec.endpoint.hostIdentifier;
  const message = identifier.case === 'endpoint' ? identifier.value.address : undefined;
  const address = configAt(spec.path, () => resolveAddressMessage(message, 'endpoint.address'));
  const healthCheck = readHostHealthCheck(spec, address);
  return new UpstreamHost(cluster, sharedCells, {
    address,
    hostname: spec.hostname,
    weight: spec.weight,
    priority: spec.priority,
    locality: spec.locality,
    metadata: spec.metadata,
    canary: spec.canary,
    healthFlags: initialFlags(spec, healthCheck, checked),
    healthCheck,
    onUnhealthy,
  });
}
