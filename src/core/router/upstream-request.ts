import type { Timer } from '../../base/timer-wheel.ts';
import type { LogContext, AccessLogType } from '../../contract/access-log.ts';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Connection } from '../../contract/network.ts';
import { FLAG_DOWNSTREAM_PROTOCOL_ERROR, FLAG_STREAM_IDLE_TIMEOUT, FLAG_UPSTREAM_REQUEST_TIMEOUT } from '../../contract/response-flags.ts';
import { StreamInfo, UpstreamInfo } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { Cancellable, Host, HttpConnectionPool, HttpPoolCallbacks, PoolFailureReason } from '../../contract/upstream.ts';
import { NO_GRPC_STATUS, responseStatus } from '../http/local-reply.ts';
import { poolFailureReset, resetFlag } from './rescue.ts';
import type { RouterFilter } from './router.ts';

const NO_BYTES = Buffer.alloc(0);

/**
 * One attempt at one host: asks the pool for a stream, sends the request when it is there, hands the response to the router. In one object what
 * Envoy splits into upstream request, codec filter and bridges, for there is one of each an attempt.
 */
export class UpstreamRequest implements HttpPoolCallbacks, ResponseDecoder, StreamCallbacks {
  private readonly parent: RouterFilter;
  private readonly pool: HttpConnectionPool;
  readonly info: UpstreamInfo;
  /** Host of the attempt; null when the pool could name none. */
  host: Host | null;
  private pending: Cancellable | null;
  private encoder: RequestEncoder | null;
  private headersSent: boolean;
  private inNewStream: boolean;
  private endWithHeaders: boolean;
  /** Body that arrived before the stream did; its pieces are copies. */
  private waitingBody: Buffer[] | null;
  private waitingBytes: number;
  private waitingTrailers: HeaderMap | null;
  /** What waits is more than the buffer limit: the downstream was paused once for it. */
  private waitingPaused: boolean;
  private sentEnd: boolean;
  awaitingHeaders: boolean;
  retried: boolean;
  private cleaned: boolean;
  private seen1xx: boolean;
  grpcSuccessDeferred: boolean;
  canary: boolean;
  private createPerTryOnComplete: boolean;
  private perTryTimer: Timer | null;
  private perTryIdleTimer: Timer | null;
  private durationTimer: Timer | null;
  private logTimer: Timer | null;
  /** How often this attempt has paused the downstream, to be undone at its end. */
  private downstreamPauses: number;
  /** Pauses of the upstream that wait for the response to begin. */
  private deferredReadDisables: number;
  private logInfo: StreamInfo | null;
  private logHeaders: HeaderMap | null;
  private logTrailers: HeaderMap | null;
  private readonly startTime: number;

  constructor(parent: RouterFilter, pool: HttpConnectionPool) {
    this.parent = parent;
    this.pool = pool;
    this.info = new UpstreamInfo();
    this.host = pool.host;
    this.pending = null;
    this.encoder = null;
    this.headersSent = false;
    this.inNewStream = false;
    this.endWithHeaders = false;
    this.waitingBody = null;
    this.waitingBytes = 0;
    this.waitingTrailers = null;
    this.waitingPaused = false;
    this.sentEnd = false;
    this.awaitingHeaders = true;
    this.retried = false;
    this.cleaned = false;
    this.seen1xx = false;
    this.grpcSuccessDeferred = false;
    this.canary = false;
    this.createPerTryOnComplete = false;
    this.perTryTimer = null;
    this.perTryIdleTimer = null;
    this.durationTimer = null;
    this.logTimer = null;
    this.downstreamPauses = 0;
    this.deferredReadDisables = 0;
    this.logHeaders = null;
    this.logTrailers = null;
    const streamInfo = parent.callbacks.streamInfo;
    this.startTime = parent.config.dispatcher.now();
    this.info.timing.poolRequested = this.startTime;
    this.info.host = pool.host;
    const before = streamInfo.upstream;
    if (before !== null) for (const host of before.attemptedHosts) this.info.attemptedHosts.push(host);
    streamInfo.upstream = this.info;
    this.logInfo = parent.config.upstreamLogs.length === 0 ? null : this.makeLogInfo(streamInfo);
  }

  // From the router.

  sendHeaders(endStream: boolean): void {
    this.endWithHeaders = endStream;
    this.sentEnd = endStream;
    this.inNewStream = true;
    const pending = this.pool.newStream(this, this);
    this.inNewStream = false;
    if (this.cleaned) return;
    this.startLogTimer();
    if (this.encoder === null) this.pending = pending;
    else this.encodeHeaders();
  }

  sendData(data: Buffer, endStream: boolean): void {
    this.sentEnd = endStream;
    if (this.headersSent && this.encoder !== null) {
      this.encoder.encodeData(data, endStream);
      if (endStream) this.info.timing.lastTxByteSent = this.now();
      return;
    }
    if (data.length > 0) {
      if (this.waitingBody === null) this.waitingBody = [Buffer.from(data)];
      else this.waitingBody.push(Buffer.from(data));
      this.waitingBytes += data.length;
      this.pauseForWaiting();
    }
  }

  sendTrailers(trailers: HeaderMap): void {
    this.sentEnd = true;
    if (this.headersSent && this.encoder !== null) {
      this.encoder.encodeTrailers(trailers);
      this.info.timing.lastTxByteSent = this.now();
    } else this.waitingTrailers = trailers;
  }

  private pauseForWaiting(): void {
    const limit = this.parent.callbacks.bufferLimit;
    if (this.waitingPaused || limit === 0 || this.waitingBytes <= limit) return;
    this.waitingPaused = true;
    this.pauseDownstream();
  }

  private now(): number {
    return this.parent.config.dispatcher.now();
  }

  // From the pool.

  onPoolFailure(reason: PoolFailureReason, failure: string, host: Host | null): void {
    this.pending = null;
    this.recordPoolReady();
    this.info.transportFailureReason = failure;
    this.info.host = host;
    this.host = host;
    if (host !== null) this.info.attemptedHosts.push(host);
    this.onResetStream(poolFailureReset(reason), failure);
  }

  onPoolReady(encoder: RequestEncoder, host: Host, connection: Connection, protocol: Protocol, connectionStreams: number): void {
    this.pending = null;
    this.encoder = encoder;
    this.host = host;
    this.recordPoolReady();
    const info = this.info;
    info.host = host;
    info.attemptedHosts.push(host);
    info.localAddress = connection.localAddress;
    info.remoteAddress = connection.remoteAddress;
    info.connectionId = connection.id;
    info.protocol = protocol;
    info.numStreams = connectionStreams;
    info.ssl = connection.ssl;
    info.meter = encoder.stream.bytesMeter;
    const timing = connection.streamInfo.upstream?.timing;
    if (timing !== undefined) {
      info.timing.connectStart = timing.connectStart;
      info.timing.connectComplete = timing.connectComplete;
    }
    const parent = this.parent;
    parent.onUpstreamHostReady();
    if (parent.requestEnded && this.perTryTimer === null) this.setupPerTryTimeout();
    else this.createPerTryOnComplete = true;
    encoder.stream.addCallbacks(this);
    for (let i = parent.downstreamBackups(); i > 0; i--) this.onDownstreamFull();
    this.startDurationTimer(host);
    parent.rewriteHostFor(host);
    if (parent.config.flushUpstreamLogOnUpstreamStream) this.log('UpstreamPoolReady');
    if (!this.inNewStream) this.encodeHeaders();
  }

  private recordPoolReady(): void {
    this.info.timing.poolReady = this.now();
  }

  private encodeHeaders(): void {
    const encoder = this.encoder;
    if (encoder === null) return;
    const error = encoder.encodeHeaders(this.parent.headers, this.endWithHeaders);
    if (error !== null) {
      const callbacks = this.parent.callbacks;
      callbacks.streamInfo.setResponseFlag(FLAG_DOWNSTREAM_PROTOCOL_ERROR);
      callbacks.sendLocalReply(503, error, null, NO_GRPC_STATUS, `filter_removed_required_request_headers{${error.replaceAll(' ', '_')}}`);
      return;
    }
    // The codec may have found the connection dead.
    if (this.encoder === null) return;
    this.headersSent = true;
    const timing = this.info.timing;
    timing.firstTxByteSent = this.now();
    if (this.endWithHeaders) timing.lastTxByteSent = timing.firstTxByteSent;
    if (this.parent.holdsTunnelPayload) return;
    this.sendWaiting();
  }

  /** What came while the stream was being made, or while an upgrade was not answered. */
  sendWaiting(): void {
    const body = this.waitingBody;
    const trailers = this.waitingTrailers;
    const last = (body?.length ?? 0) - 1;
    this.waitingBody = null;
    this.waitingBytes = 0;
    this.waitingTrailers = null;
    if (body !== null) {
      for (let i = 0; i <= last && this.encoder !== null; i++) {
        const end = i === last && this.sentEnd && trailers === null;
        this.encoder.encodeData(body[i], end);
        if (end) this.info.timing.lastTxByteSent = this.now();
      }
    } else if (this.sentEnd && !this.endWithHeaders && trailers === null) {
      this.encoder?.encodeData(NO_BYTES, true);
      this.info.timing.lastTxByteSent = this.now();
    }
    if (trailers !== null && this.encoder !== null) {
      this.encoder.encodeTrailers(trailers);
      this.info.timing.lastTxByteSent = this.now();
    }
    if (!this.waitingPaused) return;
    this.waitingPaused = false;
    this.resumeDownstream();
  }

  // Response, from the codec.

  decode1xxHeaders(headers: HeaderMap): void {
    if (this.cleaned || this.seen1xx) return;
    this.seen1xx = true;
    this.handleDeferredReadDisable();
    this.parent.onUpstream1xx(headers, this);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.cleaned) return;
    this.info.timing.firstRxByteReceived = this.now();
    this.recordEnd(endStream);
    this.touchPerTryIdle();
    const status = responseStatus(headers);
    if (status >= 100 && status < 200 && status !== 101) return;
    this.awaitingHeaders = false;
    if (this.logInfo !== null) {
      this.logHeaders = headers.clone();
      this.logInfo.responseCode = status;
    }
    this.handleDeferredReadDisable();
    this.parent.onUpstreamHeaders(status, headers, this, endStream);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    if (this.cleaned) return;
    this.recordEnd(endStream);
    this.touchPerTryIdle();
    this.parent.onUpstreamData(data, this, endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (this.cleaned) return;
    this.recordEnd(true);
    if (this.logInfo !== null) this.logTrailers = trailers.clone();
    this.parent.onUpstreamTrailers(trailers, this);
  }

  private recordEnd(endStream: boolean): void {
    if (endStream) this.info.timing.lastRxByteReceived = this.now();
  }

  onResetStream(reason: StreamResetReason, failure: string): void {
    if (this.cleaned) return;
    this.clearEncoder();
    this.awaitingHeaders = false;
    this.logInfo?.setResponseFlag(resetFlag(reason));
    this.parent.onUpstreamReset(reason, failure, this);
  }

  /** Ends the attempt from this side. Nothing to do when both messages are complete: the connection lives on. */
  reset(): void {
    this.pending?.cancel(false);
    this.pending = null;
    const timing = this.info.timing;
    if (!Number.isNaN(timing.lastTxByteSent) && !Number.isNaN(timing.lastRxByteReceived)) return;
    const stream = this.encoder?.stream;
    if (stream === undefined) return;
    stream.removeCallbacks(this);
    this.clearEncoder();
    stream.resetStream(RESET_LOCAL_RESET);
  }

  get encodeComplete(): boolean {
    return !Number.isNaN(this.info.timing.lastTxByteSent);
  }

  get requestStarted(): boolean {
    return !Number.isNaN(this.info.timing.firstTxByteSent);
  }

  private clearEncoder(): void {
    this.encoder = null;
  }

  /** The router has done with the attempt. Idempotent. */
  cleanUp(): void {
    if (this.cleaned) return;
    this.cleaned = true;
    this.perTryTimer?.disable();
    this.perTryIdleTimer?.disable();
    this.durationTimer?.disable();
    this.logTimer?.disable();
    this.encoder?.stream.removeCallbacks(this);
    this.clearEncoder();
    this.log('UpstreamEnd');
    while (this.downstreamPauses > 0) this.resumeDownstream();
  }

  // Timers.

  setupPerTryTimeout(): void {
    const { timeouts, config } = this.parent;
    if (timeouts.perTry > 0) {
      this.perTryTimer = config.dispatcher.createTimer(() => this.onPerTryTimeout());
      this.perTryTimer.enable(timeouts.perTry);
    }
    if (timeouts.perTryIdle > 0) {
      this.perTryIdleTimer = config.dispatcher.createTimer(() => this.onPerTryIdleTimeout());
      this.perTryIdleTimer.enable(timeouts.perTryIdle);
    }
  }

  onRequestComplete(): void {
    if (this.createPerTryOnComplete && this.perTryTimer === null) this.setupPerTryTimeout();
  }

  stopPerTryTimeouts(): void {
    this.perTryTimer?.disable();
    this.perTryIdleTimer?.disable();
    this.perTryIdleTimer = null;
  }

  private touchPerTryIdle(): void {
    if (this.perTryIdleTimer !== null) this.perTryIdleTimer.enable(this.parent.timeouts.perTryIdle);
  }

  private onPerTryTimeout(): void {
    this.perTryIdleTimer?.disable();
    this.perTryIdleTimer = null;
    if (this.parent.responseStarted) return;
    this.logInfo?.setResponseFlag(FLAG_UPSTREAM_REQUEST_TIMEOUT);
    this.parent.onPerTryTimeout(this);
  }

  private onPerTryIdleTimeout(): void {
    this.perTryTimer?.disable();
    this.logInfo?.setResponseFlag(FLAG_STREAM_IDLE_TIMEOUT);
    this.parent.onPerTryIdleTimeout(this);
  }

  private startDurationTimer(host: Host): void {
    const asked = this.parent.dynamicMaxStreamDuration;
    const duration = asked >= 0 ? asked : host.cluster.maxStreamDuration;
    if (duration <= 0) return;
    this.durationTimer = this.parent.config.dispatcher.createTimer(() => {
      host.cluster.stats.upstreamRqMaxDurationReached.inc();
      this.parent.onMaxStreamDuration(this);
    });
    this.durationTimer.enable(duration);
  }

  // Flow control.

  /** The upstream cannot take more. */
  onAboveWriteBufferHighWatermark(): void {
    this.pauseDownstream();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.resumeDownstream();
  }

  /** The downstream cannot take more: the upstream pauses, as soon as there is a response to pause. */
  onDownstreamFull(): void {
    if (this.encoder === null) return;
    if (this.parent.responseStarted) this.pauseUpstream();
    else this.deferredReadDisables++;
  }

  onDownstreamDrained(): void {
    if (this.encoder === null) return;
    if (this.deferredReadDisables > 0) {
      this.deferredReadDisables--;
      return;
    }
    this.parent.cluster.stats.upstreamFlowControlResumedReadingTotal.inc();
    this.encoder.stream.readDisable(false);
  }

  private pauseDownstream(): void {
    this.parent.cluster.stats.upstreamFlowControlBackedUpTotal.inc();
    this.parent.callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
    this.downstreamPauses++;
  }

  private resumeDownstream(): void {
    if (this.downstreamPauses === 0) return;
    this.downstreamPauses--;
    this.parent.cluster.stats.upstreamFlowControlDrainedTotal.inc();
    this.parent.callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  }

  private handleDeferredReadDisable(): void {
    for (; this.deferredReadDisables > 0; this.deferredReadDisables--) this.pauseUpstream();
  }

  private pauseUpstream(): void {
    this.parent.cluster.stats.upstreamFlowControlPausedReadingTotal.inc();
    this.encoder?.stream.readDisable(true);
  }

  // Upstream access logs.

  private startLogTimer(): void {
    const interval = this.parent.config.upstreamLogFlushInterval;
    if (interval <= 0 || this.logInfo === null) return;
    this.logTimer = this.parent.config.dispatcher.createTimer(() => {
      this.log('UpstreamPeriodic');
      this.logTimer?.enable(interval);
    });
    this.logTimer.enable(interval);
  }

  private makeLogInfo(from: StreamInfo): StreamInfo {
    const wall = this.parent.config.dispatcher.clock.wall();
    const info = new StreamInfo(from.protocol, wall, this.startTime, from.downstreamRemoteAddress, from.downstreamLocalAddress);
    info.upstream = this.info;
    info.upstreamCluster = from.upstreamCluster;
    info.route = from.route;
    info.routeName = from.routeName;
    info.healthCheck = from.healthCheck;
    info.requestHeaders = from.requestHeaders;
    info.attemptCount = from.attemptCount;
    return info;
  }

  private log(type: AccessLogType): void {
    const info = this.logInfo;
    if (info === null) return;
    const now = this.now();
    if (type === 'UpstreamEnd') info.requestComplete = now;
    const context: LogContext = {
      requestHeaders: this.parent.headers,
      responseHeaders: this.logHeaders,
      responseTrailers: this.logTrailers,
      streamInfo: info,
      localReplyBody: '',
      type,
      now,
    };
    for (const log of this.parent.config.upstreamLogs) log.log(context);
  }
}
