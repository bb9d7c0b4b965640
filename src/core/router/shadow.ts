import { portStart } from '../../common/http/host-header.ts';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Connection } from '../../contract/network.ts';
import type { ShadowPolicy } from '../../contract/route.ts';
import { responseStatus } from '../http/local-reply.ts';
import { appendLocalXff } from '../http/xff.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { Cancellable, ClusterInfo, Host, HttpConnectionPool, HttpPoolCallbacks, PoolFailureReason } from '../../contract/upstream.ts';
import { poolFailureReset, resetStatus } from './rescue.ts';
import type { RouterFilter } from './router.ts';
import type { PooledTimer, PooledTimerOwner } from './timer-pool.ts';

/** The mirrors of one request (`request_mirror_policies`): they stream along, and nothing of them shows to the client. */
export class Shadows {
  private readonly streams: ShadowStream[];

  private constructor(streams: ShadowStream[]) {
    this.streams = streams;
  }

  /** Starts a mirror for each policy that wants this request; null when none does. */
  static start(router: RouterFilter, policies: readonly ShadowPolicy[], endStream: boolean): Shadows | null {
    // A tunnel's bytes are no request to repeat.
    if (router.headers.get(':method') === 'CONNECT') return null;
    const streams: ShadowStream[] = [];
    for (const policy of policies) {
      const stream = startOne(router, policy, endStream);
      if (stream !== null) streams.push(stream);
    }
    return streams.length === 0 ? null : new Shadows(streams);
  }

  sendData(data: Buffer, endStream: boolean): void {
    for (const stream of this.streams) stream.sendData(data, endStream);
  }

  sendTrailers(trailers: HeaderMap): void {
    for (const stream of this.streams) stream.sendTrailers(trailers);
  }

  /** The request is gone: mirrors that have not got all of it are cut off, the others finish on their own. */
  cancel(): void {
    for (const stream of this.streams) stream.detach();
  }
}

function startOne(router: RouterFilter, policy: ShadowPolicy, endStream: boolean): ShadowStream | null {
  const { config, callbacks } = router;
  if (!config.runtime.snapshot().featureEnabled(policy.runtimeKey, policy.fraction, callbacks.streamId)) return null;
  const name = policy.cluster !== '' ? policy.cluster : (router.headers.get(policy.clusterHeader) ?? '');
  if (name === '') return null;
  const cluster = config.clusterManager.getThreadLocalCluster(name);
  if (cluster === null) return null;
  const headers = router.headers.clone();
  policy.mutateHeaders?.(headers, callbacks.streamInfo);
  const literal = policy.hostRewriteLiteral ?? '';
  if (literal !== '') headers.set(':authority', literal);
  else if (!policy.disableShadowHostSuffixAppend) headers.set(':authority', shadowHost(headers.get(':authority') ?? ''));
  headers.set('x-envoy-internal', 'true');
  appendLocalXff(headers);
  const pool = cluster.httpPool(0, callbacks.streamInfo.protocol, null);
  if (pool === null) {
    chargeShadow(cluster.info, 503);
    return null;
  }
  const stream = new ShadowStream(router, cluster.info, headers);
  stream.start(pool, endStream);
  return stream;
}

/** `host-shadow`, before the port. */
function shadowHost(host: string): string {
  const at = portStart(host);
  return at < 0 ? `${host}-shadow` : `${host.slice(0, at)}-shadow${host.slice(at)}`;
}

function chargeShadow(cluster: ClusterInfo, status: number): void {
  cluster.stats.chargeResponse('', status);
  cluster.stats.chargeResponse('internal.', status);
}

/** One mirrored request. Its answer is counted and dropped. */
class ShadowStream implements HttpPoolCallbacks, ResponseDecoder, StreamCallbacks, PooledTimerOwner {
  private readonly router: RouterFilter;
  private readonly cluster: ClusterInfo;
  private readonly headers: HeaderMap;
  private readonly limit: number;
  private readonly startTime: number;
  private pending: Cancellable | null;
  private encoder: RequestEncoder | null;
  private endWithHeaders: boolean;
  private waiting: Buffer[];
  private waitingBytes: number;
  private trailers: HeaderMap | null;
  private complete: boolean;
  private done: boolean;
  private timer: PooledTimer | null;
  /** How often this mirror holds the downstream back; undone when it ends, and when the request does. */
  private pauses: number;
  /** The request is gone, and its callbacks with it. */
  private detached: boolean;

  constructor(router: RouterFilter, cluster: ClusterInfo, headers: HeaderMap) {
    this.router = router;
    this.cluster = cluster;
    this.headers = headers;
    this.limit = router.callbacks.bufferLimit;
    this.startTime = router.config.dispatcher.now();
    this.pending = null;
    this.encoder = null;
    this.endWithHeaders = false;
    this.waiting = [];
    this.waitingBytes = 0;
    this.trailers = null;
    this.complete = false;
    this.done = false;
    this.timer = null;
    this.pauses = 0;
    this.detached = false;
  }

  start(pool: HttpConnectionPool, endStream: boolean): void {
    this.endWithHeaders = endStream;
    const pending = pool.newStream(this, this);
    if (!this.done && this.encoder === null) this.pending = pending;
    if (endStream) this.onRequestComplete();
  }

  sendData(data: Buffer, endStream: boolean): void {
    if (this.done) return;
    if (this.encoder !== null) this.encoder.encodeData(data, endStream);
    else {
      this.waiting.push(Buffer.from(data));
      this.waitingBytes += data.length;
      // A mirror that cannot keep up is given up rather than slow the request down or grow.
      if (this.limit > 0 && this.waitingBytes > this.limit) {
        this.finish(true);
        return;
      }
    }
    if (endStream) this.onRequestComplete();
  }

  sendTrailers(trailers: HeaderMap): void {
    if (this.done) return;
    const copy = trailers.clone();
    if (this.encoder === null) this.trailers = copy;
    else this.encoder.encodeTrailers(copy);
    this.onRequestComplete();
  }

  detach(): void {
    this.detached = true;
    this.pauses = 0;
    if (!this.complete) this.finish(true);
  }

  private onRequestComplete(): void {
    this.complete = true;
    const timeout = this.router.timeouts.global;
    if (!this.done && timeout > 0) this.timer = this.router.config.timers.borrow(this, timeout);
  }

  onPooledTimer(): void {
    this.cluster.stats.upstreamRqTimeout.inc();
    chargeShadow(this.cluster, 504);
    this.finish(true);
  }

  onPoolReady(encoder: RequestEncoder, _host: Host, _connection: Connection, _protocol: Protocol, _streams: number): void {
    this.pending = null;
    this.encoder = encoder;
    encoder.stream.addCallbacks(this);
    if (encoder.encodeHeaders(this.headers, this.endWithHeaders) !== null) {
      this.finish(true);
      return;
    }
    const { waiting, trailers } = this;
    this.waiting = [];
    for (let i = 0; i < waiting.length && !this.done; i++) {
      this.encoder.encodeData(waiting[i], this.complete && trailers === null && i === waiting.length - 1);
    }
    if (trailers !== null && !this.done) this.encoder.encodeTrailers(trailers);
  }

  onPoolFailure(reason: PoolFailureReason, _failure: string, _host: Host | null): void {
    this.pending = null;
    chargeShadow(this.cluster, resetStatus(poolFailureReset(reason)));
    this.finish(false);
  }

  decode1xxHeaders(_headers: HeaderMap): void {
    // Nobody waits for it.
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.done) return;
    chargeShadow(this.cluster, responseStatus(headers));
    if (endStream) this.onResponseComplete();
  }

  decodeData(_data: Buffer, endStream: boolean): void {
    if (endStream) this.onResponseComplete();
  }

  decodeTrailers(_trailers: HeaderMap): void {
    this.onResponseComplete();
  }

  private onResponseComplete(): void {
    if (this.done) return;
    const time = Math.floor(this.router.config.dispatcher.now() - this.startTime);
    this.cluster.stats.chargeResponseTime('', time);
    this.cluster.stats.chargeResponseTime('internal.', time);
    this.finish(!this.complete);
  }

  onResetStream(reason: StreamResetReason, _failure: string): void {
    if (this.done) return;
    chargeShadow(this.cluster, resetStatus(reason));
    this.finish(false);
  }

  onAboveWriteBufferHighWatermark(): void {
    if (this.detached) return;
    this.pauses++;
    this.router.callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (this.pauses === 0) return;
    this.pauses--;
    this.router.callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  }

  private finish(reset: boolean): void {
    if (this.done) return;
    this.done = true;
    if (this.timer !== null) this.router.config.timers.giveBack(this.timer);
    this.timer = null;
    this.pending?.cancel(false);
    this.pending = null;
    this.waiting = [];
    const stream = this.encoder?.stream;
    this.encoder = null;
    stream?.removeCallbacks(this);
    if (reset) stream?.resetStream(RESET_LOCAL_RESET);
    // A mirror that ends while it is slow must not leave the request waiting.
    while (this.pauses > 0) this.onBelowWriteBufferLowWatermark();
  }
}
