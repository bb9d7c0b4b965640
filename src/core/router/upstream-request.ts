import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { PROTOCOL_HTTP11, PROTOCOL_NONE } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { Host, HttpPoolCallbacks, PoolFailureReason, UpstreamConnectionInfo } from '../../contract/upstream.ts';
import { responseStatus } from '../http/local-reply.ts';
import { isWebSocket } from './request-headers.ts';
import { poolFailureReset, resetFlag } from './rescue.ts';
import { UpstreamRequestSending } from './upstream-request-sending.ts';

/**
 * One attempt at one host: asks the pool for a stream, sends the request when it is there, hands the response to the router. In one object what
 * Envoy splits into upstream request, codec filter and bridges, for there is one of each an attempt. Here are its stream and the response; the
 * request is in upstream-request-sending.ts, time limits are in upstream-request-timers.ts, flow control in upstream-request-flow.ts, state and
 * logs in upstream-request-state.ts.
 *
 * The stream may be of HTTP, or end a tunnel here: then pool and encoder are those of tcp-upstream.ts or udp-upstream.ts.
 */
export class UpstreamRequest extends UpstreamRequestSending implements HttpPoolCallbacks, ResponseDecoder, StreamCallbacks {
  // From the router.

  sendHeaders(endStream: boolean): void {
    this.endWithHeaders = endStream;
    this.sentEnd = endStream;
    this.pauseForTunnel();
    this.inNewStream = true;
    const pending = this.pool.newStream(this, this);
    this.inNewStream = false;
    if (this.cleaned) return;
    this.startLogTimer();
    if (this.encoder === null) this.pending = pending;
    else this.encodeHeaders();
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

  onPoolReady(encoder: RequestEncoder, host: Host, connection: UpstreamConnectionInfo, protocol: Protocol, connectionStreams: number): void {
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
    // A tunnel that ends here is accepted here.
    if (protocol === PROTOCOL_NONE) this.paused = false;
    const timing = connection.streamInfo?.upstream?.timing;
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
    const status = responseStatus(headers);
    if (status >= 100 && status < 200 && status !== 101) return;
    if (this.paused && !this.settleTunnel(status, headers)) return;
    // What waited may have met an upstream that is gone.
    if (this.cleaned) return;
    this.recordEnd(endStream);
    this.touchPerTryIdle();
    this.awaitingHeaders = false;
    if (this.logInfo !== null) {
      this.logHeaders = headers.clone();
      this.logInfo.responseCode = status;
    }
    this.handleDeferredReadDisable();
    this.parent.onUpstreamHeaders(status, headers, this, endStream);
  }

  /**
   * The answer to a tunnel: only 101 switches protocols (CVE-2024-23326; HTTP/2's 200 is 101 here), and only 2xx opens CONNECT. False when the
   * request was answered here: a WebSocket handshake is head only, so a success or redirect that is none goes to the client without its body.
   */
  private settleTunnel(status: number, headers: HeaderMap): boolean {
    const { parent } = this;
    if (parent.headers.get(':method') === 'CONNECT') {
      if (status >= 200 && status <= 299) this.openTunnel();
      return true;
    }
    const websocket = isWebSocket(parent.headers);
    const accepted = status === 101;
    if (websocket && !accepted && this.info.protocol <= PROTOCOL_HTTP11 && status < 400) {
      parent.onHandshakeFailed(status, headers);
      return false;
    }
    if (websocket && (accepted || this.info.protocol > PROTOCOL_HTTP11)) {
      parent.stopTimeoutForUpgrade();
      this.stopPerTryTimeouts();
    }
    if (accepted) this.openTunnel();
    return true;
  }

  private openTunnel(): void {
    this.paused = false;
    this.sendWaiting();
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

  decodeMetadata(metadata: ReadonlyMap<string, string>): void {
    if (!this.cleaned) this.parent.onUpstreamMetadata(metadata);
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

  // End.

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

  private clearEncoder(): void {
    this.encoder = null;
  }

  /** The router has done with the attempt. Idempotent. */
  cleanUp(): void {
    if (this.cleaned) return;
    this.cleaned = true;
    this.stopTimers();
    this.encoder?.stream.removeCallbacks(this);
    this.clearEncoder();
    this.log('UpstreamEnd');
    while (this.downstreamPauses > 0) this.resumeDownstream();
  }

  protected tellPerTryTimeout(): void {
    this.parent.onPerTryTimeout(this);
  }

  protected tellPerTryIdleTimeout(): void {
    this.parent.onPerTryIdleTimeout(this);
  }

  protected tellMaxStreamDuration(): void {
    this.parent.onMaxStreamDuration(this);
  }
}
