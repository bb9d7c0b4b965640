import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { Random } from '../../base/random.ts';
import type { Timer } from '../../base/timer-wheel.ts';
import { notYet, refuseFields } from '../../common/not-yet.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { Logger } from '../../contract/logger.ts';
import { LOG_DEBUG } from '../../contract/logger.ts';
import { durationMs } from '../../contract/message.ts';
import type { StatsBlock } from '../../contract/stats.ts';
import { canonicalIp } from '../network/address.ts';
import type { DnsAnswer, DnsLookup } from './dns-lookup.ts';
import type { HostFacts, HostUpdate } from './host-update.ts';
import type { Assignment } from './load-assignment.ts';

/** DNS settings of a cluster, defaults resolved; milliseconds. */
export interface DnsSettings {
  readonly refreshRate: number;
  readonly jitter: number;
  readonly respectTtl: boolean;
  readonly family: number;
  /** Exponential back-off after failures; null = the refresh rate. */
  readonly failureRefresh: { readonly base: number; readonly max: number } | null;
}

const DEFAULT_REFRESH = 5_000;

/** Throws ConfigError for resolvers of one's own. */
export function readDnsSettings(message: Cluster): DnsSettings {
  refuseFields(message, 'Cluster', {
    dnsResolvers: 'dns_resolvers',
    useTcpForDnsLookups: 'use_tcp_for_dns_lookups',
    dnsResolutionConfig: 'dns_resolution_config',
    typedDnsResolverConfig: 'typed_dns_resolver_config',
  });
  const failure = message.dnsFailureRefreshRate;
  const base = durationMs(failure?.baseInterval, 0);
  const max = durationMs(failure?.maxInterval, base * 10);
  if (failure !== undefined && max < base) {
    throw new ConfigError(`dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval`, {
      path: 'dns_failure_refresh_rate',
    });
  }
  return {
    refreshRate: durationMs(message.dnsRefreshRate, DEFAULT_REFRESH),
    jitter: durationMs(message.dnsJitter, 0),
    respectTtl: message.respectDnsTtl,
    family: Number(message.dnsLookupFamily),
    failureRefresh: failure === undefined ? null : { base, max },
  };
}

/** The name and port of an endpoint; ConfigError where it is neither name nor address. */
export function dnsTarget(assignment: Assignment, index: number): { readonly name: string; readonly port: number } {
  const spec = assignment.endpoints[index];
  const identifier = spec.endpoint.hostIdentifier;
  const address = identifier.case === 'endpoint' ? identifier.value.address?.address : undefined;
  if (address?.case !== 'socketAddress') {
    throw new ConfigError('STRICT_DNS clusters must NOT have a custom resolver name set and take socket addresses only', {
      path: `${spec.path}.endpoint.address`,
    });
  }
  const socket = address.value;
  if (socket.resolverName !== '') {
    throw new ConfigError('STRICT_DNS clusters must NOT have a custom resolver name set', { path: `${spec.path}.endpoint.address.socket_address` });
  }
  if (socket.portSpecifier.case === 'namedPort') throw notYet('named_port', `${spec.path}.endpoint.address.socket_address.named_port`);
  return { name: socket.address, port: socket.portSpecifier.value ?? 0 };
}

export interface StrictDnsOptions {
  readonly cluster: string;
  readonly settings: DnsSettings;
  readonly assignment: Assignment;
  readonly dispatcher: Dispatcher;
  readonly lookup: DnsLookup;
  readonly logger: Logger;
  readonly stats: StatsBlock;
  /** The cluster's endpoints have changed. */
  readonly onHosts: (update: HostUpdate) => void;
  /** Every name has had its first answer, good or bad. */
  readonly onInitialized: () => void;
}

/** STRICT_DNS on the main thread: asks for every name of the cluster again and again, and reports changed sets of endpoints. */
export class StrictDnsResolver {
  private readonly options: StrictDnsOptions;
  private readonly targets: Target[];
  private waiting: number;

  constructor(options: StrictDnsOptions) {
    this.options = options;
    this.targets = options.assignment.endpoints.map((_, i) => new Target(options, i, (changed) => this.onAnswer(changed)));
    this.waiting = this.targets.length;
  }

  start(): void {
    if (this.targets.length === 0) this.options.onInitialized();
    for (const target of this.targets) target.resolve();
  }

  stop(): void {
    for (const target of this.targets) target.stop();
  }

  private onAnswer(changed: boolean): void {
    const first = this.waiting > 0;
    if (first) this.waiting = this.targets.filter((each) => !each.answered).length;
    if (changed) this.publish();
    else this.options.stats.counter('update_no_rebuild').inc();
    if (first && this.waiting === 0) this.options.onInitialized();
  }

  private publish(): void {
    const priorities: HostFacts[][] = [];
    const seen = new Set<string>();
    for (const target of this.targets) {
      const { priority } = this.options.assignment.endpoints[target.spec];
      while (priorities.length <= priority) priorities.push([]);
      for (const ip of target.addresses) {
        // Two names may lead to one address: it is one host (of the first).
        const key = `${priority}|${ip}|${target.port}`;
        if (seen.has(key)) continue;
        seen.add(key);
        priorities[priority].push({ ip, port: target.port, spec: target.spec });
      }
    }
    this.options.onHosts({ cluster: this.options.cluster, priorities });
  }
}

/** One name of the cluster. */
class Target {
  readonly spec: number;
  readonly port: number;
  addresses: readonly string[];
  answered: boolean;
  private readonly name: string;
  private readonly options: StrictDnsOptions;
  private readonly report: (changed: boolean) => void;
  private readonly timer: Timer;
  private failures: number;
  private stopped: boolean;

  constructor(options: StrictDnsOptions, spec: number, report: (changed: boolean) => void) {
    const { name, port } = dnsTarget(options.assignment, spec);
    this.spec = spec;
    this.port = port;
    this.addresses = [];
    this.answered = false;
    this.name = name;
    this.options = options;
    this.report = report;
    this.timer = options.dispatcher.createTimer(() => this.resolve());
    this.failures = 0;
    this.stopped = false;
  }

  resolve(): void {
    const { lookup, settings, stats, dispatcher } = this.options;
    stats.counter('update_attempt').inc();
    const literal = canonicalIp(this.name);
    if (literal !== null) {
      dispatcher.post(() => this.onAnswer({ ok: true, addresses: [literal], ttl: Infinity, error: '' }));
      return;
    }
    lookup.resolve(this.name, settings.family, settings.respectTtl, (answer) => dispatcher.post(() => this.onAnswer(answer)));
  }

  stop(): void {
    this.stopped = true;
    this.timer.disable();
  }

  private onAnswer(answer: DnsAnswer): void {
    if (this.stopped) return;
    const { stats, logger, settings } = this.options;
    const first = !this.answered;
    this.answered = true;
    if (!answer.ok) {
      stats.counter('update_failure').inc();
      logger.log(LOG_DEBUG, `DNS resolution failed for ${this.name}: ${answer.error}`);
      this.timer.enable(this.failureDelay());
      this.report(first);
      return;
    }
    this.failures = 0;
    stats.counter('update_success').inc();
    if (answer.addresses.length === 0) stats.counter('update_empty').inc();
    const changed = first || !sameAddresses(this.addresses, answer.addresses);
    this.addresses = answer.addresses;
    const { random } = this.options.dispatcher;
    const jitter = settings.jitter > 0 ? random.float() * settings.jitter : 0;
    this.timer.enable((settings.respectTtl && answer.ttl !== Infinity ? answer.ttl * 1_000 : settings.refreshRate) + jitter);
    this.report(changed);
  }

  private failureDelay(): number {
    const { failureRefresh, refreshRate } = this.options.settings;
    if (failureRefresh === null) return refreshRate;
    return backOff(failureRefresh, this.failures++, this.options.dispatcher.random);
  }
}

/** A random time below (2^n − 1) × base, at least 1 ms, at most `max` (Envoy's JitteredExponentialBackOff). */
function backOff(rate: { readonly base: number; readonly max: number }, failures: number, random: Random): number {
  const ceiling = Math.min(rate.max, rate.base * (2 ** Math.min(failures + 1, 31) - 1));
  return Math.max(1, random.float() * ceiling);
}

/** Order does not matter: name servers turn their lists round. */
function sameAddresses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}
