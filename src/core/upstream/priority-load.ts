import type { PrioritySet, HostSet } from './priority-set.ts';

/** Which share (percent) of the requests each priority gets, and which priorities are in panic. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  readonly panic: readonly boolean[];
  /** True when every request goes to the healthy hosts of priority 0: no draw is needed. */
  readonly onlyFirst: boolean;
}

/**
 * Envoy's spilling between priorities: a priority takes as much as its availability (healthy share × overprovisioning factor, at most
 * 100 %) allows, the rest goes on; degraded hosts come after the healthy ones of all priorities; below the panic threshold health is ignored.
 * `panicThreshold` in percent.
 */
export function computePriorityLoad(set: PrioritySet, panicThreshold: number): PriorityLoad {
  const availability = set.sets.map((each) => hostSetAvailability(set, each));
  const healthyShare = availability.map((each) => each.healthy);
  const degradedShare = availability.map((each) => each.degraded);
  const total = Math.min(100, sum(healthyShare) + sum(degradedShare));
  const zeros = set.sets.map(() => 0);
  const healthy = total === 0 ? [...zeros] : distribute(healthyShare, 100, total);
  const degraded = total === 0 ? [...zeros] : distribute(degradedShare, 100 - sum(healthy), total);
  if (total > 0) giveRemainder(healthyShare, degradedShare, healthy, degraded);
  if (panicThreshold === 0 && total === 0) {
    healthy[0] = 100;
    return { healthy, degraded, panic: set.sets.map(() => false), onlyFirst: true };
  }
  const panic = set.sets.map((each) => total !== 100 && isInPanic(each, panicThreshold));
  if (panic.every((each) => each)) return totalPanic(set, panic);
  return { healthy, degraded, panic, onlyFirst: healthy[0] === 100 && !panic[0] };
}

function hostSetAvailability(set: PrioritySet, hosts: HostSet): { healthy: number; degraded: number } {
  const count = hosts.hosts.length - hosts.excludedCount;
  if (count <= 0) return { healthy: 0, degraded: 0 };
  const factor = set.overprovisioningFactor;
  const weigh = (list: HostSet['hosts']): number =>
    set.weightedPriorityHealth ? list.reduce((total, host) => total + host.weight, 0) : list.length;
  const total = set.weightedPriorityHealth ? weigh(hosts.hosts) : count;
  return {
    healthy: Math.min(100, Math.floor((factor * weigh(hosts.healthy)) / total)),
    degraded: Math.min(100, Math.floor((factor * weigh(hosts.degraded)) / total)),
  };
}

/** Gives each priority in turn what its availability allows of `load`. */
function distribute(availability: readonly number[], load: number, total: number): number[] {
  let left = load;
  return availability.map((each) => {
    const share = Math.min(left, Math.floor((each * 100) / total));
    left -= share;
    return share;
  });
}

/** What rounding left over goes to the first that has anything. */
function giveRemainder(healthyShare: readonly number[], degradedShare: readonly number[], healthy: number[], degraded: number[]): void {
  const left = 100 - sum(healthy) - sum(degraded);
  if (left === 0) return;
  const first = healthyShare.findIndex((each) => each > 0);
  if (first >= 0) healthy[first] += left;
  else degraded[degradedShare.findIndex((each) => each > 0)] += left;
}

function isInPanic(set: HostSet, threshold: number): boolean {
  const count = set.hosts.length - set.excludedCount;
  const available = count <= 0 ? 0 : (100 * (set.healthy.length + set.degraded.length)) / count;
  return available < threshold;
}

/** All priorities are in panic: the load goes by the number of hosts, healthy or not. */
function totalPanic(set: PrioritySet, panic: readonly boolean[]): PriorityLoad {
  const counts = set.sets.map((each) => each.hosts.length);
  const all = sum(counts);
  const healthy = counts.map((count) => (all === 0 ? 0 : Math.floor((100 * count) / all)));
  healthy[all === 0 ? 0 : counts.findIndex((count) => count > 0)] += 100 - sum(healthy);
  return { healthy, degraded: set.sets.map(() => 0), panic, onlyFirst: false };
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
