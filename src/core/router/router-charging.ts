import { GRPC_NO_STATUS, grpcStatusIn, grpcToHttpStatus } from '../../common/grpc/status.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Host } from '../../contract/upstream.ts';
import { RouterState } from './router-state.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/** Statistics of the response: by status code, by time, and the host's success or error. */
export abstract class RouterCharging extends RouterState {
  /** An attempt has its stream. */
  onUpstreamHostReady(): void {
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i].total.inc();
  }

  /** `upstream_rq_<code>` and its relatives. `response` null = the proxy's own answer. */
  protected chargeCode(status: number, response: HeaderMap | null, host: Host | null): void {
    const { config } = this;
    if (!config.dynamicStats || this.callbacks.streamInfo.healthCheck) return;
    const stats = this.cluster.stats;
    const canary = response?.get('x-envoy-upstream-canary') === 'true' || (host?.canary ?? false);
    const origin = this.headers.get('x-envoy-internal') === 'true' ? 'internal.' : 'external.';
    if (this.isGrpc && config.suppressGrpcRequestFailureCodeStats) stats.upstreamRqCompleted.inc();
    else stats.chargeResponse('', status);
    if (canary) stats.chargeResponse('canary.', status);
    stats.chargeResponse(origin, status);
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i].chargeResponse(status);
    const zone = host?.locality.zone ?? '';
    if (config.zone !== '' && zone !== '') stats.chargeResponse(`zone.${config.zone}.${zone}.`, status);
    if (this.altStatName !== '') {
      stats.chargeResponse(this.altStatName, status);
      stats.chargeResponse(this.altStatName + origin, status);
    }
    if (host !== null && status >= 500 && status < 600) host.stats.rqError.add(1);
  }

  protected chargeTime(elapsed: number, attempt: UpstreamRequest): void {
    const stats = this.cluster.stats;
    const time = Math.floor(elapsed);
    stats.chargeResponseTime('', time);
    if (attempt.canary) stats.chargeResponseTime('canary.', time);
    stats.chargeResponseTime(this.headers.get('x-envoy-internal') === 'true' ? 'internal.' : 'external.', time);
    for (let i = 0; i < this.scopes.length; i++) this.scopes[i].chargeTime(time);
    const zone = attempt.host?.locality.zone ?? '';
    if (this.config.zone !== '' && zone !== '') stats.chargeResponseTime(`zone.${this.config.zone}.${zone}.`, time);
    if (this.altStatName !== '') stats.chargeResponseTime(this.altStatName, time);
  }

  protected chargeAbort(status: number, attempt: UpstreamRequest): void {
    if (this.responseStarted) {
      if (!attempt.grpcSuccessDeferred) return;
      attempt.host?.stats.rqError.add(1);
      this.config.stats.rqResetAfterDownstreamResponseStarted.inc();
      return;
    }
    this.chargeCode(status, null, attempt.host);
    if (status < 500) attempt.host?.stats.rqError.add(1);
  }

  protected countSuccess(headers: HeaderMap, attempt: UpstreamRequest, endStream: boolean): void {
    const stats = attempt.host?.stats;
    if (stats === undefined) return;
    if (!this.isGrpc) stats.rqSuccess.add(1);
    else if (!endStream) attempt.grpcSuccessDeferred = true;
    else if (isGrpcSuccess(headers)) stats.rqSuccess.add(1);
    else stats.rqError.add(1);
  }

  /** gRPC says how it went in its trailers, or, without any, in nothing: a response that ends with data has failed. */
  protected countGrpcEnd(attempt: UpstreamRequest, trailers: HeaderMap | null): void {
    if (!attempt.grpcSuccessDeferred) return;
    const stats = attempt.host?.stats;
    if (trailers !== null && isGrpcSuccess(trailers)) stats?.rqSuccess.add(1);
    else stats?.rqError.add(1);
  }
}

function isGrpcSuccess(headers: HeaderMap): boolean {
  const status = grpcStatusIn(headers);
  return status !== GRPC_NO_STATUS && grpcToHttpStatus(status) < 500;
}
