import type { Address } from '../../contract/address.ts';
import type { SharedCell, SharedCells } from '../../contract/shared-cells.ts';
import type { ClusterInfo, Host, HostHealthMonitor, HostStats, Locality } from '../../contract/upstream.ts';
import {
  HOST_ACTIVE_HC_TIMEOUT,
  HOST_DEGRADED_ACTIVE_HC,
  HOST_DEGRADED_EDS_HEALTH,
  HOST_EDS_STATUS_DRAINING,
  HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL,
  HOST_FAILED_ACTIVE_HC,
  HOST_FAILED_EDS_HEALTH,
  HOST_FAILED_OUTLIER_CHECK,
  HOST_PENDING_ACTIVE_HC,
} from '../../contract/upstream.ts';
import { setFlag } from '../health/health-flags.ts';
import type { ConnectionPools } from './connection-pools.ts';
import type { HostHealthCheck } from './host-health.ts';

export const HEALTH_UNHEALTHY = 0;
export const HEALTH_DEGRADED = 1;
export const HEALTH_HEALTHY = 2;
export type CoarseHealth = 0 | 1 | 2;

const UNHEALTHY_FLAGS = HOST_FAILED_ACTIVE_HC | HOST_FAILED_OUTLIER_CHECK | HOST_FAILED_EDS_HEALTH | HOST_ACTIVE_HC_TIMEOUT | HOST_EDS_STATUS_DRAINING;
const DEGRADED_FLAGS = HOST_DEGRADED_ACTIVE_HC | HOST_DEGRADED_EDS_HEALTH;
const EXCLUDED_FLAGS = HOST_PENDING_ACTIVE_HC | HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL;

/** Config HealthStatus: UNKNOWN 0, HEALTHY 1, UNHEALTHY 2, DRAINING 3, TIMEOUT 4, DEGRADED 5. */
export function flagsOfHealthStatus(status: number): number {
  if (status === 3) return HOST_EDS_STATUS_DRAINING | HOST_FAILED_EDS_HEALTH;
  if (status === 2 || status === 4) return HOST_FAILED_EDS_HEALTH;
  return status === 5 ? HOST_DEGRADED_EDS_HEALTH : 0;
}

export interface HostOptions {
  readonly address: Address;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly locality: Locality;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly canary: boolean;
  /** Flags that the configuration gives. */
  readonly healthFlags: number;
  /** Null or absent = checked where it is. */
  readonly healthCheck?: HostHealthCheck | null;
  /** Hears of hosts that say that they are unhealthy; null or absent = nobody checks. */
  readonly onUnhealthy?: ((host: UpstreamHost) => void) | null;
}

/** Health flags, nine numbers (BoundHostStats), and a mark that the configuration's flags are in. */
const CELL_COUNT = 11;

/**
 * An endpoint on one thread. Its numbers live in one block of shared cells, found by name at the first touch, so that endpoints which
 * nobody calls cost next to nothing.
 */
export class UpstreamHost implements Host, HostHealthMonitor {
  readonly address: Address;
  readonly addresses: readonly Address[];
  readonly hostname: string;
  readonly cluster: ClusterInfo;
  readonly weight: number;
  readonly priority: number;
  readonly locality: Locality;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly canary: boolean;
  readonly healthCheckAddress: Address;
  /** Name for health checks; empty = what the check says. */
  readonly healthCheckHostname: string;
  readonly healthCheckDisabled: boolean;
  /** This thread's pools to the host; null until the first request. */
  pools: ConnectionPools | null;
  private readonly initialFlags: number;
  private readonly onUnhealthy: ((host: UpstreamHost) => void) | null;
  private readonly sharedCells: SharedCells;
  private cells: readonly SharedCell[] | null;
  private bound: BoundHostStats | null;

  constructor(cluster: ClusterInfo, sharedCells: SharedCells, options: HostOptions) {
    this.address = options.address;
    this.addresses = [options.address];
    this.hostname = options.hostname;
    this.cluster = cluster;
    this.weight = options.weight;
    this.priority = options.priority;
    this.locality = options.locality;
    this.metadata = options.metadata;
    this.canary = options.canary;
    this.healthCheckAddress = options.healthCheck?.address ?? options.address;
    this.healthCheckHostname = options.healthCheck?.hostname ?? '';
    this.healthCheckDisabled = options.healthCheck?.disabled ?? false;
    this.onUnhealthy = options.onUnhealthy ?? null;
    this.pools = null;
    this.initialFlags = options.healthFlags;
    this.sharedCells = sharedCells;
    this.cells = null;
    this.bound = null;
  }

  get healthFlags(): SharedCell {
    return (this.cells ?? this.bindCells())[0];
  }

  get stats(): BoundHostStats {
    return this.bound ?? (this.bound = new BoundHostStats(this.cells ?? this.bindCells()));
  }

  get healthMonitor(): HostHealthMonitor | null {
    return this.onUnhealthy === null || this.healthCheckDisabled ? null : this;
  }

  setUnhealthy(): void {
    setFlag(this.healthFlags, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
    this.onUnhealthy?.(this);
  }

  /** Main thread, for a host that is new where one of its address was before: its flags begin anew. */
  resetFlags(): void {
    this.healthFlags.store(this.initialFlags);
  }

  /** Flags without touching the cells of a host that nobody has touched. `shared` = other threads may have set some. */
  flags(shared: boolean): number {
    return this.cells !== null || shared ? this.healthFlags.load() : this.initialFlags;
  }

  /** Under a name of its own for each priority: one address may stand in several. */
  static cellName(cluster: string, address: Address, priority: number): string {
    return `${UpstreamHost.cellPrefix(cluster)}${address.text}${priority === 0 ? '' : `#${priority}`}`;
  }

  /** Begins the cell names of all hosts of a cluster, and of no other: the length keeps `a` and `a.b` apart. */
  static cellPrefix(cluster: string): string {
    return `host.${cluster.length}.${cluster}.`;
  }

  private bindCells(): readonly SharedCell[] {
    const name = UpstreamHost.cellName(this.cluster.name, this.address, this.priority);
    const cells = this.sharedCells.block(name, CELL_COUNT);
    this.cells = cells;
    // The last cell says whether somebody has put the configuration's flags in.
    if (this.initialFlags !== 0 && cells[CELL_COUNT - 1].compareExchange(0, 1)) cells[0].store(this.initialFlags);
    return cells;
  }
}

/** Host numbers bound to their cells. */
export class BoundHostStats implements HostStats {
  readonly cxActive: SharedCell;
  readonly cxConnectFail: SharedCell;
  readonly cxTotal: SharedCell;
  readonly rqActive: SharedCell;
  readonly rqError: SharedCell;
  readonly rqSuccess: SharedCell;
  readonly rqTimeout: SharedCell;
  readonly rqTotal: SharedCell;
  readonly rqPendingActive: SharedCell;

  constructor(cells: readonly SharedCell[]) {
    this.cxActive = cells[1];
    this.cxConnectFail = cells[2];
    this.cxTotal = cells[3];
    this.rqActive = cells[4];
    this.rqError = cells[5];
    this.rqSuccess = cells[6];
    this.rqTimeout = cells[7];
    this.rqTotal = cells[8];
    this.rqPendingActive = cells[9];
  }
}

/** Unhealthy, degraded or healthy, by the flags. */
export function coarseHealth(flags: number): CoarseHealth {
  if ((flags & UNHEALTHY_FLAGS) !== 0) return HEALTH_UNHEALTHY;
  return (flags & DEGRADED_FLAGS) !== 0 ? HEALTH_DEGRADED : HEALTH_HEALTHY;
}

/** Whether a host counts in no percentage. */
export function isExcluded(flags: number): boolean {
  return (flags & EXCLUDED_FLAGS) !== 0;
}
