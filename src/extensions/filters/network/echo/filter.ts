import type { Connection, ConnectionCallbacks, ReadFilter, ReadFilterCallbacks } from '../../../../contract/network.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../../../contract/status.ts';

/** Sends back what comes. A client that sends without reading is paused (Envoy lets its buffer grow). */
export class EchoFilter implements ReadFilter, ConnectionCallbacks {
  private connection: Connection | null = null;

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.connection = callbacks.connection;
    this.connection.enableHalfClose(true);
    this.connection.addConnectionCallbacks(this);
  }

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer, endStream: boolean): NetworkFilterStatus {
    this.connection?.write(data, endStream);
    return NETWORK_STOP_ITERATION;
  }

  onEvent(): void {}

  onAboveWriteBufferHighWatermark(): void {
    this.connection?.readDisable(true);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.connection?.readDisable(false);
  }
}
