import { matchHeaders } from '../../../../common/matchers/header-matcher.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import { FLAG_FAILED_LOCAL_HEALTH_CHECK } from '../../../../contract/response-flags.ts';
import type { Counter, Scope } from '../../../../contract/stats.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE, TRAILERS_STOP_ITERATION,
} from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import type { HealthCheckCache } from './cache.ts';
import { CLUSTER_EMPTY, CLUSTER_NOT_FOUND, CLUSTERS_HEALTHY, CLUSTERS_UNHEALTHY, judgeClusters } from './cluster-health.ts';
import type { HealthCheckConfig } from './config.ts';

/** Counters of `http.<stat_prefix>.health_check.`. */
export class HealthCheckStats {
  readonly requestTotal: Counter;
  readonly failed: Counter;
  readonly ok: Counter;
  readonly cachedResponse: Counter;
  readonly failedClusterNotFound: Counter;
  readonly failedClusterEmpty: Counter;
  readonly failedClusterUnhealthy: Counter;
  readonly degraded: Counter;

  constructor(scope: Scope) {
    this.requestTotal = scope.counter('request_total');
    this.failed = scope.counter('failed');
    this.ok = scope.counter('ok');
    this.cachedResponse = scope.counter('cached_response');
    this.failedClusterNotFound = scope.counter('failed_cluster_not_found');
    this.failedClusterEmpty = scope.counter('failed_cluster_empty');
    this.failedClusterUnhealthy = scope.counter('failed_cluster_unhealthy');
    this.degraded = scope.counter('degraded');
  }
}

/** What all streams share. */
export interface HealthCheckShared {
  readonly config: HealthCheckConfig;
  readonly cache: HealthCheckCache | null;
  readonly stats: HealthCheckStats;
  readonly context: FactoryContext;
}

/** Adds x-envoy-degraded. */
function markDegraded(headers: HeaderMap): void {
  headers.set('x-envoy-degraded', '');
}

/** Answers health checks itself, or lets them pass and watches the answer. */
export class HealthCheckFilter implements StreamFilter {
  private readonly shared: HealthCheckShared;
  private callbacks: StreamDecoderFilterCallbacks | null;
  private isHealthCheck: boolean;
  /** The filter answers this request. */
  private handling: boolean;

  constructor(shared: HealthCheckShared) {
    this.shared = shared;
    this.callbacks = null;
    this.isHealthCheck = false;
    this.handling = false;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.callbacks = callbacks;
  }

  setEncoderFilterCallbacks(): void {
    // The encode side needs nothing of the manager.
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { config, cache, context } = this.shared;
    if (matchHeaders(config.headers, headers)) {
      this.isHealthCheck = true;
      if (this.callbacks !== null) this.callbacks.streamInfo.healthCheck = true;
      this.handling = !config.passThrough || context.serverHealth.failed || (cache !== null && cache.usable);
    }
    if (!this.handling) return HEADERS_CONTINUE;
    if (endStream) this.answer();
    return HEADERS_STOP_ITERATION;
  }

  decodeData(_data: Buffer, endStream: boolean): FilterDataStatus {
    if (!this.handling) return DATA_CONTINUE;
    if (endStream) this.answer();
    return DATA_STOP_ITERATION_NO_BUFFER;
  }

  decodeTrailers(): FilterTrailersStatus {
    if (!this.handling) return TRAILERS_CONTINUE;
    this.answer();
    return TRAILERS_STOP_ITERATION;
  }

  encodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const { cache, context } = this.shared;
    if (this.isHealthCheck) {
      if (cache !== null) cache.store(Number(headers.get(':status') ?? '0'), headers.has('x-envoy-degraded'));
      headers.set('x-envoy-upstream-healthchecked-cluster', context.localInfo.clusterName);
    }
    if (context.serverHealth.failed) headers.set('x-envoy-immediate-health-check-fail', 'true');
    return HEADERS_CONTINUE;
  }

  encodeData(): FilterDataStatus {
    return DATA_CONTINUE;
  }

  encodeTrailers(): FilterTrailersStatus {
    return TRAILERS_CONTINUE;
  }

  onDestroy(): void {
    this.callbacks = null;
  }

  private answer(): void {
    const callbacks = this.callbacks;
    if (callbacks === null) return;
    const { cache, stats, context, config } = this.shared;
    let status = 200;
    let details = 'health_check_ok';
    let degraded = false;
    stats.requestTotal.inc();
    if (context.serverHealth.failed) {
      status = 503;
      details = 'health_check_failed';
    } else if (cache !== null) {
      status = cache.status;
      degraded = cache.degraded;
      details = 'health_check_cached';
      stats.cachedResponse.inc();
    } else if (config.minHealthy !== null) {
      details = judgeClusters(config.minHealthy, context.clusterManager);
      if (details !== CLUSTERS_HEALTHY) status = 503;
      this.countClusters(details);
    }
    if (status >= 200 && status < 300) stats.ok.inc();
    else {
      callbacks.streamInfo.setResponseFlag(FLAG_FAILED_LOCAL_HEALTH_CHECK);
      stats.failed.inc();
    }
    if (degraded) stats.degraded.inc();
    callbacks.sendLocalReply(status, '', degraded ? markDegraded : null, -1, details);
  }

  private countClusters(details: string): void {
    const { stats } = this.shared;
    if (details === CLUSTER_NOT_FOUND) stats.failedClusterNotFound.inc();
    else if (details === CLUSTER_EMPTY) stats.failedClusterEmpty.inc();
    else if (details === CLUSTERS_UNHEALTHY) stats.failedClusterUnhealthy.inc();
  }
}
