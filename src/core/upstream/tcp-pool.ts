import type { ConnectionCallbacks, ConnectionEvent } from '../../contract/network.ts';
import { CLOSE_NO_FLUSH, EVENT_CONNECTED } from '../../contract/network.ts';
import type { Cancellable, PoolFailureReason, TcpConnectionPool, TcpPoolCallbacks } from '../../contract/upstream.ts';
import { POOL_FAILURE_OVERFLOW } from '../../contract/upstream.ts';
import type { NetworkConnection } from '../network/connection.ts';
import { ActiveClient, PendingStream } from './active-client.ts';
import { ConnPoolBase } from './conn-pool-base.ts';
import type { UpstreamHost } from './host.ts';
import { connectToHost } from './upstream-connection.ts';

/** Plain connections to one host; each serves one user, who closes it. */
export class TcpPool extends ConnPoolBase implements TcpConnectionPool {
  /** TCP streams count against connections and pending requests only. */
  protected readonly enforceMaxRequests = false;

  newConnection(callbacks: TcpPoolCallbacks): Cancellable | null {
    const client = this.takeReady();
    if (client !== null) {
      if (this.beginStream(client)) (client as TcpClient).begin(callbacks);
      this.createConnections();
      return null;
    }
    if (!this.mayQueue()) {
      callbacks.onPoolFailure(POOL_FAILURE_OVERFLOW, '', null);
      return null;
    }
    const stream = new TcpPendingStream(this, callbacks);
    this.queue(stream);
    return stream;
  }

  protected createClient(): ActiveClient {
    return new TcpClient(this);
  }

  protected attachPending(stream: PendingStream, client: ActiveClient): void {
    (client as TcpClient).begin((stream as TcpPendingStream).callbacks);
  }
}

class TcpPendingStream extends PendingStream {
  readonly callbacks: TcpPoolCallbacks;

  constructor(pool: TcpPool, callbacks: TcpPoolCallbacks) {
    super(pool);
    this.callbacks = callbacks;
  }

  fail(reason: PoolFailureReason, transportFailure: string, host: UpstreamHost | null): void {
    this.callbacks.onPoolFailure(reason, transportFailure, host);
  }
}

class TcpClient extends ActiveClient implements ConnectionCallbacks {
  readonly connection: NetworkConnection;
  private taken: boolean;

  constructor(pool: TcpPool) {
    super(pool, pool.cluster.maxRequestsPerConnection, 1);
    this.taken = false;
    this.connection = connectToHost(pool.host, pool.cluster, pool.dispatcher);
    this.connection.setConnectionStats(pool.cluster.connectionStats);
    this.connection.addConnectionCallbacks(this);
    // What a server says first must wait until there is somebody to hear it.
    this.connection.readDisable(true);
  }

  get activeStreams(): number {
    return this.taken ? 1 : 0;
  }

  get closingWithIncompleteStream(): boolean {
    return this.taken;
  }

  begin(callbacks: TcpPoolCallbacks): void {
    this.taken = true;
    callbacks.onPoolReady(this.connection, this.pool.host);
    this.connection.readDisable(false);
  }

  releaseStreams(): void {
    if (!this.taken) return;
    this.taken = false;
    this.pool.onStreamClosed(this);
  }

  close(): void {
    this.connection.close(CLOSE_NO_FLUSH, '');
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) {
      const upstream = this.connection.streamInfo.upstream;
      if (upstream !== null) {
        upstream.timing.connectComplete = this.pool.dispatcher.now();
        upstream.localAddress = this.connection.localAddress;
      }
    }
    this.pool.onConnectionEvent(this, this.connection.transportFailureReason, event);
  }

  onAboveWriteBufferHighWatermark(): void {}

  onBelowWriteBufferLowWatermark(): void {}
}
