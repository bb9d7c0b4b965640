import type { Runtime, RuntimeSnapshot } from '../../contract/runtime.ts';
import type { SharedCell } from '../../contract/shared-cells.ts';
import type { Gauge, StatsBlock } from '../../contract/stats.ts';
import type { Resource, ResourceManager } from '../../contract/upstream.ts';

/** Limits of one priority; every default resolved. */
export interface Thresholds {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  readonly trackRemaining: boolean;
  /** Percent of active and pending requests; null = no retry budget. */
  readonly retryBudgetPercent: number | null;
  readonly minRetryConcurrency: number | null;
  /** `per_host_thresholds`: connections to one host, over all threads. */
  readonly maxConnectionsPerHost: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  maxConnections: 1_024,
  maxPendingRequests: 1_024,
  maxRequests: 1_024,
  maxRetries: 3,
  trackRemaining: false,
  retryBudgetPercent: null,
  minRetryConcurrency: null,
  maxConnectionsPerHost: Infinity,
};

/** Cells that one priority needs: four counts and four "is shown open" marks. */
export const CELLS_PER_PRIORITY = 8;

export interface ResourceManagerOptions {
  readonly thresholds: Thresholds;
  readonly runtime: Runtime;
  /** `circuit_breakers.<cluster>.<priority>.` */
  readonly runtimePrefix: string;
  readonly cells: readonly SharedCell[];
  readonly gauges: StatsBlock;
  /** Null without track_remaining. */
  readonly remaining: StatsBlock | null;
}

export class CircuitBreakers implements ResourceManager {
  readonly connections: CountedResource;
  readonly pendingRequests: CountedResource;
  readonly requests: CountedResource;
  readonly retries: Resource;
  readonly maxConnectionsPerHost: number;
  private readonly counted: readonly CountedResource[];

  constructor(options: ResourceManagerOptions) {
    const { thresholds, runtime, runtimePrefix, cells, gauges, remaining } = options;
    const resource = (index: number, max: number, key: string, gauge: string, left: string): CountedResource =>
      new CountedResource(max, runtime, runtimePrefix + key, cells[index], cells[index + 4], gauges.gauge(gauge), remaining?.gauge(left) ?? null);
    this.connections = resource(0, thresholds.maxConnections, 'max_connections', 'cx_open', 'remaining_cx');
    this.pendingRequests = resource(1, thresholds.maxPendingRequests, 'max_pending_requests', 'rq_pending_open', 'remaining_pending');
    this.requests = resource(2, thresholds.maxRequests, 'max_requests', 'rq_open', 'remaining_rq');
    const retries = resource(3, thresholds.maxRetries, 'max_retries', 'rq_retry_open', 'remaining_retries');
    const budget = thresholds.retryBudgetPercent !== null || thresholds.minRetryConcurrency !== null;
    this.retries = budget ? new RetryBudget(this, retries, runtime, `${runtimePrefix}retry_budget.`, thresholds) : retries;
    this.maxConnectionsPerHost = thresholds.maxConnectionsPerHost;
    this.counted = [this.connections, this.pendingRequests, this.requests, retries];
  }

  /** Main thread: the counts have changed without a call of inc or dec. */
  refresh(): void {
    for (const each of this.counted) each.refresh();
  }
}

/** Flips of one call while other threads keep counting over the limit and back; the next call goes on. */
const MAX_FLIPS = 8;

/** A count over all threads with a limit, and the gauges that show it. */
class CountedResource implements Resource {
  private readonly configured: number;
  private readonly runtime: Runtime;
  private readonly key: string;
  private readonly cell: SharedCell;
  /** 1 while a gauge of some thread shows "open": who flips it changes its own gauge, so the rows add up. */
  private readonly shownOpen: SharedCell;
  private readonly openGauge: Gauge;
  private readonly remaining: Gauge | null;
  private seen: RuntimeSnapshot | null;
  private limit: number;

  constructor(max: number, runtime: Runtime, key: string, cell: SharedCell, shownOpen: SharedCell, openGauge: Gauge, remaining: Gauge | null) {
    this.configured = max;
    this.runtime = runtime;
    this.key = key;
    this.cell = cell;
    this.shownOpen = shownOpen;
    this.openGauge = openGauge;
    this.remaining = remaining;
    this.seen = null;
    this.limit = max;
  }

  get max(): number {
    const snapshot = this.runtime.snapshot();
    if (snapshot !== this.seen) {
      this.seen = snapshot;
      this.limit = snapshot.getInteger(this.key, this.configured);
    }
    return this.limit;
  }

  get count(): number {
    return this.cell.load();
  }

  canCreate(): boolean {
    return this.cell.load() < this.max;
  }

  inc(): void {
    const count = this.cell.hold(1);
    const max = this.max;
    if (this.remaining !== null && count <= max) this.remaining.dec();
    this.refresh();
  }

  dec(): void {
    const count = this.cell.hold(-1);
    const max = this.max;
    if (this.remaining !== null && count < max) this.remaining.inc();
    this.refresh();
  }

  /**
   * Shows what is true now. The count is read anew after each flip: another thread may have counted between reading and flipping, and the
   * last to flip must not leave an old truth standing. Ends at once when nothing changed, which is nearly always.
   */
  refresh(): void {
    for (let tries = 0; tries < MAX_FLIPS; tries++) {
      const open = this.cell.load() >= this.max;
      if (open === (this.shownOpen.load() === 1)) return;
      if (open && this.shownOpen.compareExchange(0, 1)) this.openGauge.inc();
      else if (!open && this.shownOpen.compareExchange(1, 0)) this.openGauge.dec();
    }
  }
}

/** Retries allowed as a share of the requests on their way. */
class RetryBudget implements Resource {
  private readonly parent: ResourceManager;
  private readonly retries: Resource;
  private readonly runtime: Runtime;
  private readonly percentKey: string;
  private readonly percent: number;
  private readonly concurrencyKey: string;
  private readonly concurrency: number;

  constructor(parent: ResourceManager, retries: Resource, runtime: Runtime, keyPrefix: string, thresholds: Thresholds) {
    this.parent = parent;
    this.retries = retries;
    this.runtime = runtime;
    this.percentKey = `${keyPrefix}budget_percent`;
    this.percent = thresholds.retryBudgetPercent ?? 20;
    this.concurrencyKey = `${keyPrefix}min_retry_concurrency`;
    this.concurrency = thresholds.minRetryConcurrency ?? 3;
  }

  get max(): number {
    const snapshot = this.runtime.snapshot();
    const active = this.parent.requests.count + this.parent.pendingRequests.count;
    const share = Math.floor((snapshot.getDouble(this.percentKey, this.percent) / 100) * active);
    return Math.max(share, snapshot.getInteger(this.concurrencyKey, this.concurrency));
  }

  get count(): number {
    return this.retries.count;
  }

  canCreate(): boolean {
    return this.count < this.max;
  }

  inc(): void {
    this.retries.inc();
  }

  dec(): void {
    this.retries.dec();
  }
}
