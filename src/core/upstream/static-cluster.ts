import type { ClusterInfo } from '../../contract/upstream.ts';
import type { SharedCells } from '../../contract/shared-cells.ts';
import { configAt } from '../../contract/errors.ts';
import { resolveAddressMessage } from '../network/address.ts';
import { UpstreamHost } from './host.ts';
import type { Assignment, EndpointSpec } from './load-assignment.ts';
import type { PrioritySet } from './priority-set.ts';

/** STATIC: the endpoints are addresses. Throws ConfigError for a host name. */
export function addStaticHosts(assignment: Assignment, cluster: ClusterInfo, sharedCells: SharedCells, set: PrioritySet): void {
  const byPriority: UpstreamHost[][] = [];
  for (const spec of assignment.endpoints) {
    while (byPriority.length <= spec.priority) byPriority.push([]);
    byPriority[spec.priority].push(staticHost(spec, cluster, sharedCells));
  }
  byPriority.forEach((hosts, priority) => set.update(priority, hosts));
}

function staticHost(spec: EndpointSpec, cluster: ClusterInfo, sharedCells: SharedCells): UpstreamHost {
  const identifier = spec.endpoint.hostIdentifier;
  const message = identifier.case === 'endpoint' ? identifier.value.address : undefined;
  return new UpstreamHost(cluster, sharedCells, {
    address: configAt(spec.path, () => resolveAddressMessage(message, 'endpoint.address')),
    hostname: spec.hostname,
    weight: spec.weight,
    priority: spec.priority,
    locality: spec.locality,
    metadata: spec.metadata,
    canary: spec.canary,
    healthFlags: spec.healthFlags,
  });
}
