import type { ClusterLoadAssignment } from '#api/envoy/config/endpoint/v3/endpoint_pb.js';
import type { LbEndpoint, LocalityLbEndpoints } from '#api/envoy/config/endpoint/v3/endpoint_components_pb.js';
import { notYet, refuseFields } from '../../common/not-yet.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { Locality } from '../../contract/upstream.ts';
import { DEFAULT_OVERPROVISIONING } from './priority-set.ts';
import { flagsOfHealthStatus } from './host.ts';

/** One configured endpoint before its address is known to be an address. */
export interface EndpointSpec {
  readonly endpoint: LbEndpoint;
  readonly priority: number;
  readonly locality: Locality;
  readonly weight: number;
  readonly healthFlags: number;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly canary: boolean;
  readonly hostname: string;
  /** Where it stands: `load_assignment.endpoints[0].lb_endpoints[1]`. */
  readonly path: string;
}

export interface Assignment {
  readonly endpoints: readonly EndpointSpec[];
  readonly overprovisioningFactor: number;
  readonly weightedPriorityHealth: boolean;
}

const NO_LOCALITY: Locality = { region: '', zone: '', subZone: '' };
const EMPTY: Assignment = { endpoints: [], overprovisioningFactor: DEFAULT_OVERPROVISIONING, weightedPriorityHealth: false };
const MAX_PRIORITY = 128;

/** Flattens a ClusterLoadAssignment. Throws ConfigError with paths below the cluster. */
export function readAssignment(message: ClusterLoadAssignment | undefined): Assignment {
  if (message === undefined) return EMPTY;
  const policy = message.policy;
  if (policy !== undefined && policy.dropOverloads.length > 0) throw notYet('drop_overloads', 'load_assignment.policy.drop_overloads');
  if (Object.keys(message.namedEndpoints).length > 0) throw notYet('named_endpoints', 'load_assignment.named_endpoints');
  const endpoints: EndpointSpec[] = [];
  message.endpoints.forEach((group, i) => readGroup(group, `load_assignment.endpoints[${i}]`, endpoints));
  return {
    endpoints,
    overprovisioningFactor: policy?.overprovisioningFactor ?? DEFAULT_OVERPROVISIONING,
    weightedPriorityHealth: policy?.weightedPriorityHealth ?? false,
  };
}

function readGroup(group: LocalityLbEndpoints, path: string, out: EndpointSpec[]): void {
  if (group.lbConfig.case !== undefined) throw notYet('LEDS', path);
  if (group.priority > MAX_PRIORITY) throw new ConfigError(`value must be less than or equal to ${MAX_PRIORITY}`, { path: `${path}.priority` });
  const { locality } = group;
  const place: Locality = locality === undefined ? NO_LOCALITY : { region: locality.region, zone: locality.zone, subZone: locality.subZone };
  for (let i = 0; i < group.lbEndpoints.length; i++) out.push(readEndpoint(group.lbEndpoints[i], group.priority, place, `${path}.lb_endpoints[${i}]`));
}

function readEndpoint(each: LbEndpoint, priority: number, locality: Locality, path: string): EndpointSpec {
  if (each.hostIdentifier.case !== 'endpoint') throw notYet('endpoint_name', `${path}.endpoint_name`);
  const endpoint = each.hostIdentifier.value;
  if (endpoint.additionalAddresses.length > 0) throw notYet('Endpoint.additional_addresses', `${path}.endpoint.additional_addresses`);
  if (endpoint.observabilityName !== '') refuseFields(endpoint, 'Endpoint', { observabilityName: 'observability_name' });
  if (each.metadata !== undefined) refuseFields(each.metadata, 'envoy.config.core.v3.Metadata', { typedFilterMetadata: 'typed_filter_metadata' });
  const metadata = each.metadata === undefined ? null : each.metadata.filterMetadata;
  return {
    endpoint: each,
    priority,
    locality,
    weight: each.loadBalancingWeight ?? 1,
    healthFlags: flagsOfHealthStatus(each.healthStatus),
    metadata,
    canary: metadata !== null && metadata['envoy.lb']?.canary === true,
    hostname: endpoint.hostname,
    path,
  };
}
