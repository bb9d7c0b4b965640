import { LinkedList } from '../../base/linked-list.ts';
import type { Linked } from '../../base/linked-list.ts';
import { Http2ClientConnection } from '../../codec/http2/index.ts';
import type { Http2ClientCallbacks, Http2Listener } from '../../codec/http2/index.ts';
import type { RequestEncoder, ResponseDecoder, Stream, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import {
  RESET_CONNECTION_TERMINATION, RESET_CONNECTION_TIMEOUT, RESET_LOCAL_CONNECTION_FAILURE, RESET_LOCAL_RESET, RESET_OVERLOAD_MANAGER,
  RESET_PROTOCOL_ERROR, RESET_REMOTE_CONNECTION_FAILURE, RESET_REMOTE_RESET,
} from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { ConnectionEvent } from '../../contract/network.ts';
import { CLOSE_NO_FLUSH, EVENT_REMOTE_CLOSE } from '../../contract/network.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import { PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { HttpPoolCallbacks } from '../../contract/upstream.ts';
import { Http2Keepalive } from '../http/http2-keepalive.ts';
import type { KeepaliveOwner } from '../http/http2-keepalive.ts';
import { CLIENT_DRAINING } from './active-client.ts';
import { HTTP2_SOCKET } from './socket-options.ts';
import { HttpClient, HttpPool } from './http-pool.ts';

/** Streams in the life of a connection when `max_requests_per_connection` does not say: their ids must not run out. */
const MAX_LIFETIME_STREAMS = 2 ** 29;

/** HTTP/2 to one host: many requests on a connection; another connection only when those that are there are full. */
export class Http2Pool extends HttpPool {
  protected createClient(): HttpClient {
    return new Http2Client(this);
  }
}

class Http2Client extends HttpClient implements Http2ClientCallbacks, Http2Listener, KeepaliveOwner {
  readonly codec: Http2ClientConnection;
  private readonly streams: LinkedList<Http2PoolStream>;
  /** Most streams that this side wants at once, whatever the peer allows. */
  private readonly configuredLimit: number;
  private readonly keepalive: Http2Keepalive | null;
  /** The connection died under its streams: its end says so, and the pool looks for idleness itself. */
  private closedWithStreams: boolean;
  private dispatching: boolean;
  private closeAfterDispatch: boolean;
  private goAwayReceived: boolean;

  constructor(pool: Http2Pool) {
    const { cluster } = pool;
    const settings = cluster.http.http2;
    const lifetime = cluster.maxRequestsPerConnection === 0 ? MAX_LIFETIME_STREAMS : cluster.maxRequestsPerConnection;
    super(pool, lifetime, settings.maxConcurrentStreams, HTTP2_SOCKET);
    this.streams = new LinkedList();
    this.configuredLimit = Math.min(settings.maxConcurrentStreams, lifetime);
    this.closedWithStreams = false;
    this.dispatching = false;
    this.closeAfterDispatch = false;
    this.goAwayReceived = false;
    pool.stats.upstreamCxHttp2Total.inc();
    this.codec = new Http2ClientConnection(this, this, settings, cluster.http2Stats, {
      clock: pool.dispatcher,
      maxHeadersBytes: cluster.http.maxHttp2HeadersBytes,
      maxHeadersCount: cluster.http.maxHeadersCount,
      // What an upstream names its headers is not judged.
      headersWithUnderscoresAction: 0,
      listener: this,
    });
    this.keepalive = settings.connectionKeepalive === null ? null : new Http2Keepalive(pool.dispatcher, settings.connectionKeepalive, this);
  }

  get activeStreams(): number {
    return this.streams.size;
  }

  override onData(data: Buffer, endStream: boolean): NetworkFilterStatus {
    this.dispatching = true;
    const status = super.onData(data, endStream);
    this.dispatching = false;
    if (this.closeAfterDispatch) {
      this.closeAfterDispatch = false;
      this.close();
    }
    return status;
  }

  /** The end of the last stream closes a connection that drains; what the codec was about to hand on with it must still arrive. */
  override close(): void {
    if (this.dispatching && this.streams.size === 0 && this.state === CLIENT_DRAINING) this.closeAfterDispatch = true;
    else super.close();
  }

  /** The last stream of a draining connection ends while its end is being read: Envoy's codec finds its connection gone and counts that. */
  private countSurprise(reset: boolean): void {
    if (!this.dispatching || this.streams.size > 1 || this.state !== CLIENT_DRAINING) return;
    if (!reset || !this.goAwayReceived) this.pool.stats.upstreamCxProtocolError.inc();
  }

  get closingWithIncompleteStream(): boolean {
    return this.closedWithStreams;
  }

  begin(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): void {
    this.keepalive?.pingIfIdle(this.codec.lastReceivedTime);
    this.countRequest();
    const stream = new Http2PoolStream(this, decoder);
    this.streams.pushFront(stream);
    if (this.streams.size === 2) this.connection.gatherOutput(true);
    stream.open();
    callbacks.onPoolReady(stream, this.pool.host, this.connection, PROTOCOL_HTTP2, this.requestCount);
  }

  /** The stream is over, complete or reset. */
  streamDone(stream: Http2PoolStream, reset: boolean): void {
    this.countSurprise(reset);
    this.streams.remove(stream);
    if (this.streams.size === 1) this.connection.gatherOutput(false);
    else if (this.streams.size === 0) this.noteIdle();
    this.pool.onStreamClosed(this);
    if (!this.closedWithStreams) this.pool.checkDrained();
  }

  streamReset(stream: Http2PoolStream, reason: StreamResetReason): void {
    const { stats } = this.pool;
    switch (reason) {
      case RESET_CONNECTION_TERMINATION:
      case RESET_LOCAL_CONNECTION_FAILURE:
      case RESET_REMOTE_CONNECTION_FAILURE:
      case RESET_CONNECTION_TIMEOUT:
        stats.upstreamRqPendingFailureEject.inc();
        this.closedWithStreams = true;
        break;
      case RESET_LOCAL_RESET:
      case RESET_PROTOCOL_ERROR:
      case RESET_OVERLOAD_MANAGER:
        stats.upstreamRqTxReset.inc();
        break;
      case RESET_REMOTE_RESET:
        stats.upstreamRqRxReset.inc();
        break;
      default:
    }
    this.streamDone(stream, true);
  }

  releaseStreams(): void {
    for (let stream = this.streams.front; stream !== null; stream = this.streams.front) {
      this.streams.remove(stream);
      this.pool.onStreamClosed(this);
    }
  }

  protected endStreams(event: ConnectionEvent): void {
    this.keepalive?.dispose();
    let reason: StreamResetReason = event === EVENT_REMOTE_CLOSE ? RESET_REMOTE_CONNECTION_FAILURE : RESET_LOCAL_CONNECTION_FAILURE;
    if (this.connected) reason = this.protocolError ? RESET_PROTOCOL_ERROR : RESET_CONNECTION_TERMINATION;
    for (let stream = this.streams.front; stream !== null; stream = this.streams.front) {
      stream.stream.resetStream(reason);
      // A codec that calls nobody must not keep it.
      if (stream.list !== null) this.streamReset(stream, reason);
    }
    this.codec.onConnectionClose();
  }

  // From the codec.

  /** The server takes no new streams (GOAWAY). Those that it has may finish. */
  onGoAway(): void {
    this.pool.stats.upstreamCxCloseNotify.inc();
    this.goAwayReceived = true;
    if (this.state === CLIENT_DRAINING) return;
    if (this.streams.size === 0) this.close();
    else this.pool.transition(this, CLIENT_DRAINING);
  }

  onSettings(maxConcurrentStreams: number): void {
    if (maxConcurrentStreams >= 0) this.pool.setConcurrentLimit(this, Math.min(maxConcurrentStreams, this.configuredLimit));
  }

  onFrameReceived(): void {
    this.keepalive?.onFrameReceived();
  }

  onPingAck(): void {
    this.keepalive?.onPingAck();
  }

  /** The server does not take what it has asked for. Not at once: the codec is in the middle of something. */
  onOutboundFlood(_error: CodecError): void {
    this.pool.dispatcher.post(() => this.connection.close(CLOSE_NO_FLUSH, 'http2_connection_protocol_violation'));
  }

  // Keep-alive.

  sendPing(high: number, low: number): void {
    this.codec.sendPing(high, low);
  }

  onKeepaliveTimeout(): void {
    this.pool.cluster.http2Stats.keepaliveTimeout.inc();
    this.connection.close(CLOSE_NO_FLUSH, 'http2_ping_timeout');
  }
}

/** One request and response: passes both on, and notices their ends for the pool. Over when both are complete, or by a reset. */
class Http2PoolStream implements ResponseDecoder, RequestEncoder, StreamCallbacks, Linked<Http2PoolStream> {
  next: Http2PoolStream | null;
  previous: Http2PoolStream | null;
  list: LinkedList<Http2PoolStream> | null;
  private readonly client: Http2Client;
  private readonly decoder: ResponseDecoder;
  private encoder: RequestEncoder | null;
  private encodeComplete: boolean;
  private decodeComplete: boolean;

  constructor(client: Http2Client, decoder: ResponseDecoder) {
    this.next = null;
    this.previous = null;
    this.list = null;
    this.client = client;
    this.decoder = decoder;
    this.encoder = null;
    this.encodeComplete = false;
    this.decodeComplete = false;
  }

  open(): void {
    const encoder = this.client.codec.newStream(this);
    this.encoder = encoder;
    encoder.stream.addCallbacks(this);
  }

  get stream(): Stream {
    return this.codecEncoder.stream;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): string | null {
    const problem = this.codecEncoder.encodeHeaders(headers, endStream);
    if (endStream && problem === null) this.onEncodeComplete();
    return problem;
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    this.codecEncoder.encodeData(data, endStream);
    if (endStream) this.onEncodeComplete();
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.codecEncoder.encodeTrailers(trailers);
    this.onEncodeComplete();
  }

  encodeMetadata(metadata: ReadonlyMap<string, string>): void {
    this.codecEncoder.encodeMetadata?.(metadata);
  }

  enableTcpTunneling(): void {
    this.codecEncoder.enableTcpTunneling();
  }

  decode1xxHeaders(headers: HeaderMap): void {
    this.decoder.decode1xxHeaders(headers);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (endStream) this.onDecodeComplete();
    this.decoder.decodeHeaders(headers, endStream);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    if (endStream) this.onDecodeComplete();
    this.decoder.decodeData(data, endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.onDecodeComplete();
    this.decoder.decodeTrailers(trailers);
  }

  decodeMetadata(metadata: ReadonlyMap<string, string>): void {
    this.decoder.decodeMetadata?.(metadata);
  }

  onResetStream(reason: StreamResetReason, _failure: string): void {
    if (this.list !== null) this.client.streamReset(this, reason);
  }

  onAboveWriteBufferHighWatermark(): void {}

  onBelowWriteBufferLowWatermark(): void {}

  private get codecEncoder(): RequestEncoder {
    if (this.encoder === null) throw new Error('stream is not open');
    return this.encoder;
  }

  private onEncodeComplete(): void {
    this.encodeComplete = true;
    if (this.decodeComplete) this.complete();
  }

  /** Before the response goes on: its reader may ask for the next stream at once. */
  private onDecodeComplete(): void {
    this.decodeComplete = true;
    if (this.encodeComplete) this.complete();
  }

  private complete(): void {
    // A reset after both ends is nobody's business any more.
    this.codecEncoder.stream.removeCallbacks(this);
    if (this.list !== null) this.client.streamDone(this, false);
  }
}
