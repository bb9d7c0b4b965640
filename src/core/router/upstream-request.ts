import { isUpgrade } from '../../codec/http1/connection-header.ts';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { FLAG_DOWNSTREAM_PROTOCOL_ERROR } from '../../contract/response-flags.ts';
import { PROTOCOL_HTTP11, PROTOCOL_NONE } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { Host, HttpPoolCallbacks, PoolFailureReason, UpstreamConnectionInfo } from '../../contract/upstream.ts';
import { NO_GRPC_STATUS, responseStatus } from '../http/local-reply.ts';
import { isWebSocket } from './request-headers.ts';
import { poolFailureReset, resetFlag } from './rescue.ts';
import { UpstreamRequestTimers } from './upstream-request-timers.ts';

const NO_BYTES = Buffer.alloc(0);

/**
 * One attempt at one host: asks the pool for a stream, sends the request when it is there, hands the response to the router. In one object what
 * Envoy splits into upstream request, codec filter and bridges, for there is one of each an attempt. Here is the way of request and response;
 * time limits are in upstream-request-timers.ts, flow control in upstream-request-flow.ts, state and logs in upstream-request-state.ts.
 *
 * The stream may be of HTTP, or end a tunnel here: then pool and encoder are those of tcp-upstream.ts or udp-upstream.ts.
 */
export class UpstreamRequest extends UpstreamRequestTimers implements HttpPoolCallbacks, ResponseDecoder, StreamCallbacks {
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

  /**
   * Payload of a tunnel waits until the upstream has accepted it: to who refuses, it would be a second request. What `content-length` announces is
   * body of the request and goes at once (`POST` with `Upgrade: tcp`, as container engines use it); Envoy holds that, too, and waits for ever.
   */
  private pauseForTunnel(): void {
    const headers = this.parent.headers;
    if (headers.get(':method') === 'CONNECT') {
      this.paused = true;
      return;
    }
    if (!headers.has('upgrade') || !isUpgrade(headers)) return;
    this.paused = true;
    if (!isWebSocket(headers)) {
      const length = Number(headers.get('content-length') ?? '0');
      this.bodyAllowance = Number.isSafeInteger(length) ? length : 0;
      return;
    }
    // The request cannot end before its answer, which is what timeouts wait for otherwise.
    if (this.perTryTimer === null) this.setupPerTryTimeout();
    this.parent.startTimeoutForUpgrade();
  }

  sendData(data: Buffer, endStream: boolean): void {
    this.sentEnd = endStream;
    if (this.headersSent && this.encoder !== null && !this.paused) {
      this.encoder.encodeData(data, endStream);
      if (endStream) this.info.timing.lastTxByteSent = this.now();
      return;
    }
    if (data.length === 0) return;
    if (this.waitingBody === null) this.waitingBody = [Buffer.from(data)];
    else this.waitingBody.push(Buffer.from(data));
    this.waitingBytes += data.length;
    if (this.headersSent && this.bodyAllowance > 0) this.sendAllowance();
    this.pauseForWaiting();
  }

  sendTrailers(trailers: HeaderMap): void {
    this.sentEnd = true;
    if (this.headersSent && this.encoder !== null && !this.paused) {
      this.encoder.encodeTrailers(trailers);
      this.info.timing.lastTxByteSent = this.now();
    } else this.waitingTrailers = trailers;
  }

  sendMetadata(metadata: ReadonlyMap<string, string>): void {
    if (this.headersSent) this.encoder?.encodeMetadata?.(metadata);
    else (this.waitingMetadata ??= []).push(metadata);
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
    const metadata = this.waitingMetadata;
    this.waitingMetadata = null;
    if (metadata !== null) for (const each of metadata) this.encoder.encodeMetadata?.(each);
    if (!this.paused) this.sendWaiting();
    else if (this.bodyAllowance > 0) this.sendAllowance();
  }

  /** Everything that came while the stream was being made, or while an upgrade was not answered. */
  private sendWaiting(): void {
    const body = this.waitingBody;
    const trailers = this.waitingTrailers;
    this.waitingBody = null;
    this.waitingBytes = 0;
    this.waitingTrailers = null;
    if (body !== null) {
      const end = this.sentEnd && trailers === null;
      // In one piece, as what Envoy has buffered.
      this.encoder?.encodeData(body.length === 1 ? body[0] : Buffer.concat(body), end);
      if (end) this.info.timing.lastTxByteSent = this.now();
    } else if (this.sentEnd && !this.endWithHeaders && trailers === null) {
      this.encoder?.encodeData(NO_BYTES, true);
      this.info.timing.lastTxByteSent = this.now();
    }
    if (trailers !== null && this.encoder !== null) {
      this.encoder.encodeTrailers(trailers);
      this.info.timing.lastTxByteSent = this.now();
    }
    this.resumeAfterWaiting();
  }

  /** As much of what waits as is body of the request. Its end waits with the rest. */
  private sendAllowance(): void {
    const body = this.waitingBody;
    if (body === null) return;
    while (body.length > 0 && this.bodyAllowance > 0 && this.encoder !== null) {
      const first = body[0];
      const now = first.length <= this.bodyAllowance ? first : first.subarray(0, this.bodyAllowance);
      if (now.length === first.length) body.shift();
      else body[0] = first.subarray(now.length);
      this.bodyAllowance -= now.length;
      this.waitingBytes -= now.length;
      this.encoder.encodeData(now, false);
    }
    if (body.length === 0) this.waitingBody = null;
    if (this.waitingBytes === 0) this.resumeAfterWaiting();
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
