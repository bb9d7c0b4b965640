import type { Address } from '../../contract/address.ts';
import { configAt } from '../../contract/errors.ts';
import { HOST_FAILED_ACTIVE_HC, HOST_PENDING_ACTIVE_HC } from '../../contract/upstream.ts';
import { ipAddress, resolveAddressMessage } from '../network/address.ts';
import type { EndpointSpec } from './load-assignment.ts';

/** `Endpoint.health_check_config`: where and how a host is checked. */
export interface HostHealthCheck {
  readonly address: Address;
  /** Empty = what the check says. */
  readonly hostname: string;
  readonly disabled: boolean;
}

/** Null when the endpoint says nothing: it is checked where it is. Throws ConfigError. */
export function readHostHealthCheck(spec: EndpointSpec, own: Address): HostHealthCheck | null {
  const identifier = spec.endpoint.hostIdentifier;
  const config = identifier.case === 'endpoint' ? identifier.value.healthCheckConfig : undefined;
  if (config === undefined) return null;
  const given = config.address === undefined ? own : configAt(spec.path, () => resolveAddressMessage(config.address, 'endpoint.health_check_config.address'));
  const address = config.portValue === 0 || given.kind !== 'ip' ? given : ipAddress(given.ip, config.portValue);
  return { address, hostname: config.hostname, disabled: config.disableActiveHealthCheck };
}

/** What a host begins with in a cluster with health checks: `checked` = flags of a host that no check has seen, 0 = there are no checks. */
export function initialFlags(spec: EndpointSpec, health: HostHealthCheck | null, checked: number): number {
  return spec.healthFlags | (health?.disabled === true ? 0 : checked);
}

export const UNCHECKED = HOST_FAILED_ACTIVE_HC;
/** Not even counted (`ignore_new_hosts_until_first_hc`). */
export const UNCHECKED_AND_EXCLUDED = HOST_FAILED_ACTIVE_HC | HOST_PENDING_ACTIVE_HC;
