import type { CodecConnection, HttpConnection, ResponseDecoder } from '../../contract/codec.ts';
import type { TurnTask } from '../../contract/dispatcher.ts';
import type { CodecError } from '../../contract/errors.ts';
import type { ConnectionCallbacks, ConnectionEvent, ReadFilter } from '../../contract/network.ts';
import { CLOSE_FLUSH_WRITE, CLOSE_NO_FLUSH, EVENT_CONNECTED, STATE_OPEN } from '../../contract/network.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../contract/status.ts';
import type { UpstreamSocketOptions } from '../../contract/transport-socket.ts';
import type { Cancellable, HttpConnectionPool, HttpPoolCallbacks, PoolFailureReason } from '../../contract/upstream.ts';
import { POOL_FAILURE_OVERFLOW } from '../../contract/upstream.ts';
import type { Timer } from '../../base/timer-wheel.ts';
import type { NetworkConnection } from '../network/connection.ts';
import { ActiveClient, PendingStream } from './active-client.ts';
import { ConnPoolBase } from './conn-pool-base.ts';
import type { UpstreamHost } from './host.ts';
import { connectToHost } from './upstream-connection.ts';

/** Requests to one host, whatever the protocol: on a connection that is free, or waiting for one. */
export abstract class HttpPool extends ConnPoolBase implements HttpConnectionPool {
  protected readonly enforceMaxRequests = true;

  protected abstract override createClient(): HttpClient;

  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): Cancellable | null {
    const client = this.takeReady();
    if (client !== null) {
      if (this.beginStream(client)) (client as HttpClient).begin(decoder, callbacks);
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

  protected attachPending(stream: PendingStream, client: ActiveClient): void {
    const waiting = stream as HttpPendingStream;
    (client as HttpClient).begin(waiting.decoder, waiting.callbacks);
  }
}

class HttpPendingStream extends PendingStream {
  readonly decoder: ResponseDecoder;
  readonly callbacks: HttpPoolCallbacks;

  constructor(pool: HttpPool, decoder: ResponseDecoder, callbacks: HttpPoolCallbacks) {
    super(pool);
    this.decoder = decoder;
    this.callbacks = callbacks;
  }

  fail(reason: PoolFailureReason, transportFailure: string, host: UpstreamHost | null): void {
    this.callbacks.onPoolFailure(reason, transportFailure, host);
  }
}

/** One upstream connection with its codec (Envoy's ActiveClient and CodecClient in one). */
export abstract class HttpClient extends ActiveClient implements ConnectionCallbacks, ReadFilter, CodecConnection {
  readonly connection: NetworkConnection;
  /** The peer broke the protocol: what runs on the connection dies of that. */
  protected protocolError: boolean;
  protected requestCount: number;
  private readonly idleTimer: Timer | null;
  private idleSince: number;

  /** `options`: what the connection wants of its transport socket, first of all the protocol. */
  constructor(pool: HttpPool, lifetimeStreams: number, concurrentStreams: number, options: UpstreamSocketOptions) {
    super(pool, lifetimeStreams, concurrentStreams);
    const { cluster, dispatcher } = pool;
    this.protocolError = false;
    this.requestCount = 0;
    this.connection = connectToHost(pool.host, cluster, dispatcher, pool.host.address, options);
    this.connection.setConnectionStats(cluster.connectionStats);
    this.connection.addConnectionCallbacks(this);
    this.connection.addReadFilter(this);
    this.idleSince = dispatcher.now();
    this.idleTimer = cluster.idleTimeout > 0 ? dispatcher.createTimer(() => this.onIdleTimer()) : null;
    this.idleTimer?.enable(cluster.idleTimeout);
  }

  abstract readonly codec: HttpConnection;
  /** Starts a request; the pool has counted it in. */
  abstract begin(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): void;
  /** The connection is gone: its streams end, each in the way that fits. */
  protected abstract endStreams(event: ConnectionEvent): void;

  close(): void {
    this.connection.close(CLOSE_NO_FLUSH, '');
  }

  /** The last request on the connection is over. */
  protected noteIdle(): void {
    this.idleSince = this.pool.dispatcher.now();
  }

  protected countRequest(): void {
    this.requestCount++;
    const { upstream } = this.connection.streamInfo;
    if (upstream !== null) upstream.numStreams++;
  }

  // The codec's view of the connection.

  get pendingWriteBytes(): number {
    return this.connection.pendingWriteBytes;
  }

  write(data: Uint8Array | string): void {
    this.connection.write(data, false);
  }

  /** The end of what a tunnel sends. Only CONNECT has two halves; other tunnels end with it, as in Envoy. */
  endWrite(): void {
    if (this.connection.isHalfCloseEnabled) this.connection.write('', true);
    else this.connection.close(CLOSE_FLUSH_WRITE, 'close_for_connect_request_or_tcp_tunneling');
  }

  atTurnEnd(task: TurnTask): void {
    this.pool.dispatcher.atTurnEnd(task);
  }

  /** Only servers keep input back. */
  resumeDispatch(): void {}

  readDisable(disable: boolean): void {
    this.connection.readDisable(disable);
  }

  // Network filter and connection events.

  initializeReadFilterCallbacks(): void {}

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer, endStream: boolean): NetworkFilterStatus {
    const error = this.codec.dispatch(data);
    if (error !== null) this.onCodecError(error);
    // Half close is on for HTTP/1 tunnels alone, which have no way to tell their end but the connection's (as Envoy's codec client).
    else if (endStream) this.close();
    return NETWORK_STOP_ITERATION;
  }

  protected onCodecError(error: CodecError): void {
    // A server that says 408 to a connection without a request is only saying goodbye.
    if (error.kind !== 'goaway') {
      this.pool.stats.upstreamCxProtocolError.inc();
      this.protocolError = true;
    }
    this.close();
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) {
      const { upstream } = this.connection.streamInfo;
      if (upstream !== null) {
        upstream.timing.connectComplete = this.pool.dispatcher.now();
        upstream.localAddress = this.connection.localAddress;
      }
    } else {
      this.idleTimer?.disable();
      this.endStreams(event);
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

  /** Armed once and left alone: requests only write down when they ended. */
  private onIdleTimer(): void {
    if (this.idleTimer === null || this.connection.state !== STATE_OPEN) return;
    const { idleTimeout } = this.pool.cluster;
    const idle = this.activeStreams === 0 ? this.pool.dispatcher.now() - this.idleSince : 0;
    if (idle < idleTimeout) {
      this.idleTimer.enable(idleTimeout - idle);
      return;
    }
    this.pool.stats.upstreamCxIdleTimeout.inc();
    this.close();
  }
}
