import type { Connection, ConnectionCallbacks, ConnectionEvent, ReadFilter } from '../../../../contract/network.ts';
import { CLOSE_ABORT_RESET, CLOSE_FLUSH_WRITE, CLOSE_NO_FLUSH, EVENT_CONNECTED, STATE_CLOSED } from '../../../../contract/network.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../../../contract/status.ts';
import type { TcpProxyStats } from './stats.ts';
import type { UpstreamLink, UpstreamListener } from './upstream-link.ts';

/**
 * The upstream connection of one session. When the client goes first, it stays behind alone to send what is buffered (Envoy's Drainer):
 * bytes that still come have nobody to go to and end it.
 */
export class UpstreamSide implements UpstreamLink, ConnectionCallbacks, ReadFilter {
  private readonly connection: Connection;
  private readonly stats: TcpProxyStats;
  private listener: UpstreamListener | null;
  private draining: boolean;

  constructor(connection: Connection, listener: UpstreamListener, stats: TcpProxyStats) {
    this.connection = connection;
    this.listener = listener;
    this.stats = stats;
    this.draining = false;
    connection.enableHalfClose(true);
    connection.addConnectionCallbacks(this);
    connection.addReadFilter(this);
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    this.connection.write(data, endStream);
  }

  readDisable(disable: boolean): void {
    this.connection.readDisable(disable);
  }

  get pendingWriteBytes(): number {
    return this.connection.pendingWriteBytes;
  }

  /** The client is gone. `remote` = by its own will: what it sent goes out first, unless it said RST, which the upstream gets too. */
  downstreamClosed(remote: boolean, reset: boolean): void {
    this.listener = null;
    if (reset) {
      this.connection.close(CLOSE_ABORT_RESET, 'closing_upstream_tcp_connection_due_to_downstream_reset_close');
      return;
    }
    if (!remote) {
      this.connection.close(CLOSE_NO_FLUSH, 'closing_upstream_tcp_connection_due_to_downstream_local_close');
      return;
    }
    this.connection.close(CLOSE_FLUSH_WRITE, 'closing_upstream_tcp_connection_due_to_downstream_remote_close');
    if (this.connection.state === STATE_CLOSED) return;
    this.draining = true;
    this.stats.upstreamFlushTotal.inc();
    this.stats.upstreamFlushActive.inc();
  }

  initializeReadFilterCallbacks(): void {}

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer, endStream: boolean): NetworkFilterStatus {
    this.listener?.onUpstreamData(data, endStream);
    return NETWORK_STOP_ITERATION;
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) return;
    if (this.draining) this.stats.upstreamFlushActive.dec();
    this.draining = false;
    const { listener } = this;
    this.listener = null;
    listener?.onUpstreamClosed(this.connection.remoteReset);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.listener?.onUpstreamAboveHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.listener?.onUpstreamBelowLowWatermark();
  }
}
