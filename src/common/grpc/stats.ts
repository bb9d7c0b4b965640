import type { Counter, Histogram, Scope } from '../../contract/stats.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import type { GrpcMethod } from './method.ts';

/** What statistics are kept under: `cluster.<name>.grpc.` or `cluster.<name>.grpc-web.` */
export const GRPC_STATS = 'grpc';
export const GRPC_WEB_STATS = 'grpc-web';
export type GrpcStatsFamily = typeof GRPC_STATS | typeof GRPC_WEB_STATS;

/**
 * Methods that one cluster's family keeps apart, and status texts that one method does. Clients and upstreams choose these names: beyond
 * the limit a call counts without its method, a status not by its text (Envoy lets both grow without end).
 */
const MAX_METHODS = 10_000;
const MAX_STATUSES = 256;
/** Characters of `service.method`, and of a status: what is longer is no name that somebody would look for. */
const MAX_METHOD_LENGTH = 512;
const MAX_STATUS_LENGTH = 32;

/** Counters of one method, or of all methods together (`names` empty). A statistic appears when it first counts, as in Envoy. */
export class GrpcMethodStats {
  private readonly scope: Scope;
  private readonly prefix: string;
  private successOrNull: Counter | null;
  private failureOrNull: Counter | null;
  private totalOrNull: Counter | null;
  private requestsOrNull: Counter | null;
  private responsesOrNull: Counter | null;
  private timeOrNull: Histogram | null;
  private readonly statuses: Map<string, Counter>;

  constructor(scope: Scope, prefix: string) {
    this.scope = scope;
    this.prefix = prefix;
    this.successOrNull = null;
    this.failureOrNull = null;
    this.totalOrNull = null;
    this.requestsOrNull = null;
    this.responsesOrNull = null;
    this.timeOrNull = null;
    this.statuses = new Map();
  }

  /** A response said `status` in `grpc-status`, whatever it is; undefined = it said nothing, and nothing counts. */
  chargeStatus(status: string | undefined): void {
    if (status === undefined) return;
    this.status(status)?.inc();
    this.chargeResult(status === '0');
  }

  /** `success` or `failure`, and `total`. */
  chargeResult(success: boolean): void {
    if (success) (this.successOrNull ??= this.counter('success')).inc();
    else (this.failureOrNull ??= this.counter('failure')).inc();
    (this.totalOrNull ??= this.counter('total')).inc();
  }

  chargeRequestMessages(count: number): void {
    (this.requestsOrNull ??= this.counter('request_message_count')).add(count);
  }

  chargeResponseMessages(count: number): void {
    (this.responsesOrNull ??= this.counter('response_message_count')).add(count);
  }

  chargeUpstreamTime(milliseconds: number): void {
    this.timeOrNull ??= this.scope.histogram(`${this.prefix}upstream_rq_time`, 'milliseconds');
    this.timeOrNull.record(milliseconds);
  }

  private status(text: string): Counter | null {
    let counter = this.statuses.get(text);
    if (counter === undefined) {
      if (this.statuses.size >= MAX_STATUSES || text.length > MAX_STATUS_LENGTH) return null;
      this.statuses.set(text, (counter = this.counter(text)));
    }
    return counter;
  }

  private counter(name: string): Counter {
    return this.scope.counter(this.prefix + name);
  }
}

/** All methods of one cluster in one family. */
class ClusterGrpcStats {
  private readonly scope: Scope;
  private readonly family: GrpcStatsFamily;
  private readonly unnamed: GrpcMethodStats;
  /** By `service.method`, the very text of the statistic. */
  private readonly methods: Map<string, GrpcMethodStats>;

  constructor(scope: Scope, family: GrpcStatsFamily) {
    this.scope = scope;
    this.family = family;
    this.unnamed = new GrpcMethodStats(scope, `${family}.`);
    this.methods = new Map();
  }

  of(method: GrpcMethod | null): GrpcMethodStats {
    if (method === null) return this.unnamed;
    const key = `${method.service}.${method.method}`;
    let stats = this.methods.get(key);
    if (stats === undefined) {
      if (this.methods.size >= MAX_METHODS || key.length > MAX_METHOD_LENGTH) return this.unnamed;
      this.methods.set(key, (stats = new GrpcMethodStats(this.scope, `${this.family}.${key}.`)));
    }
    return stats;
  }
}

const byCluster: Readonly<Record<GrpcStatsFamily, WeakMap<ClusterInfo, ClusterGrpcStats>>> = {
  [GRPC_STATS]: new WeakMap(), [GRPC_WEB_STATS]: new WeakMap(),
};

/**
 * Statistics of a method at a cluster: `cluster.<name>.<family>.<service>.<method>.`, or without both names when `method` is null. Shared by
 * the filters of a thread that count gRPC (Envoy's Grpc::Context).
 */
export function grpcStatsOf(cluster: ClusterInfo, family: GrpcStatsFamily, method: GrpcMethod | null): GrpcMethodStats {
  const known = byCluster[family];
  let stats = known.get(cluster);
  if (stats === undefined) known.set(cluster, (stats = new ClusterGrpcStats(cluster.stats.scope, family)));
  return stats.of(method);
}
