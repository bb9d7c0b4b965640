import type { Counter, Gauge, Histogram, Scope } from '../contract/stats.ts';
import type { WarningCounts } from '../config/index.ts';
import { bugCount } from '../base/bug.ts';
import type { ServerState } from './admin/context.ts';
import { STATE_DRAINING } from './admin/context.ts';
import { versionNumber } from './version.ts';

/** No certificate expires: Envoy's largest 32-bit number. */
const NEVER_EXPIRES = 4_294_967_295;

/** `server.*` of the main thread. */
export class ServerStats {
  readonly staticUnknownFields: Counter;
  readonly dynamicUnknownFields: Counter;
  readonly wipProtos: Counter;
  readonly workerCrashes: Counter;
  readonly initializationTimeMs: Histogram;
  private readonly version: Gauge;
  private readonly uptime: Gauge;
  private readonly live: Gauge;
  private readonly state: Gauge;
  private readonly totalConnections: Gauge;
  private readonly memoryAllocated: Gauge;
  private readonly memoryHeapSize: Gauge;
  private readonly memoryPhysicalSize: Gauge;
  private readonly bugFailures: Counter;
  private bugsSeen = 0;

  /** `scope` is `server.`. */
  readonly daysUntilFirstCertExpiring: Gauge;

  constructor(scope: Scope, concurrency: number, restartEpoch: number) {
    this.staticUnknownFields = scope.counter('static_unknown_fields');
    this.dynamicUnknownFields = scope.counter('dynamic_unknown_fields');
    this.wipProtos = scope.counter('wip_protos');
    this.workerCrashes = scope.counter('worker_crashes');
    this.initializationTimeMs = scope.histogram('initialization_time_ms', 'milliseconds');
    this.uptime = scope.gauge('uptime');
    this.live = scope.gauge('live');
    this.state = scope.gauge('state');
    this.totalConnections = scope.gauge('total_connections');
    this.memoryAllocated = scope.gauge('memory_allocated');
    this.memoryHeapSize = scope.gauge('memory_heap_size');
    this.memoryPhysicalSize = scope.gauge('memory_physical_size');
    this.bugFailures = scope.counter('envoy_bug_failures');
    scope.gauge('concurrency').set(concurrency);
    scope.gauge('hot_restart_epoch').set(restartEpoch);
    scope.gauge('hot_restart_generation').set(1);
    scope.gauge('parent_connections').set(0);
    this.daysUntilFirstCertExpiring = scope.gauge('days_until_first_cert_expiring');
    this.daysUntilFirstCertExpiring.set(NEVER_EXPIRES);
    scope.gauge('seconds_until_first_ocsp_response_expiring').set(0);
    scope.gauge('stats_recent_lookups').set(0);
    this.version = scope.gauge('version');
    this.version.set(versionNumber());
    scope.gauge('compilation_settings.fips_mode').set(0);
    for (const name of ['debug_assertion_failures', 'envoy_notifications', 'dropped_stat_flushes']) scope.counter(name);
  }

  /** `stats_server_version_override`; 0 = none. */
  setVersion(override: number): void {
    if (override > 0) this.version.set(override);
  }

  countWarnings(counts: WarningCounts): void {
    this.staticUnknownFields.add(counts.unknownFields);
    this.wipProtos.add(counts.workInProgress);
  }

  /** `connections`: open downstream connections of all workers. */
  update(state: ServerState, uptimeSeconds: number, connections: number): void {
    this.state.set(state);
    this.live.set(state === STATE_DRAINING ? 0 : 1);
    this.uptime.set(Math.floor(uptimeSeconds));
    this.totalConnections.set(connections);
    const usage = process.memoryUsage();
    this.memoryAllocated.set(usage.heapUsed + usage.external);
    this.memoryHeapSize.set(usage.heapTotal + usage.external);
    this.memoryPhysicalSize.set(usage.rss);
    const bugs = bugCount();
    this.bugFailures.add(bugs - this.bugsSeen);
    this.bugsSeen = bugs;
  }
}
