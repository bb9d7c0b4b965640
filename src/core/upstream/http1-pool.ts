import { Http1ClientConnection } from '../../codec/http1/client-connection.ts';
import type {
  CodecConnection,
  HttpConnection,
  RequestEncoder,
  ResponseDecoder,
  Stream,
  StreamCallbacks,
  StreamResetReason,
} from '../../contract/codec.ts';
import { RESET_CONNECTION_TERMINATION, RESET_LOCAL_CONNECTION_FAILURE, RESET_PROTOCOL_ERROR } from '../../contract/codec.ts';
import type { TurnTask } from '../../contract/dispatcher.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { ConnectionCallbacks, ConnectionEvent, ReadFilter } from '../../contract/network.ts';
import { CLOSE_NO_FLUSH, EVENT_CONNECTED, EVENT_REMOTE_CLOSE, STATE_OPEN } from '../../contract/network.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../contract/status.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import { PROTOCOL_HTTP10, PROTOCOL_HTTP11 } from '../../contract/stream-info.ts';
import type { Cancellable, HttpConnectionPool, HttpPoolCallbacks, PoolFailureReason } from '../../contract/upstream.ts';
import { POOL_FAILURE_OVERFLOW } from '../../contract/upstream.ts';
import type { Timer } from '../../base/timer-wheel.ts';
import type { NetworkConnection } from '../network/connection.ts';
import { ActiveClient, ConnPoolBase, PendingStream } from './conn-pool-base.ts';
import type { UpstreamHost } from './host.ts';
import { connectToHost } from './upstream-connection.ts';

/** HTTP/1.1 to one host: one request at a time on a connection, the connection that became free last is used first. */
export class Http1Pool extends ConnPoolBase implements HttpConnectionPool {
  protected readonly enforceMaxRequests = true;

  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): Cancellable | null {
    const client = this.takeReady();
    if (client !== null) {
      if (this.beginStream(client)) (client as Http1Client).begin(decoder, callbacks);
      else callbacks.onPoolFailure(POOL_FAILURE_OVERFLOW, '', this.host);
      this.createConnections();
      return null;
    }
    if (!this.mayQueue()) {
      callbacks.onPoolFailure(POOL_FAILURE_OVERFLOW, '', null);
      return null;
    }
    const stream = new HttpPendingStream(this, decoder, callbacks);
    this.queue(stream);
    return stream;
  }

  protected createClient(): ActiveClient {
    return new Http1Client(this);
  }

  protected attachPending(stream: PendingStream, client: ActiveClient): void {
    const waiting = stream as HttpPendingStream;
    (client as Http1Client).begin(waiting.decoder, waiting.callbacks);
  }
}

class HttpPendingStream extends PendingStream {
  readonly decoder: ResponseDecoder;
  readonly callbacks: HttpPoolCallbacks;

  constructor(pool: Http1Pool, decoder: ResponseDecoder, callbacks: HttpPoolCallbacks) {
    super(pool);
    this.decoder = decoder;
    this.callbacks = callbacks;
  }

  fail(reason: PoolFailureReason, transportFailure: string, host: UpstreamHost | null): void {
    this.callbacks.onPoolFailure(reason, transportFailure, host);
  }
}

/** One connection with its codec (Envoy's ActiveClient and CodecClient in one). */
class Http1Client extends ActiveClient implements ConnectionCallbacks, ReadFilter, CodecConnection {
  readonly connection: NetworkConnection;
  readonly codec: Http1ClientConnection;
  /** The request on it, or null. */
  stream: Http1Stream | null;
  remoteClosed: boolean;
  private requestCount: number;
  private protocolError: boolean;
  private readonly idleTimer: Timer | null;
  private idleSince: number;

  constructor(pool: Http1Pool) {
    super(pool, pool.cluster.maxRequestsPerConnection, 1);
    const { cluster, stats } = pool;
    this.stream = null;
    this.remoteClosed = false;
    this.requestCount = 0;
    this.protocolError = false;
    stats.upstreamCxHttp1Total.inc();
    this.connection = connectToHost(pool.host, cluster, pool.dispatcher);
    this.codec = new Http1ClientConnection(this, cluster.http.http1, cluster.http1Stats, cluster.perConnectionBufferLimit);
    this.connection.setConnectionStats(cluster.connectionStats);
    this.connection.addConnectionCallbacks(this);
    this.connection.addReadFilter(this);
    this.idleSince = pool.dispatcher.now();
    this.idleTimer = cluster.idleTimeout > 0 ? pool.dispatcher.createTimer(() => this.onIdleTimer()) : null;
    this.idleTimer?.enable(cluster.idleTimeout);
  }

  get activeStreams(): number {
    return this.stream === null ? 0 : 1;
  }

  get closingWithIncompleteStream(): boolean {
    return this.stream !== null && !this.stream.decodeComplete;
  }

  get pendingWriteBytes(): number {
    return this.connection.pendingWriteBytes;
  }

  begin(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): void {
    this.requestCount++;
    const stream = new Http1Stream(this, decoder);
    this.stream = stream;
    const upstream = this.connection.streamInfo.upstream;
    if (upstream !== null) upstream.numStreams++;
    stream.open();
    callbacks.onPoolReady(stream, this.pool.host, this.connection, PROTOCOL_HTTP11, this.requestCount);
  }

  /** The response is complete and so was the request: the connection is free. */
  streamDone(): void {
    this.stream = null;
    this.idleSince = this.pool.dispatcher.now();
    this.pool.onStreamClosed(this);
    this.pool.checkDrained();
  }

  releaseStreams(): void {
    if (this.stream === null) return;
    this.stream = null;
    this.pool.onStreamClosed(this);
  }

  close(): void {
    this.connection.close(CLOSE_NO_FLUSH, '');
  }

  write(data: Uint8Array | string): void {
    this.connection.write(data, false);
  }

  endWrite(): void {
    this.connection.write('', true);
  }

  atTurnEnd(task: TurnTask): void {
    this.pool.dispatcher.atTurnEnd(task);
  }

  /** Only servers keep input back. */
  resumeDispatch(): void {}

  readDisable(disable: boolean): void {
    this.connection.readDisable(disable);
  }

  initializeReadFilterCallbacks(): void {}

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer): NetworkFilterStatus {
    const error = this.codec.dispatch(data);
    if (error !== null) {
      // A server that says 408 to a connection without a request is only saying goodbye.
      if (error.kind !== 'goaway') {
        this.pool.stats.upstreamCxProtocolError.inc();
        this.protocolError = true;
      }
      this.close();
    }
    return NETWORK_STOP_ITERATION;
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) {
      const upstream = this.connection.streamInfo.upstream;
      if (upstream !== null) {
        upstream.timing.connectComplete = this.pool.dispatcher.now();
        upstream.localAddress = this.connection.localAddress;
      }
    } else {
      this.idleTimer?.disable();
      this.endStream(event);
      if (this.connected) this.pool.stats.upstreamRqPerCx.record(this.requestCount);
    }
    this.pool.onConnectionEvent(this, this.connection.transportFailureReason, event);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  }

  /** The connection died: its response is complete when the close was its end, else the stream is reset. */
  private endStream(event: ConnectionEvent): void {
    if (event === EVENT_REMOTE_CLOSE) this.remoteClosed = true;
    const stream = this.stream;
    if (stream === null || stream.over) return;
    if (event === EVENT_REMOTE_CLOSE && !this.protocolError) {
      if (this.codec.onConnectionClose() !== null) {
        this.pool.stats.upstreamCxProtocolError.inc();
        this.protocolError = true;
      }
    }
    let reason: StreamResetReason = RESET_LOCAL_CONNECTION_FAILURE;
    if (this.connected) reason = this.protocolError ? RESET_PROTOCOL_ERROR : RESET_CONNECTION_TERMINATION;
    stream.connectionClosed(reason);
  }

  /** Armed once and left alone: requests only write down when they ended. */
  private onIdleTimer(): void {
    if (this.idleTimer === null || this.connection.state !== STATE_OPEN) return;
    const { idleTimeout } = this.pool.cluster;
    const idle = this.stream === null ? this.pool.dispatcher.now() - this.idleSince : 0;
    if (idle < idleTimeout) {
      this.idleTimer.enable(idleTimeout - idle);
      return;
    }
    this.pool.stats.upstreamCxIdleTimeout.inc();
    this.close();
  }
}

/** One request and response: passes both on, and notices their ends for the pool. */
class Http1Stream implements ResponseDecoder, RequestEncoder, StreamCallbacks {
  decodeComplete: boolean;
  /** Nothing more happens on it. */
  over: boolean;
  private readonly client: Http1Client;
  private readonly decoder: ResponseDecoder;
  private encoder: RequestEncoder | null;
  private encodeComplete: boolean;
  private closeConnection: boolean;

  constructor(client: Http1Client, decoder: ResponseDecoder) {
    this.decodeComplete = false;
    this.over = false;
    this.client = client;
    this.decoder = decoder;
    this.encoder = null;
    this.encodeComplete = false;
    this.closeConnection = false;
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
    if (endStream && problem === null) this.encodeComplete = true;
    return problem;
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (endStream) this.encodeComplete = true;
    this.codecEncoder.encodeData(data, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.encodeComplete = true;
    this.codecEncoder.encodeTrailers(trailers);
  }

  enableTcpTunneling(): void {
    this.codecEncoder.enableTcpTunneling();
  }

  decode1xxHeaders(headers: HeaderMap): void {
    this.decoder.decode1xxHeaders(headers);
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.closeConnection = shouldCloseConnection(this.client.codec, headers);
    if (this.closeConnection) this.client.pool.stats.upstreamCxCloseNotify.inc();
    this.decoder.decodeHeaders(headers, endStream);
    if (endStream) this.complete();
  }

  decodeData(data: Buffer, endStream: boolean): void {
    this.decoder.decodeData(data, endStream);
    if (endStream) this.complete();
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.decoder.decodeTrailers(trailers);
    this.complete();
  }

  onResetStream(_reason: StreamResetReason, _failure: string): void {
    if (this.over) return;
    this.over = true;
    this.client.close();
  }

  onAboveWriteBufferHighWatermark(): void {}

  onBelowWriteBufferLowWatermark(): void {}

  /** The connection is gone: resets the codec's stream, which tells the router. */
  connectionClosed(reason: StreamResetReason): void {
    if (this.over) return;
    this.over = true;
    this.encoder?.stream.resetStream(reason);
  }

  private get codecEncoder(): RequestEncoder {
    if (this.encoder === null) throw new Error('stream is not open');
    return this.encoder;
  }

  /** The response has ended. */
  private complete(): void {
    if (this.over) return;
    this.over = true;
    this.decodeComplete = this.encodeComplete;
    const { client } = this;
    // An HTTP/1 connection whose request is not out in full cannot be used again.
    if (!this.encodeComplete || this.closeConnection || client.remoteClosed) client.close();
    else client.streamDone();
  }
}

/** Whether the response's headers say that the server closes after it. */
function shouldCloseConnection(codec: HttpConnection, headers: HeaderMap): boolean {
  const protocol: Protocol = codec.protocol;
  const connection = headers.getJoined('connection');
  if (protocol === PROTOCOL_HTTP10 && (connection === undefined || !hasToken(connection, 'keep-alive'))) return true;
  if (protocol === PROTOCOL_HTTP11 && connection !== undefined && hasToken(connection, 'close')) return true;
  const proxyConnection = headers.get('proxy-connection');
  return proxyConnection !== undefined && hasToken(proxyConnection, 'close');
}

function hasToken(list: string, token: string): boolean {
  if (list === token) return true;
  // What nearly every server sends.
  if (list === 'keep-alive' || list === 'close') return false;
  return list.split(',').some((each) => each.trim().toLowerCase() === token);
}
