/**
 * The codec's two roles back to back with as little of a connection manager between them as makes a proxy: what a request of raw bytes
 * becomes for the origin, and the origin's answer for the client. One connection each way.
 */
import type { RequestDecoder, RequestEncoder, ResponseDecoder, ResponseEncoder, StreamCallbacks } from '../../../src/contract/codec.ts';
import { RESET_LOCAL_RESET } from '../../../src/contract/codec.ts';
import type { HeaderMap } from '../../../src/contract/header-map.ts';
import { isUpgrade } from '../../../src/codec/http1/connection-header.ts';
import { Http1ClientConnection, Http1ServerConnection } from '../../../src/codec/http1/index.ts';
import type { Http1Settings } from '../../../src/codec/http1/index.ts';
import { FakeConnection, FakeStats } from '../../../src/codec/http1/testing.ts';

/** What became of one request. */
export interface Outcome {
  /** Status of the local reply or of the response; 0 = none. */
  status: number;
  /** Details of the codec's refusal, `upstream` details of the answer's, or `via_upstream`. */
  details: string;
  method: string;
  authority: string | undefined;
  path: string | undefined;
  bodyBytes: number;
}

export class MiniProxy {
  readonly downstream = new FakeConnection();
  readonly upstream = new FakeConnection();
  readonly stats = new FakeStats();
  readonly outcomes: Outcome[] = [];
  readonly server: Http1ServerConnection;
  client: Http1ClientConnection;
  readonly clientSettings: Http1Settings;
  /** The codec said that the client's connection must close. */
  closed = false;

  constructor(serverSettings: Http1Settings, clientSettings: Http1Settings) {
    this.clientSettings = clientSettings;
    this.client = new Http1ClientConnection(this.upstream, clientSettings, this.stats);
    this.server = new Http1ServerConnection(
      this.downstream,
      {
        onGoAway() {},
        newStream: (encoder) => new Exchange(this, encoder),
      },
      serverSettings,
      this.stats,
    );
  }

  /** The next request goes over a new upstream connection. */
  newClient(): void {
    this.client = new Http1ClientConnection(this.upstream, this.clientSettings, this.stats);
  }

  /** Bytes from the client. */
  fromClient(bytes: string | Buffer): void {
    if (this.closed) return;
    if (this.server.dispatch(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes) !== null) this.closed = true;
  }

  /** Bytes from the origin; `end` = it closes after them. A new upstream connection follows an error or an end. */
  fromOrigin(bytes: string, end = false): void {
    const error = bytes === '' ? null : this.client.dispatch(Buffer.from(bytes, 'latin1'));
    if (error !== null || end) this.client.onConnectionClose();
    if (error !== null || end) this.newClient();
    if (this.downstream.resumes > 0 && !this.closed) {
      this.downstream.resumes = 0;
      this.fromClient('');
    }
  }
}

class Exchange implements RequestDecoder, ResponseDecoder, StreamCallbacks {
  readonly outcome: Outcome = { status: 0, details: '', method: '-', authority: undefined, path: undefined, bodyBytes: 0 };
  private readonly proxy: MiniProxy;
  private readonly response: ResponseEncoder;
  private request: RequestEncoder | null = null;
  private isUpgrade = false;

  constructor(proxy: MiniProxy, response: ResponseEncoder) {
    this.proxy = proxy;
    this.response = response;
    proxy.outcomes.push(this.outcome);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (headers.has(':status')) this.onResponse(headers, endStream);
    else this.onRequest(headers, endStream);
  }

  private onRequest(headers: HeaderMap, endStream: boolean): void {
    this.outcome.method = headers.get(':method') ?? '-';
    this.outcome.authority = headers.get(':authority');
    this.outcome.path = headers.get(':path');
    if (this.outcome.authority === undefined) return;
    this.isUpgrade = isUpgrade(headers);
    stripHopByHop(headers, true);
    if (headers.get('expect')?.toLowerCase() === '100-continue') headers.remove('expect');
    this.request = this.proxy.client.newStream(this);
    this.request.stream.addCallbacks(this);
    this.request.encodeHeaders(headers, endStream);
  }

  private onResponse(headers: HeaderMap, endStream: boolean): void {
    this.outcome.status = Number(headers.get(':status'));
    this.outcome.details = 'via_upstream';
    stripHopByHop(headers, this.isUpgrade);
    headers.set('server', 'envoy');
    headers.remove('date');
    this.response.encodeHeaders(headers, endStream);
  }

  decode1xxHeaders(): void {}

  decodeData(data: Buffer, endStream: boolean): void {
    if (this.outcome.status !== 0) this.response.encodeData(data, endStream);
    else {
      this.outcome.bodyBytes += data.length;
      this.request?.encodeData(data, endStream);
    }
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (this.outcome.status !== 0) this.response.encodeTrailers(trailers);
    else this.request?.encodeTrailers(trailers);
  }

  sendLocalReply(status: number, _body: string, details: string): void {
    this.outcome.status = status;
    this.outcome.details = details;
    const request = this.request;
    if (request === null) return;
    this.request = null;
    request.stream.removeCallbacks(this);
    request.stream.resetStream(RESET_LOCAL_RESET);
    this.proxy.newClient();
  }

  onResetStream(reason: number): void {
    if (this.outcome.details === '') this.outcome.details = `reset ${reason}`;
    else if (this.outcome.details === 'via_upstream') this.outcome.details = `reset late ${reason}`;
  }

  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}
}

/** What every connection manager does to a message that is passed on. */
function stripHopByHop(headers: HeaderMap, keepUpgrade: boolean): void {
  headers.remove('keep-alive');
  headers.remove('proxy-connection');
  headers.remove('transfer-encoding');
  if (keepUpgrade && isUpgrade(headers)) return;
  headers.remove('connection');
  headers.remove('upgrade');
  const te = headers.get('te');
  if (te === undefined) return;
  if (te.split(',').some((each) => each.trim().toLowerCase() === 'trailers')) headers.set('te', 'trailers');
  else headers.remove('te');
}
