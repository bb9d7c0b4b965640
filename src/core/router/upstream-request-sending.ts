import { isUpgrade } from '../../codec/http1/connection-header.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { FLAG_DOWNSTREAM_PROTOCOL_ERROR } from '../../contract/response-flags.ts';
import { NO_GRPC_STATUS } from '../http/local-reply.ts';
import { isWebSocket } from './request-headers.ts';
import { UpstreamRequestTimers } from './upstream-request-timers.ts';

const NO_BYTES = Buffer.alloc(0);

/** The request of one attempt on its way out: what waits for the stream, or for the answer to an upgrade, and what goes. */
export abstract class UpstreamRequestSending extends UpstreamRequestTimers {
  /**
   * Payload of a tunnel waits until the upstream has accepted it: to who refuses, it would be a second request. What `content-length` announces is
   * body of the request and goes at once (`POST` with `Upgrade: tcp`, as container engines use it); Envoy holds that, too, and waits for ever.
   */
  protected pauseForTunnel(): void {
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

  protected encodeHeaders(): void {
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
  protected sendWaiting(): void {
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
}
