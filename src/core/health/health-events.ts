import type { AccessLogFile, AccessLogFiles } from '../../contract/extension.ts';
import type { Address } from '../../contract/address.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import type { HealthFailure } from './health-session.ts';

/** envoy.data.core.v3.HealthCheckerType and HealthCheckFailureType. */
const CHECKERS = { http: 'HTTP', tcp: 'TCP', grpc: 'GRPC' } as const;
const FAILURES = ['ACTIVE', 'PASSIVE', 'NETWORK', 'NETWORK_TIMEOUT'] as const;

/** Fields of HealthCheckEvent by number. */
const ORDER = [
  'eject_unhealthy_event', 'add_healthy_event', 'timestamp', 'health_check_failure_event', 'degraded_healthy_host', 'no_longer_degraded_host',
  'metadata', 'locality', 'successful_health_check_event',
];
const TIMESTAMP = ORDER.indexOf('timestamp');
const METADATA = ORDER.indexOf('metadata');

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

  /** `httpStatus`: of the answer that failed, or 0. */
  ejectUnhealthy(host: UpstreamHost, failure: HealthFailure, httpStatus: number): void {
    this.write(host, 'eject_unhealthy_event', { failure_type: FAILURES[failure], http_status_code: httpStatus });
  }

  addHealthy(host: UpstreamHost, first: boolean): void {
    this.write(host, 'add_healthy_event', { first_check: first });
  }

  failure(host: UpstreamHost, failure: HealthFailure, first: boolean, httpStatus: number): void {
    this.write(host, 'health_check_failure_event', { failure_type: FAILURES[failure], first_check: first, http_status_code: httpStatus });
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
    const place = ORDER.indexOf(name);
    const record: Record<string, unknown> = { health_checker_type: this.checker, host: addressJson(host.address), cluster_name: host.cluster.name };
    // The order of the message's fields, as Envoy writes them.
    if (place < TIMESTAMP) record[name] = event;
    record['timestamp'] = new Date(this.dispatcher.clock.wall()).toISOString();
    if (place > TIMESTAMP && place < METADATA) record[name] = event;
    if (host.metadata !== null) record['metadata'] = { filter_metadata: host.metadata, typed_filter_metadata: {} };
    record['locality'] = { region, zone, sub_zone: subZone };
    if (place > METADATA) record[name] = event;
    const text = `${Buffer.from(JSON.stringify(record)).toString('latin1')}\n`;
    for (const file of this.files) file.write(text);
  }
}

function addressJson(address: Address): object {
  if (address.kind !== 'ip') return { pipe: { path: address.text, mode: 0 } };
  return {
    socket_address: {
      protocol: 'TCP', address: address.ip, port_value: address.port, resolver_name: '', ipv4_compat: false, network_namespace_filepath: '',
    },
  };
}
