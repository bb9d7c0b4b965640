import type { Timer } from '../../../../base/timer-wheel.ts';
import type { Connection, ConnectionCallbacks, ConnectionEvent, ReadFilter, ReadFilterCallbacks } from '../../../../contract/network.ts';
import { CLOSE_NO_FLUSH, EVENT_CONNECTED } from '../../../../contract/network.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../../../contract/status.ts';
import type { ConnectionLimitConfig } from './config.ts';

const REASON = 'over_connection_limit';

/** Counts its connection, and closes it when there are too many. */
export class ConnectionLimitFilter implements ReadFilter, ConnectionCallbacks {
  private readonly config: ConnectionLimitConfig;
  private connection: Connection | null;
  private counted: boolean;
  private rejected: boolean;
  private delayTimer: Timer | null;

  constructor(config: ConnectionLimitConfig) {
    this.config = config;
    this.connection = null;
    this.counted = false;
    this.rejected = false;
    this.delayTimer = null;
  }

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.connection = callbacks.connection;
    this.connection.addConnectionCallbacks(this);
  }

  onNewConnection(): NetworkFilterStatus {
    const { config, connection } = this;
    if (connection === null || !config.enabled.enabled) return NETWORK_CONTINUE;
    this.counted = true;
    config.active.inc();
    if (config.connections.hold(1) <= config.maxConnections) return NETWORK_CONTINUE;
    config.limited.inc();
    this.rejected = true;
    this.reject(connection);
    return NETWORK_STOP_ITERATION;
  }

  onData(): NetworkFilterStatus {
    return this.rejected ? NETWORK_STOP_ITERATION : NETWORK_CONTINUE;
  }

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) return;
    this.delayTimer?.disable();
    this.delayTimer = null;
    if (!this.counted) return;
    this.counted = false;
    this.config.connections.hold(-1);
    this.config.active.dec();
  }

  onAboveWriteBufferHighWatermark(): void {}

  onBelowWriteBufferLowWatermark(): void {}

  private reject(connection: Connection): void {
    if (this.config.delay <= 0) {
      connection.close(CLOSE_NO_FLUSH, REASON);
      return;
    }
    this.delayTimer = connection.dispatcher.createTimer(() => connection.close(CLOSE_NO_FLUSH, REASON));
    this.delayTimer.enable(this.config.delay);
  }
}
