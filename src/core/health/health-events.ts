import type { AccessLogFile, AccessLogFiles } from '../../contract/extension.ts';
import type { Address } from '../../contract/address.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import type { HealthFailure } from './health-session.ts';

/** envoy.data.core.v3.HealthCheckerType and HealthCheckFailureType. */
const CHECKERS = { http: 'HTTP', tcp: 'TCP', grpc: 'GRPC' } as const;
const FAILURES = ['ACTIVE', 'PASSIVE', 'NETWORK', 'NETWORK_TIMEOUT'] as const;

/** Writes envoy.data.core.v3.HealthCheckEvent as JSON, one a line, into files (`event_logger`, `event_log_path`). */
export class HealthEventLog {
  private readonly files: readonly AccessLogFile[];
  private readonly checker: string;
  private readonly dispatcher: Dispatcher;

  constructor(paths: readonly string[], kind: keyof typeof CHECKERS, files: AccessLogFiles, dispatcher: Dispatcher) {
    this.files = paths.map((path) => files.open(path));
    this.checker = CHECKERS[kind];
    this.dispatcher = dispatcher;
  }

  ejectUnhealthy(host: UpstreamHost, failure: HealthFailure): void {
    this.write(host, 'eject_unhealthy_event', { failure_type: FAILURES[failure] });
  }

  addHealthy(host: UpstreamHost, first: boolean): void {
    this.write(host, 'add_healthy_event', { first_check: first });
  }

  failure(host: UpstreamHost, failure: HealthFailure, first: boolean): void {
    this.write(host, 'health_check_failure_event', { failure_type: FAILURES[failure], first_check: first });
  }

  success(host: UpstreamHost): void {
    this.write(host, 'successful_health_check_event', {});
  }

  degraded(host: UpstreamHost): void {
    this.write(host, 'degraded_healthy_host', {});
  }

  noLongerDegraded(host: UpstreamHost): void {
    this.write(host, 'no_longer_degraded_host', {});
  }

  private write(host: UpstreamHost, name: string, event: object): void {
    const { region, zone, subZone } = host.locality;
    const record = {
      health_checker_type: this.checker,
      host: addressJson(host.address),
      cluster_name: host.cluster.name,
      timestamp: new Date(this.dispatcher.clock.wall()).toISOString(),
      ...(host.metadata === null ? {} : { metadata: { filter_metadata: host.metadata, typed_filter_metadata: {} } }),
      locality: { region, zone, sub_zone: subZone },
      [name]: event,
    };
    const text = `${Buffer.from(JSON.stringify(record)).toString('latin1')}\n`;
    for (const file of this.files) file.write(text);
  }
}

function addressJson(address: Address): object {
  if (address.kind !== 'ip') return { pipe: { path: address.text, mode: 0 } };
  return {
    socket_address: {
      protocol: 'TCP', address: address.ip, resolver_name: '', ipv4_compat: false, network_namespace_filepath: '', port_value: address.port,
    },
  };
}
