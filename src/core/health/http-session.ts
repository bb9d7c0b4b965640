import { FormatContext } from '../../common/format-context.ts';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL } from '../../contract/upstream.ts';
import { responseStatus } from '../http/local-reply.ts';
import { shouldCloseConnection } from '../http/conn-manager-utility.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import { CodecClient } from './codec-client.ts';
import type { CodecClientOwner } from './codec-client.ts';
import type { HttpCheck } from './health-check-config.ts';
import type { HealthChecker } from './health-checker.ts';
import { checkHostname, checkStreamInfo } from './check-request.ts';
import { setFlag } from './health-flags.ts';
import { FAILURE_ACTIVE, FAILURE_NETWORK, HealthSession } from './health-session.ts';
import { matchesPayloads } from './payload.ts';
import { inRanges } from './status-ranges.ts';

const RESULT_FAILED = 0;
const RESULT_RETRIABLE = 1;
const RESULT_SUCCEEDED = 2;
const RESULT_DEGRADED = 3;
const VERIFY_CLUSTER_KEY = 'health_check.verify_cluster';
const ALWAYS = { numerator: 100, denominator: 100 };

/** `http_health_check`: a request a check, on a connection of its own that is kept between checks. */
export class HttpHealthSession extends HealthSession implements CodecClientOwner, ResponseDecoder, StreamCallbacks {
  private readonly http: HttpCheck;
  private readonly hostname: string;
  private client: CodecClient | null;
  private encoder: RequestEncoder | null;
  private headers: HeaderMap | null;
  private body: Buffer[];
  private bodyBytes: number;
  private inFlight: boolean;
  private expectReset: boolean;
  private reuse: boolean;

  constructor(checker: HealthChecker, host: UpstreamHost, check: HttpCheck) {
    super(checker, host);
    this.http = check;
    this.hostname = checkHostname(host, check.host, checker.cluster);
    this.client = null;
    this.encoder = null;
    this.headers = null;
    this.body = [];
    this.bodyBytes = 0;
    this.inFlight = false;
    this.expectReset = false;
    this.reuse = false;
  }

  protected onInterval(): void {
    this.inFlight = true;
    this.forgetResponse();
    if (this.client !== null) {
      this.request(this.client);
      return;
    }
    this.expectReset = false;
    this.reuse = this.checker.config.reuseConnection;
    this.client = new CodecClient(this, this.host, this.checker, this.http.http2);
  }

  onConnected(): void {
    if (this.client !== null && this.inFlight) this.request(this.client);
  }

  private request(client: CodecClient): void {
    const { http, checker } = this;
    if (!client.connected) return;
    const encoder = client.newStream(this);
    this.encoder = encoder;
    encoder.stream.addCallbacks(this);
    const headers = HeaderMap.of(
      [':method', http.method], [':authority', this.hostname], [':path', http.path], [':scheme', 'http'], ['user-agent', 'Envoy/HC'],
    );
    http.headers?.evaluate(headers, new FormatContext(checkStreamInfo(this.host, client, checker.dispatcher), checker.dispatcher.now(), headers));
    const { send } = http;
    if (send !== null) headers.set('content-length', String(send.length));
    encoder.encodeHeaders(headers, send === null || send.length === 0);
    if (send !== null && send.length > 0) this.encoder?.encodeData(send, true);
  }

  decode1xxHeaders(): void {}

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.headers = headers;
    if (endStream) this.onResponse();
  }

  decodeData(data: Buffer, endStream: boolean): void {
    const { receive, responseBufferSize: limit } = this.http;
    if (receive.length > 0) {
      const room = limit === 0 ? data.length : Math.min(data.length, limit - this.bodyBytes);
      if (room > 0) {
        this.body.push(Buffer.from(data.subarray(0, room)));
        this.bodyBytes += room;
      }
    }
    if (endStream) this.onResponse();
  }

  decodeTrailers(): void {
    this.onResponse();
  }

  private onResponse(): void {
    const { headers } = this;
    if (!this.inFlight || headers === null) return;
    this.inFlight = false;
    this.encoder = null;
    const result = this.judge(headers);
    // Before the host may be taken away.
    const close = this.client !== null && (!this.reuse || shouldCloseConnection(this.client.protocol, headers));
    if (result >= RESULT_SUCCEEDED) this.handleSuccess(result === RESULT_DEGRADED);
    else this.handleFailure(FAILURE_ACTIVE, result === RESULT_RETRIABLE, Math.max(0, responseStatus(headers)));
    if (close) this.client?.close();
    this.forgetResponse();
  }

  private judge(headers: HeaderMap): number {
    const { http, checker } = this;
    const status = responseStatus(headers);
    const failing = headers.has('x-envoy-immediate-health-check-fail');
    if (http.receive.length > 0 && !matchesPayloads(http.receive, Buffer.concat(this.body))) {
      if (failing) setFlag(this.flags, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
      return RESULT_FAILED;
    }
    if (!inRanges(status, http.expected)) {
      if (failing) setFlag(this.flags, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
      return inRanges(status, http.retriable) ? RESULT_RETRIABLE : RESULT_FAILED;
    }
    const good = headers.has('x-envoy-degraded') ? RESULT_DEGRADED : RESULT_SUCCEEDED;
    const runtime = checker.runtime.snapshot();
    if (http.serviceName === null || !runtime.featureEnabled(VERIFY_CLUSTER_KEY, ALWAYS, checker.dispatcher.random.uint32())) return good;
    checker.stats.verifyCluster.inc();
    return http.serviceName.matches(headers.get('x-envoy-upstream-healthchecked-cluster') ?? '') ? good : RESULT_FAILED;
  }

  onResetStream(_reason: StreamResetReason, _failure: string): void {
    this.encoder = null;
    if (!this.inFlight) return;
    this.inFlight = false;
    if (this.expectReset) return;
    const { client } = this;
    if (client !== null && !this.reuse) client.close();
    this.handleFailure(FAILURE_NETWORK, false);
  }

  onClosed(): void {
    this.client = null;
    // It never came to a request.
    if (this.inFlight && this.encoder === null) this.onResetStream(RESET_LOCAL_RESET, '');
  }

  onGoAway(errorCode: number): void {
    if (this.inFlight && errorCode === 0) {
      // The server ends in order: this check may finish, the next one connects anew.
      this.reuse = false;
      return;
    }
    const failed = this.inFlight;
    this.inFlight = false;
    this.expectReset = true;
    if (failed) this.handleFailure(FAILURE_NETWORK, false);
    this.client?.close();
  }

  protected onTimeout(): void {
    this.inFlight = false;
    this.expectReset = true;
    this.client?.close();
  }

  protected onDispose(): void {
    this.inFlight = false;
    this.expectReset = true;
    this.client?.close();
  }

  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}

  private forgetResponse(): void {
    this.headers = null;
    this.body = [];
    this.bodyBytes = 0;
  }
}
