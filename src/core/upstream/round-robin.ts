import type { Random } from '../../base/random.ts';
import type { Runtime } from '../../contract/runtime.ts';
import type { SharedCell } from '../../contract/shared-cells.ts';
import type { Counter } from '../../contract/stats.ts';
import type { LoadBalancer, LoadBalancerContext } from '../../contract/upstream.ts';
import { EdfScheduler } from './edf-scheduler.ts';
import type { UpstreamHost } from './host.ts';
import type { PriorityLoad } from './priority-load.ts';
import { computePriorityLoad } from './priority-load.ts';
import type { PrioritySet } from './priority-set.ts';

/** Runtime key that replaces the panic threshold. */
const PANIC_KEY = 'upstream.healthy_panic_threshold';
const SOURCE_ALL = 0;
const SOURCE_HEALTHY = 1;
const SOURCE_DEGRADED = 2;

export interface RoundRobinOptions {
  readonly prioritySet: PrioritySet;
  readonly random: Random;
  readonly runtime: Runtime;
  /** Percent; `healthy_panic_threshold`, default 50. */
  readonly panicThreshold: number;
  readonly failTrafficOnPanic: boolean;
  /** Grows when some thread changes the health of a host of this cluster. */
  readonly healthVersion: () => SharedCell;
  readonly healthyPanic: () => Counter;
}

/** ROUND_ROBIN: in turn from a random start, by weight (EDF) when weights differ. One per cluster and thread. */
export class RoundRobinLoadBalancer implements LoadBalancer {
  private readonly options: RoundRobinOptions;
  /** Random start, so that many proxies with one configuration do not march in step; drawn when the first host is picked, -1 until then. */
  private seed: number;
  private sources: Source[];
  private load: PriorityLoad | null;
  private builtFor: number;
  private healthCell: SharedCell | null;
  private healthSeen: number;
  /** Hosts that were looked at in advance and not picked yet (preconnecting), and what was drawn for them. */
  private peeks: number;
  private readonly stashedDraws: number[];

  constructor(options: RoundRobinOptions) {
    this.options = options;
    this.seed = -1;
    this.sources = [];
    this.load = null;
    this.builtFor = -1;
    this.healthCell = null;
    this.healthSeen = 0;
    this.peeks = 0;
    this.stashedDraws = [];
  }

  chooseHost(context: LoadBalancerContext | null): UpstreamHost | null {
    const load = this.refresh();
    let host = this.chooseOnce(load, false);
    if (context === null) return host;
    for (let i = context.hostSelectionRetryCount; i > 0 && host !== null && context.shouldSelectAnotherHost(host); i--) {
      host = this.chooseOnce(load, false);
    }
    return host;
  }

  /** The host of a later pick, for preconnecting; null when as many have been looked at as there are healthy hosts. */
  peekAnotherHost(): UpstreamHost | null {
    const load = this.refresh();
    let healthy = 0;
    for (const set of this.options.prioritySet.sets) healthy += set.healthy.length;
    return this.peeks >= healthy ? null : this.chooseOnce(load, true);
  }

  private chooseOnce(load: PriorityLoad, peeking: boolean): UpstreamHost | null {
    let priority = 0;
    let source = SOURCE_HEALTHY;
    if (!load.onlyFirst) {
      const drawn = drawPriority(load, (this.drawRandom(peeking) % 100) + 1);
      priority = drawn >> 1;
      if ((drawn & 1) === 1) source = SOURCE_DEGRADED;
      if (load.panic[priority]) {
        this.options.healthyPanic().inc();
        if (this.options.failTrafficOnPanic) return null;
        source = SOURCE_ALL;
      }
    }
    const from = this.sources[priority * 3 + source];
    if (peeking) return from.peek(this.peeks++);
    if (this.peeks > 0) this.peeks--;
    return from.next();
  }

  /** A pick draws what was drawn when it was looked at in advance. */
  private drawRandom(peeking: boolean): number {
    if (!peeking && this.stashedDraws.length > 0) return this.stashedDraws.shift() ?? 0;
    const drawn = this.options.random.uint32();
    if (peeking) this.stashedDraws.push(drawn);
    return drawn;
  }

  /** Brings what is derived from the hosts up to date. */
  private refresh(): PriorityLoad {
    const { prioritySet } = this.options;
    const cell = this.healthCell ?? (this.healthCell = this.options.healthVersion());
    const health = cell.load();
    if (health !== this.healthSeen) {
      this.healthSeen = health;
      prioritySet.resort();
    }
    if (this.load !== null && this.builtFor === prioritySet.version) return this.load;
    this.builtFor = prioritySet.version;
    // The order of picks is another one now.
    this.peeks = 0;
    this.stashedDraws.length = 0;
    if (this.seed < 0) this.seed = this.options.random.uint32();
    const threshold = Math.min(100, this.options.runtime.snapshot().getInteger(PANIC_KEY, this.options.panicThreshold));
    this.load = computePriorityLoad(prioritySet, threshold);
    prioritySet.sets.forEach((set, priority) => {
      this.renew(priority * 3 + SOURCE_ALL, set.hosts);
      this.renew(priority * 3 + SOURCE_HEALTHY, set.healthy);
      this.renew(priority * 3 + SOURCE_DEGRADED, set.degraded);
    });
    return this.load;
  }

  /** A source keeps its place in the round when its hosts change. */
  private renew(index: number, hosts: readonly UpstreamHost[]): void {
    if (index < this.sources.length) this.sources[index].replace(hosts, this.seed);
    else this.sources.push(new Source(hosts, this.seed));
  }
}

/** One list of hosts to go round. */
class Source {
  private hosts: readonly UpstreamHost[];
  private edf: EdfScheduler<UpstreamHost> | null;
  private index: number;

  constructor(hosts: readonly UpstreamHost[], seed: number) {
    this.hosts = hosts;
    this.edf = schedulerOf(hosts, seed);
    this.index = seed;
  }

  replace(hosts: readonly UpstreamHost[], seed: number): void {
    if (hosts === this.hosts) return;
    this.hosts = hosts;
    this.edf = schedulerOf(hosts, seed);
  }

  next(): UpstreamHost | null {
    if (this.edf !== null) return this.edf.pick(weightOf);
    const count = this.hosts.length;
    if (count === 0) return null;
    return this.hosts[this.index++ % count];
  }

  /** The host of a pick to come, `ahead` picks after the next one. */
  peek(ahead: number): UpstreamHost | null {
    if (this.edf !== null) return this.edf.peekAgain(weightOf);
    const count = this.hosts.length;
    return count === 0 ? null : this.hosts[(this.index + ahead) % count];
  }
}

function weightOf(host: UpstreamHost): number {
  return host.weight;
}

/** Equal weights need no scheduler. */
function schedulerOf(hosts: readonly UpstreamHost[], seed: number): EdfScheduler<UpstreamHost> | null {
  if (hosts.length <= 1 || hosts.every((host) => host.weight === hosts[0].weight)) return null;
  return EdfScheduler.withPicks(hosts, weightOf, seed);
}

/** Priority × 2, plus 1 for its degraded hosts. `draw` is 1 to 100. */
function drawPriority(load: PriorityLoad, draw: number): number {
  let reached = 0;
  for (let i = 0; i < load.healthy.length; i++) {
    reached += load.healthy[i];
    if (draw <= reached) return i * 2;
  }
  for (let i = 0; i < load.degraded.length; i++) {
    reached += load.degraded[i];
    if (draw <= reached) return i * 2 + 1;
  }
  return 0;
}
