import { Http1ClientConnection } from '../../codec/http1/client-connection.ts';
import type { HttpConnection, RequestEncoder, ResponseDecoder, Stream, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import { RESET_CONNECTION_TERMINATION, RESET_LOCAL_CONNECTION_FAILURE, RESET_PROTOCOL_ERROR } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { ConnectionEvent } from '../../contract/network.ts';
import { EVENT_REMOTE_CLOSE } from '../../contract/network.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import { PROTOCOL_HTTP10, PROTOCOL_HTTP11 } from '../../contract/stream-info.ts';
import type { HttpPoolCallbacks } from '../../contract/upstream.ts';
import { HTTP1_SOCKET } from './socket-options.ts';
import { HttpClient, HttpPool } from './http-pool.ts';

/** HTTP/1.1 to one host: one request at a time on a connection, the connection that became free last is used first. */
export class Http1Pool extends HttpPool {
  /** A connection that the server is closing right after its response shows it in this round of the loop. */
  protected override readonly attachesLater = true;

  protected createClient(): HttpClient {
    return new Http1Client(this);
  }
}

class Http1Client extends HttpClient {
  readonly codec: Http1ClientConnection;
  /** The request on it, or null. */
  stream: Http1Stream | null;
  remoteClosed: boolean;

  constructor(pool: Http1Pool) {
    super(pool, pool.cluster.maxRequestsPerConnection, 1, HTTP1_SOCKET);
    const { cluster, stats } = pool;
    this.stream = null;
    this.remoteClosed = false;
    stats.upstreamCxHttp1Total.inc();
    this.codec = new Http1ClientConnection(this, cluster.http.http1, cluster.http1Stats, cluster.perConnectionBufferLimit);
  }

  get activeStreams(): number {
    return this.stream === null ? 0 : 1;
  }

  get closingWithIncompleteStream(): boolean {
    return this.stream !== null && !this.stream.decodeComplete;
  }

  begin(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): void {
    this.countRequest();
    const stream = new Http1Stream(this, decoder);
    this.stream = stream;
    stream.open();
    callbacks.onPoolReady(stream, this.pool.host, this.connection, PROTOCOL_HTTP11, this.requestCount);
  }

  /** The response is complete and so was the request: the connection is free. */
  streamDone(): void {
    this.stream = null;
    this.noteIdle();
    this.pool.onStreamClosed(this);
    this.pool.checkDrained();
  }

  releaseStreams(): void {
    if (this.stream === null) return;
    this.stream = null;
    this.pool.onStreamClosed(this);
  }

  /** The connection died: its response is complete when the close was its end, else the stream is reset. */
  protected endStreams(event: ConnectionEvent): void {
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
    if (headers.get(':method') === 'CONNECT') this.client.connection.enableHalfClose(true);
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
