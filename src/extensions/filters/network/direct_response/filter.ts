import type { Connection, ReadFilter, ReadFilterCallbacks } from '../../../../contract/network.ts';
import { CLOSE_FLUSH_WRITE } from '../../../../contract/network.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_STOP_ITERATION } from '../../../../contract/status.ts';

/** Says its sentence to every new connection and closes. */
export class DirectResponseFilter implements ReadFilter {
  private readonly response: Buffer;
  private connection: Connection | null = null;

  constructor(response: Buffer) {
    this.response = response;
  }

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.connection = callbacks.connection;
    this.connection.enableHalfClose(true);
  }

  onNewConnection(): NetworkFilterStatus {
    const { connection } = this;
    if (connection === null) return NETWORK_STOP_ITERATION;
    if (this.response.length > 0) connection.write(this.response, true);
    connection.streamInfo.responseCodeDetails = 'direct_response';
    connection.close(CLOSE_FLUSH_WRITE, 'direct_response');
    return NETWORK_STOP_ITERATION;
  }

  onData(): NetworkFilterStatus {
    return NETWORK_STOP_ITERATION;
  }
}
