import type { UpstreamHost } from './host.ts';
import { coarseHealth, HEALTH_DEGRADED, HEALTH_HEALTHY, isExcluded } from './host.ts';

/** Envoy's default: 140 %. */
export const DEFAULT_OVERPROVISIONING = 140;

/** The hosts of one priority, sorted by health. Replaced lists, never changed in place. */
export class HostSet {
  readonly priority: number;
  hosts: readonly UpstreamHost[];
  healthy: readonly UpstreamHost[];
  degraded: readonly UpstreamHost[];
  excludedCount: number;

  constructor(priority: number) {
    this.priority = priority;
    this.hosts = [];
    this.healthy = [];
    this.degraded = [];
    this.excludedCount = 0;
  }

  /** Sorts by the health that the hosts have now. */
  sort(hosts: readonly UpstreamHost[], sharedHealth: boolean): void {
    this.hosts = hosts;
    const healthy: UpstreamHost[] = [];
    const degraded: UpstreamHost[] = [];
    this.excludedCount = 0;
    for (const host of hosts) {
      const flags = host.flags(sharedHealth);
      if (isExcluded(flags)) this.excludedCount++;
      const health = coarseHealth(flags);
      if (health === HEALTH_HEALTHY) healthy.push(host);
      else if (health === HEALTH_DEGRADED) degraded.push(host);
    }
    this.healthy = healthy.length === hosts.length ? hosts : healthy;
    this.degraded = degraded;
  }
}

/** A cluster's hosts by priority. */
export class PrioritySet {
  readonly overprovisioningFactor: number;
  readonly weightedPriorityHealth: boolean;
  readonly sets: HostSet[];
  /** Other threads change the health of these hosts (active checks): their cells count, also for hosts that are new here. */
  healthIsShared: boolean;
  /** Grows with every change: who keeps something derived looks at it. */
  version: number;
  private all: readonly UpstreamHost[] | null;

  constructor(overprovisioningFactor: number, weightedPriorityHealth: boolean) {
    this.overprovisioningFactor = overprovisioningFactor;
    this.weightedPriorityHealth = weightedPriorityHealth;
    this.sets = [new HostSet(0)];
    this.healthIsShared = false;
    this.version = 0;
    this.all = null;
  }

  /** Replaces the hosts of a priority; priorities below it come into being empty. */
  update(priority: number, hosts: readonly UpstreamHost[]): void {
    while (this.sets.length <= priority) this.sets.push(new HostSet(this.sets.length));
    this.sets[priority].sort(hosts, this.healthIsShared);
    this.changed();
  }

  /** Health flags have changed on some thread. */
  resort(): void {
    for (const set of this.sets) set.sort(set.hosts, true);
    this.changed();
  }

  get hosts(): readonly UpstreamHost[] {
    return (this.all ??= this.sets.length === 1 ? this.sets[0].hosts : this.sets.flatMap((set) => set.hosts));
  }

  private changed(): void {
    this.version++;
    this.all = null;
  }
}
