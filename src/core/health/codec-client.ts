import { Http1ClientConnection } from '../../codec/http1/client-connection.ts';
import { Http2ClientConnection } from '../../codec/http2/index.ts';
import type { Http2ClientCallbacks } from '../../codec/http2/index.ts';
import type { ClientConnection, CodecConnection, RequestEncoder, ResponseDecoder } from '../../contract/codec.ts';
import type { Dispatcher, TurnTask } from '../../contract/dispatcher.ts';
import type { ConnectionCallbacks, ConnectionEvent, ReadFilter } from '../../contract/network.ts';
import { CLOSE_NO_FLUSH, EVENT_CONNECTED, EVENT_REMOTE_CLOSE, STATE_OPEN } from '../../contract/network.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../contract/status.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import { RESET_CONNECTION_TERMINATION } from '../../contract/codec.ts';
import type { NetworkConnection } from '../network/connection.ts';
import type { ClusterInfoImpl } from '../upstream/cluster-info.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import { connectToHost } from '../upstream/upstream-connection.ts';
import type { HealthChecker } from './health-checker.ts';

export interface CodecClientOwner {
  /** The connection is there: requests may begin. */
  onConnected(): void;
  /** The connection is gone; its stream was told before (a response may have been complete by the close). */
  onClosed(): void;
  onGoAway(errorCode: number): void;
}

/** A connection of one's own to a host's health check address, with its codec; outside of pools and of the cluster's statistics. */
export class CodecClient implements ConnectionCallbacks, ReadFilter, CodecConnection, Http2ClientCallbacks {
  readonly connection: NetworkConnection;
  private readonly codec: ClientConnection;
  private readonly owner: CodecClientOwner;
  private readonly dispatcher: Dispatcher;
  private readonly stats: ClusterInfoImpl['stats'];
  private encoder: RequestEncoder | null;
  private isConnected: boolean;

  constructor(owner: CodecClientOwner, host: UpstreamHost, checker: HealthChecker, http2: boolean) {
    const { cluster, dispatcher } = checker;
    this.owner = owner;
    this.dispatcher = dispatcher;
    this.stats = cluster.stats;
    this.encoder = null;
    this.isConnected = false;
    this.connection = connectToHost(host, cluster, dispatcher, host.healthCheckAddress, checker.config.socketOptions);
    this.codec = http2
      ? new Http2ClientConnection(this, this, cluster.http.http2, cluster.http2Stats, {
        clock: dispatcher,
        maxHeadersBytes: cluster.http.maxHttp2HeadersBytes,
        maxHeadersCount: cluster.http.maxHeadersCount,
        headersWithUnderscoresAction: 0,
        listener: null,
      })
      : new Http1ClientConnection(this, cluster.http.http1, cluster.http1Stats, cluster.perConnectionBufferLimit);
    this.connection.addConnectionCallbacks(this);
    this.connection.addReadFilter(this);
  }

  get connected(): boolean {
    return this.isConnected;
  }

  get protocol(): ClientConnection['protocol'] {
    return this.codec.protocol;
  }

  /** Begins a request; only when connected, one at a time. */
  newStream(decoder: ResponseDecoder): RequestEncoder {
    const encoder = this.codec.newStream(decoder);
    this.encoder = encoder;
    return encoder;
  }

  /** Closes at once; the owner hears onClosed. */
  close(): void {
    this.connection.close(CLOSE_NO_FLUSH, 'health_check');
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) {
      this.isConnected = true;
      const { upstream } = this.connection.streamInfo;
      if (upstream !== null) upstream.localAddress = this.connection.localAddress;
      this.owner.onConnected();
      return;
    }
    const { encoder } = this;
    this.encoder = null;
    // A response may end with its connection.
    if (event === EVENT_REMOTE_CLOSE) this.codec.onConnectionClose();
    encoder?.stream.resetStream(RESET_CONNECTION_TERMINATION);
    this.owner.onClosed();
  }

  initializeReadFilterCallbacks(): void {}

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer): NetworkFilterStatus {
    const error = this.codec.dispatch(data);
    if (error !== null) {
      if (error.kind !== 'goaway') this.stats.upstreamCxProtocolError.inc();
      if (this.connection.state === STATE_OPEN) this.close();
    }
    return NETWORK_STOP_ITERATION;
  }

  onAboveWriteBufferHighWatermark(): void {
    this.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  }

  // What the codec asks of its connection and owner.

  onGoAway(errorCode = 0): void {
    this.owner.onGoAway(errorCode);
  }

  onSettings(): void {}

  write(data: Uint8Array | string): void {
    this.connection.write(data, false);
  }

  readDisable(disable: boolean): void {
    this.connection.readDisable(disable);
  }

  get pendingWriteBytes(): number {
    return this.connection.pendingWriteBytes;
  }

  resumeDispatch(): void {}

  endWrite(): void {
    this.connection.write('', true);
  }

  atTurnEnd(task: TurnTask): void {
    this.dispatcher.atTurnEnd(task);
  }
}
