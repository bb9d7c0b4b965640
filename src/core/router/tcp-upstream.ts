import { proxyHeaderV1, proxyHeaderV2 } from '../../codec/proxy-protocol/write-header.ts';
import { RESET_CONNECTION_TERMINATION } from '../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, Stream, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { Connection, ConnectionCallbacks, ConnectionEvent, ReadFilter } from '../../contract/network.ts';
import { CLOSE_FLUSH_WRITE, CLOSE_NO_FLUSH, EVENT_CONNECTED, STATE_OPEN } from '../../contract/network.ts';
import type { ConnectConfig } from '../../contract/route.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../contract/status.ts';
import { BytesMeter, PROTOCOL_NONE } from '../../contract/stream-info.ts';
import type { Cancellable, Host, HttpConnectionPool, HttpPoolCallbacks, PoolFailureReason, TcpConnectionPool, TcpPoolCallbacks } from '../../contract/upstream.ts';

const NO_BYTES = Buffer.alloc(0);

/** What the end of a tunnel must know of the request. */
export interface TunnelEnd {
  readonly connect: ConnectConfig;
  /** The client's connection, whose addresses a PROXY header tells; null when there is none. */
  readonly downstream: Connection | null;
  /** `envoy.reloadable_features.allow_multiplexed_upstream_half_close`. */
  readonly halfClose: boolean;
}

/** Gives TCP connections to one host as if they were HTTP streams, for CONNECT requests that end here (Envoy's Upstreams::Http::Tcp). */
export class TcpUpstreamPool implements HttpConnectionPool {
  private readonly pool: TcpConnectionPool;
  private readonly end: TunnelEnd;

  constructor(pool: TcpConnectionPool, end: TunnelEnd) {
    this.pool = pool;
    this.end = end;
  }

  get host(): Host {
    return this.pool.host;
  }

  get hasActiveConnections(): boolean {
    return false;
  }

  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): Cancellable | null {
    return this.pool.newConnection(new PendingTcpUpstream(decoder, callbacks, this.end));
  }
}

/** Waits for the connection. */
class PendingTcpUpstream implements TcpPoolCallbacks {
  private readonly decoder: ResponseDecoder;
  private readonly callbacks: HttpPoolCallbacks;
  private readonly end: TunnelEnd;

  constructor(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks, end: TunnelEnd) {
    this.decoder = decoder;
    this.callbacks = callbacks;
    this.end = end;
  }

  onPoolReady(connection: Connection, host: Host): void {
    this.callbacks.onPoolReady(new TcpUpstream(connection, this.decoder, this.end), host, connection, PROTOCOL_NONE, 0);
  }

  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void {
    this.callbacks.onPoolFailure(reason, transportFailureReason, host);
  }
}

/**
 * One tunnel's connection: body bytes go out as they are, what comes is the body of a 200 that is made here. An upstream that ends its side ends
 * the tunnel (RFC 9110 section 9.3.6 allows more; Envoy cannot tell a half close from a close here, and does so too).
 */
class TcpUpstream implements RequestEncoder, Stream, ConnectionCallbacks, ReadFilter {
  readonly bytesMeter: BytesMeter;
  readonly codecStreamId: number;
  readonly responseDetails: string;
  private readonly connection: Connection;
  private readonly decoder: ResponseDecoder;
  private readonly end: TunnelEnd;
  private callbacks: StreamCallbacks | null;
  private sentEnd: boolean;
  private receivedEnd: boolean;
  private over: boolean;

  constructor(connection: Connection, decoder: ResponseDecoder, end: TunnelEnd) {
    this.bytesMeter = new BytesMeter();
    this.codecStreamId = 0;
    this.responseDetails = '';
    this.connection = connection;
    this.decoder = decoder;
    this.end = end;
    this.callbacks = null;
    this.sentEnd = false;
    this.receivedEnd = false;
    this.over = false;
    connection.enableHalfClose(true);
    connection.addConnectionCallbacks(this);
    connection.addReadFilter(this);
  }

  get stream(): Stream {
    return this;
  }

  get bufferLimit(): number {
    return this.connection.bufferLimit;
  }

  // From the router.

  encodeHeaders(_headers: HeaderMap, endStream: boolean): string | null {
    const header = this.proxyHeader();
    this.bytesMeter.headerBytesSent += header.length;
    if (header.length > 0 || endStream) this.write(header, endStream);
    // The connection is there: CONNECT has succeeded.
    if (!this.over) this.decoder.decodeHeaders(HeaderMap.of([':status', '200']), false);
    return null;
  }

  private proxyHeader(): Buffer {
    const { connect, downstream } = this.end;
    if (connect.proxyProtocolVersion === 0 || downstream === null) return NO_BYTES;
    const { remoteAddress, localAddress } = downstream;
    if (remoteAddress.kind !== 'ip' || localAddress.kind !== 'ip') return NO_BYTES;
    return connect.proxyProtocolVersion === 1 ? proxyHeaderV1(remoteAddress, localAddress) : proxyHeaderV2(remoteAddress, localAddress);
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    this.write(data, endStream);
  }

  encodeTrailers(): void {
    this.write(NO_BYTES, true);
  }

  private write(data: Uint8Array, endStream: boolean): void {
    if (this.over) return;
    this.sentEnd = endStream;
    this.bytesMeter.wireBytesSent += data.length;
    this.connection.write(data, endStream);
  }

  /** It is one. */
  enableTcpTunneling(): void {}

  get encodePending(): boolean {
    return false;
  }

  addCallbacks(callbacks: StreamCallbacks): void {
    this.callbacks = callbacks;
  }

  /** Nobody listens any more: both messages are complete, so what is left goes out and the connection ends. */
  removeCallbacks(callbacks: StreamCallbacks): void {
    if (this.callbacks !== callbacks) return;
    this.callbacks = null;
    if (this.over || !this.sentEnd) return;
    this.over = true;
    // With both ends there it closes by itself.
    if (!this.receivedEnd) this.connection.close(CLOSE_FLUSH_WRITE, '');
  }

  resetStream(_reason: StreamResetReason): void {
    if (this.over) return;
    this.over = true;
    this.callbacks = null;
    this.connection.close(CLOSE_NO_FLUSH, 'tcp_upstream_reset_stream');
  }

  readDisable(disable: boolean): void {
    if (this.connection.state === STATE_OPEN) this.connection.readDisable(disable);
  }

  // From the connection.

  initializeReadFilterCallbacks(): void {}

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer, endStream: boolean): NetworkFilterStatus {
    if (this.over) return NETWORK_STOP_ITERATION;
    this.receivedEnd = endStream;
    const reset = this.end.halfClose && endStream && !this.sentEnd;
    this.bytesMeter.wireBytesReceived += data.length;
    this.decoder.decodeData(data, endStream);
    if (reset) this.reset('half_close_initiated_full_close');
    return NETWORK_STOP_ITERATION;
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) return;
    this.reset('');
    this.over = true;
  }

  private reset(failure: string): void {
    const callbacks = this.callbacks;
    if (this.over || callbacks === null) return;
    this.callbacks = null;
    callbacks.onResetStream(RESET_CONNECTION_TERMINATION, failure);
    if (this.over) return;
    this.over = true;
    this.connection.close(CLOSE_NO_FLUSH, '');
  }

  onAboveWriteBufferHighWatermark(): void {
    this.callbacks?.onAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.callbacks?.onBelowWriteBufferLowWatermark();
  }
}
