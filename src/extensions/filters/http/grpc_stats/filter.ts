import { GrpcFrameCounter } from '../../../../codec/grpc/index.ts';
import {
  isConnectRequest, isConnectStreamingRequest, isConnectStreamingResponse, isGrpcRequest, isGrpcResponse,
} from '../../../../common/grpc/content-type.ts';
import { grpcMethodOf } from '../../../../common/grpc/method.ts';
import type { GrpcMethod } from '../../../../common/grpc/method.ts';
import { GRPC_STATS, grpcStatsOf } from '../../../../common/grpc/stats.ts';
import type { GrpcMethodStats } from '../../../../common/grpc/stats.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import { DATA_CONTINUE, HEADERS_CONTINUE, TRAILERS_CONTINUE } from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import type { GrpcStatsConfig } from './config.ts';
import { MESSAGE_COUNTS_KEY, MessageCounts } from './message-counts.ts';
import { ResponseCounter } from './response-counter.ts';

/** Counts calls and messages of gRPC and Connect as they pass; changes nothing. */
export class GrpcStatsFilter implements StreamFilter {
  private readonly config: GrpcStatsConfig;
  private callbacks: StreamDecoderFilterCallbacks | null;
  private isGrpc: boolean;
  /** Says a version of Connect; clients say it with streams too, and as in Envoy those then count as both. */
  private isConnectUnary: boolean;
  private isConnectStreaming: boolean;
  /** Null: the call is not counted (no cluster, or no method in its path). */
  private stats: GrpcMethodStats | null;
  private responseIsGrpc: boolean;
  private requestCounter: GrpcFrameCounter | null;
  private responseCounter: ResponseCounter | null;
  private counts: MessageCounts | null;
  private unaryRequests: number;
  private unaryResponses: number;

  constructor(config: GrpcStatsConfig) {
    this.config = config;
    this.callbacks = null;
    this.isGrpc = false;
    this.isConnectUnary = false;
    this.isConnectStreaming = false;
    this.stats = null;
    this.responseIsGrpc = false;
    this.requestCounter = null;
    this.responseCounter = null;
    this.counts = null;
    this.unaryRequests = 0;
    this.unaryResponses = 0;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.callbacks = callbacks;
  }

  setEncoderFilterCallbacks(): void {
    // The encode side needs nothing of the manager.
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    this.isGrpc = isGrpcRequest(headers);
    this.isConnectUnary = isConnectRequest(headers);
    this.isConnectStreaming = isConnectStreamingRequest(headers);
    if (!this.isGrpc && !this.isConnectUnary && !this.isConnectStreaming) return HEADERS_CONTINUE;
    const cluster = this.callbacks?.clusterInfo() ?? null;
    const method = grpcMethodOf(headers.get(':path'));
    // A direct response has no cluster (CVE-2026-47204).
    if (cluster !== null && method !== null) this.stats = grpcStatsOf(cluster, GRPC_STATS, this.nameOf(method));
    return HEADERS_CONTINUE;
  }

  /** Under which name the method is counted, null = together with others. */
  private nameOf(method: GrpcMethod): GrpcMethod | null {
    const { allMethods, replaceDots, allowlist } = this.config;
    if (!allMethods) return allowlist.get(method.service)?.has(method.method) === true ? method : null;
    return replaceDots ? { service: method.service.replaceAll('.', '_'), method: method.method } : method;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    if (this.isGrpc || this.isConnectStreaming) this.onRequestMessages((this.requestCounter ??= new GrpcFrameCounter()).inspect(data));
    else if (this.isConnectUnary && endStream) {
      this.unaryRequests = 1;
      this.onRequestMessages(1);
    }
    return DATA_CONTINUE;
  }

  private onRequestMessages(count: number): void {
    if (count === 0) return;
    this.emitState();
    this.stats?.chargeRequestMessages(count);
  }

  decodeTrailers(): FilterTrailersStatus {
    return TRAILERS_CONTINUE;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    this.responseIsGrpc = isGrpcResponse(headers, endStream);
    const stats = this.stats;
    if (stats === null) return HEADERS_CONTINUE;
    if (this.isConnectUnary) stats.chargeResult(headers.get(':status') === '200');
    else if (!isConnectStreamingResponse(headers)) stats.chargeStatus(headers.get('grpc-status'));
    if (endStream) this.chargeUpstreamTime();
    return HEADERS_CONTINUE;
  }

  encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    if (this.responseIsGrpc || this.isConnectStreaming) {
      const counter = (this.responseCounter ??= new ResponseCounter());
      this.onResponseMessages(counter.inspect(data));
      if (endStream && !this.responseIsGrpc) {
        this.stats?.chargeResult(counter.connectSuccess);
        this.chargeUpstreamTime();
      }
    } else if (this.isConnectUnary && endStream) {
      this.unaryResponses = 1;
      this.onResponseMessages(1);
      this.chargeUpstreamTime();
    }
    return DATA_CONTINUE;
  }

  private onResponseMessages(count: number): void {
    if (count === 0) return;
    this.emitState();
    this.stats?.chargeResponseMessages(count);
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    if (!this.isGrpc || this.stats === null) return TRAILERS_CONTINUE;
    this.stats.chargeStatus(trailers.get('grpc-status'));
    this.chargeUpstreamTime();
    return TRAILERS_CONTINUE;
  }

  private emitState(): void {
    const info = this.callbacks?.streamInfo;
    if (!this.config.emitFilterState || info === undefined) return;
    if (this.counts === null) {
      this.counts = new MessageCounts();
      info.filterState ??= new Map();
      info.filterState.set(MESSAGE_COUNTS_KEY, this.counts);
    }
    const unary = this.isConnectUnary;
    this.counts.requests = unary ? this.unaryRequests : (this.requestCounter?.count ?? 0);
    this.counts.responses = unary ? this.unaryResponses : (this.responseCounter?.count ?? 0);
  }

  /** From the last byte to the upstream to the last byte of it. */
  private chargeUpstreamTime(): void {
    const timing = this.callbacks?.streamInfo.upstream?.timing;
    if (!this.config.upstreamStats || timing === undefined) return;
    const time = timing.lastRxByteReceived - timing.lastTxByteSent;
    if (!Number.isNaN(time)) this.stats?.chargeUpstreamTime(Math.max(0, Math.floor(time)));
  }

  onDestroy(): void {
    this.callbacks = null;
  }
}
