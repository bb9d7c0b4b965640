import { GRPC_DECODE_OK, GrpcFrameDecoder, encodeGrpcFrame } from '../../codec/grpc/index.ts';
import type { GrpcMessageSink } from '../../codec/grpc/index.ts';
import { FormatContext } from '../../common/format-context.ts';
import { isGrpcResponse } from '../../common/grpc/content-type.ts';
import { GRPC_INTERNAL, GRPC_NO_STATUS, GRPC_OK, grpcStatusIn, httpToGrpcStatus } from '../../common/grpc/status.ts';
import { formatGrpcTimeout } from '../../common/grpc/timeout.ts';
import type { RequestEncoder, ResponseDecoder, StreamCallbacks } from '../../contract/codec.ts';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { LOG_DEBUG } from '../../contract/logger.ts';
import { grpcRequestHeaders } from '../grpc/request-headers.ts';
import { responseStatus } from '../http/local-reply.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import { checkHostname, checkStreamInfo } from './check-request.ts';
import { CodecClient } from './codec-client.ts';
import type { CodecClientOwner } from './codec-client.ts';
import { HEALTH_NO_RESPONSE, HEALTH_SERVING, decodeHealthResponse, encodeHealthRequest, healthStatusText } from './grpc-health-messages.ts';
import type { GrpcCheck } from './health-check-config.ts';
import type { HealthChecker } from './health-checker.ts';
import { FAILURE_ACTIVE, FAILURE_NETWORK, HealthSession } from './health-session.ts';

const SERVICE = 'grpc.health.v1.Health';
/** A health response has two bytes. */
const MAX_RESPONSE_BYTES = 65_536;

/** `grpc_health_check`: grpc.health.v1.Health/Check over HTTP/2, on a connection of its own that is kept between checks. */
export class GrpcHealthSession extends HealthSession implements CodecClientOwner, ResponseDecoder, StreamCallbacks, GrpcMessageSink {
  private readonly grpc: GrpcCheck;
  private readonly authority: string;
  private client: CodecClient | null;
  private encoder: RequestEncoder | null;
  private decoder: GrpcFrameDecoder;
  /** A check is under way, whether its request could be sent yet or not. */
  private inFlight: boolean;
  /** HEALTH_NO_RESPONSE until a response has come. */
  private response: number;
  private mistake: string;
  private goingAway: boolean;

  constructor(checker: HealthChecker, host: UpstreamHost, check: GrpcCheck) {
    super(checker, host);
    this.grpc = check;
    this.authority = checkHostname(host, check.authority, checker.cluster);
    this.client = null;
    this.encoder = null;
    this.decoder = new GrpcFrameDecoder(MAX_RESPONSE_BYTES);
    this.inFlight = false;
    this.response = HEALTH_NO_RESPONSE;
    this.mistake = '';
    this.goingAway = false;
  }

  protected onInterval(): void {
    this.inFlight = true;
    this.response = HEALTH_NO_RESPONSE;
    this.mistake = '';
    this.decoder = new GrpcFrameDecoder(MAX_RESPONSE_BYTES);
    if (this.client !== null) this.request(this.client);
    else {
      this.goingAway = false;
      this.client = new CodecClient(this, this.host, this.checker, true);
    }
  }

  onConnected(): void {
    if (this.client !== null && this.inFlight) this.request(this.client);
  }

  private request(client: CodecClient): void {
    if (!client.connected) return;
    const { grpc, checker } = this;
    const encoder = client.newStream(this);
    this.encoder = encoder;
    encoder.stream.addCallbacks(this);
    const headers = grpcRequestHeaders(this.authority, SERVICE, 'Check', 0);
    headers.set('user-agent', 'Envoy/HC');
    grpc.headers?.evaluate(headers, new FormatContext(checkStreamInfo(this.host, client, checker.dispatcher), checker.dispatcher.now(), headers));
    headers.set('grpc-timeout', formatGrpcTimeout(checker.config.timeout));
    encoder.encodeHeaders(headers, false);
    this.encoder?.encodeData(encodeGrpcFrame(encodeHealthRequest(grpc.serviceName)), true);
  }

  decode1xxHeaders(): void {}

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    const http = responseStatus(headers);
    const status = endStream ? grpcStatusIn(headers) : GRPC_NO_STATUS;
    const message = headers.get('grpc-message') ?? '';
    if (http !== 200) {
      if (status !== GRPC_NO_STATUS) this.complete(status, message, true);
      else this.complete(httpToGrpcStatus(http), 'non-200 HTTP response', endStream);
    } else if (!isGrpcResponse(headers, endStream)) this.complete(GRPC_INTERNAL, 'not a gRPC request', false);
    else if (endStream) this.complete(status, message, true);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    if (!this.inFlight) return;
    if (endStream) {
      this.complete(GRPC_INTERNAL, 'gRPC protocol violation: unexpected stream end', true);
      return;
    }
    const result = this.decoder.decode(data, this);
    if (this.mistake !== '') this.complete(GRPC_INTERNAL, this.mistake, false);
    else if (result !== GRPC_DECODE_OK) this.complete(GRPC_INTERNAL, 'gRPC wire protocol decode error', false);
  }

  /** From the frame decoder. */
  onMessage(flags: number, data: Buffer): void {
    if (data.length === 0) return;
    if (this.response !== HEALTH_NO_RESPONSE) this.mistake = 'unexpected streaming';
    else {
      this.response = flags === 0 ? decodeHealthResponse(data) : HEALTH_NO_RESPONSE;
      if (this.response === HEALTH_NO_RESPONSE) this.mistake = 'invalid grpc.health.v1 RPC payload';
    }
    if (this.mistake !== '') this.decoder.close();
  }

  decodeTrailers(trailers: HeaderMap): void {
    const status = grpcStatusIn(trailers);
    if (status === GRPC_NO_STATUS) this.complete(GRPC_INTERNAL, 'invalid gRPC status', true);
    else this.complete(status, trailers.get('grpc-message') ?? '', true);
  }

  /** The call has ended; `ended` = the server's side of the stream too. */
  private complete(status: number, message: string, ended: boolean): void {
    if (!this.inFlight) return;
    this.log(status, message);
    const serving = status === GRPC_OK && this.response === HEALTH_SERVING;
    const stream = this.endCheck();
    if (serving) this.handleSuccess(false);
    else this.handleFailure(FAILURE_ACTIVE, false);
    if (!ended) stream?.resetStream(RESET_LOCAL_RESET);
    if (!this.checker.config.reuseConnection || this.goingAway) this.client?.close();
  }

  onResetStream(): void {
    if (!this.inFlight) return;
    this.endCheck();
    const { client } = this;
    if (this.goingAway || !this.checker.config.reuseConnection) client?.close();
    this.handleFailure(FAILURE_NETWORK, false);
  }

  onClosed(): void {
    const waiting = this.inFlight && this.encoder === null;
    this.client = null;
    if (waiting) this.onResetStream();
  }

  onGoAway(errorCode: number): void {
    if (this.inFlight && errorCode === 0) {
      // The server ends in order: this check may finish.
      this.goingAway = true;
      return;
    }
    if (this.inFlight) {
      const stream = this.endCheck();
      this.handleFailure(FAILURE_NETWORK, false);
      stream?.resetStream(RESET_LOCAL_RESET);
    }
    this.client?.close();
  }

  protected onTimeout(): void {
    const stream = this.endCheck();
    if (this.goingAway || !this.checker.config.reuseConnection) this.client?.close();
    else stream?.resetStream(RESET_LOCAL_RESET);
  }

  protected onDispose(): void {
    this.endCheck();
    this.client?.close();
  }

  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}

  /** Nothing of the present check is heard any more. */
  private endCheck(): RequestEncoder['stream'] | null {
    const stream = this.encoder?.stream ?? null;
    this.inFlight = false;
    this.encoder = null;
    this.decoder.close();
    return stream;
  }

  private log(status: number, message: string): void {
    const { logger } = this.checker;
    if (!logger.enabled(LOG_DEBUG)) return;
    const text = status !== GRPC_OK && message !== '' ? `${status} (${message})` : String(status);
    logger.log(LOG_DEBUG, `hc grpc_status=${text} service_status=${healthStatusText(this.response)} host=${this.host.address.text}`);
  }
}
