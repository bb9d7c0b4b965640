import { isUpgrade } from '../../codec/http1/connection-header.ts';
import type { AccessLogType } from '../../contract/access-log.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { PROTOCOL_HTTP10, PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import { ActiveStreamRoute } from './active-stream-route.ts';
import { SERVER_APPEND_IF_ABSENT, SERVER_OVERWRITE } from './conn-manager-config.ts';
import { mutateResponseHeaders } from './conn-manager-utility.ts';
import { responseStatus } from './local-reply.ts';

/** The response's end of the filter chain: the last changes of its headers, the codec, statistics and access logs. */
export abstract class ActiveStreamResponse extends ActiveStreamRoute {
  protected override onLocalReply(status: number): void {
    // 400 says that the framing cannot be trusted any more.
    if (status === 400 && this.manager.protocol < PROTOCOL_HTTP2 && this.encoder?.streamErrorOnInvalidHttpMessage === false) {
      this.drainAfterResponse = true;
    }
  }

  protected override encode1xxToCodec(headers: HeaderMap): void {
    mutateResponseHeaders(headers, this.requestHeaders, this.config, '', this.streamInfo);
    this.chargeResponse(responseStatus(headers));
    this.encoder?.encode1xxHeaders(headers);
  }

  protected override encodeHeadersToCodec(headers: HeaderMap, endStream: boolean): void {
    const config = this.config;
    if (!headers.has('date')) headers.add('date', config.date.date());
    const server = config.serverHeaderTransformation;
    if (server === SERVER_OVERWRITE || (server === SERVER_APPEND_IF_ABSENT && !headers.has('server'))) headers.set('server', config.serverName);
    mutateResponseHeaders(headers, this.requestHeaders, config, config.via, this.streamInfo);
    this.manager.maybeStartDrain();
    if (this.manager.protocol === PROTOCOL_HTTP10) this.frameHttp10(headers);
    if (this.drainAfterResponse) this.manager.drainAfterStream();
    if (!this.requestComplete) this.manager.onResponseBeforeRequestComplete();
    this.tunneling = isUpgrade(headers) || this.isConnectSuccess(headers);
    // From here on the route is what access logs say it was.
    this.routeBlocked = true;
    if (this.manager.closing && this.manager.protocol < PROTOCOL_HTTP2 && !this.tunneling) headers.set('connection', 'close');
    this.chargeResponse(responseStatus(headers));
    if (this.tunneling && config.flushAccessLogOnTunnelEstablished) this.log('DownstreamTunnelSuccessfullyEstablished');
    this.streamInfo.firstDownstreamTxByte = this.dispatcher.now();
    this.encoder?.encodeHeaders(headers, endStream);
    if (endStream) this.onLocalEnd();
  }

  /** HTTP/1.0 knows no chunks: without content-length the body ends with the connection (RFC 9112 section 6.3). */
  protected frameHttp10(headers: HeaderMap): void {
    if (!headers.has('content-length')) this.drainAfterResponse = true;
    if (!this.drainAfterResponse) headers.set('connection', 'keep-alive');
  }

  protected isConnectSuccess(headers: HeaderMap): boolean {
    return this.requestHeaders?.get(':method') === 'CONNECT' && responseStatus(headers) === 200;
  }

  protected override encodeDataToCodec(data: Buffer, endStream: boolean): void {
    this.streamInfo.bytesSent += data.length;
    this.encoder?.encodeData(data, endStream);
    if (endStream) this.onLocalEnd();
  }

  protected override encodeTrailersToCodec(trailers: HeaderMap): void {
    this.encoder?.encodeTrailers(trailers);
    this.onLocalEnd();
  }

  override encodeMetadataToCodec(metadata: ReadonlyMap<string, string>): void {
    this.encoder?.encodeMetadata?.(metadata);
  }

  /** The whole response is encoded. What of it waits for the client's window is sent by the codec, which then says so. */
  private onLocalEnd(): void {
    if (this.encoder === null || !this.encoder.stream.encodePending) this.onCodecEncodeComplete();
  }

  onCodecEncodeComplete(): void {
    if (this.codecEncodeComplete || this.destroyed) return;
    this.codecEncodeComplete = true;
    const now = this.dispatcher.now();
    this.streamInfo.lastDownstreamTxByte = now;
    this.config.stats.rqTime.record(Math.round(now - this.streamInfo.startTime));
  }

  protected chargeResponse(status: number): void {
    this.streamInfo.responseCode = status < 0 ? 0 : status;
    if (this.streamInfo.healthCheck || this.streamInfo.responseCodeDetails === 'internal_redirect') return;
    this.config.stats.chargeResponse(this.streamInfo.responseCode);
  }

  protected override onRequestDataTooLarge(): void {
    this.config.stats.rqTooLarge.inc();
  }

  protected override onResponseDataTooLarge(): void {
    this.config.stats.rsTooLarge.inc();
  }

  override pauseDownstreamReading(): void {
    this.encoder?.stream.readDisable(true);
    this.config.stats.flowControlPausedReadingTotal.inc();
  }

  override resumeDownstreamReading(): void {
    // A destroyed stream's codec has unwound its pauses itself.
    if (!this.destroyed) this.encoder?.stream.readDisable(false);
    this.config.stats.flowControlResumedReadingTotal.inc();
  }

  // Access logs.

  protected log(type: AccessLogType): void {
    const handlers = this.accessLogHandlers;
    const logs = this.config.accessLogs;
    if (handlers === null && logs.length === 0) return;
    this.type = type;
    this.now = this.dispatcher.now();
    this.copyMeter();
    // What the id is now: a filter may have changed it, and a refused request has one too.
    if (this.requestHeaders !== null) this.streamInfo.requestId = this.requestHeaders.get('x-request-id') ?? '';
    if (handlers !== null) for (let i = 0; i < handlers.length; i++) handlers[i].log(this);
    for (let i = 0; i < logs.length; i++) logs[i].log(this);
  }

  protected copyMeter(): void {
    const from = this.encoder?.stream.bytesMeter;
    if (from === undefined) return;
    const to = this.streamInfo.downstreamMeter;
    to.headerBytesReceived = from.headerBytesReceived;
    to.headerBytesSent = from.headerBytesSent;
    to.wireBytesReceived = from.wireBytesReceived;
    to.wireBytesSent = from.wireBytesSent;
  }

  onAccessLogInterval(): void {
    if (this.finished) return;
    this.log('DownstreamPeriodic');
    this.timers.startAccessLog(this.config.accessLogFlushInterval);
  }
}
