import { proxyHeaderV1 } from '../../codec/proxy-protocol/write-header.ts';
import type { ConnectionCallbacks, ConnectionEvent, ReadFilter } from '../../contract/network.ts';
import { CLOSE_NO_FLUSH, EVENT_CONNECTED } from '../../contract/network.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../contract/status.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import type { NetworkConnection } from '../network/connection.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import { connectToHost } from '../upstream/upstream-connection.ts';
import type { TcpCheck } from './health-check-config.ts';
import type { HealthChecker } from './health-checker.ts';
import { FAILURE_NETWORK, HealthSession } from './health-session.ts';
import { matchesPayloads } from './payload.ts';

/** PROXY protocol version 2, LOCAL: the proxy speaks for itself. */
const PROXY_V2_LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
/** Of what a server sends while the wanted bytes do not come. */
const MAX_UNMATCHED_BYTES = 1_048_576;

/** `tcp_health_check`: a connection is enough, or what the server answers must contain the wanted bytes. */
export class TcpHealthSession extends HealthSession implements ConnectionCallbacks, ReadFilter {
  private readonly tcp: TcpCheck;
  private connection: NetworkConnection | null;
  private connected: boolean;
  private expectClose: boolean;
  private received: Buffer[];
  private receivedBytes: number;

  constructor(checker: HealthChecker, host: UpstreamHost, check: TcpCheck) {
    super(checker, host);
    this.tcp = check;
    this.connection = null;
    this.connected = false;
    this.expectClose = false;
    this.received = [];
    this.receivedBytes = 0;
  }

  protected onInterval(): void {
    if (this.connection !== null) {
      if (this.connected) this.send(this.connection);
      return;
    }
    this.expectClose = false;
    this.connected = false;
    this.forget();
    const { checker, host } = this;
    this.connection = connectToHost(host, checker.cluster, checker.dispatcher, host.healthCheckAddress, checker.config.socketOptions);
    this.connection.addConnectionCallbacks(this);
    this.connection.addReadFilter(this);
  }

  onEvent(event: ConnectionEvent): void {
    const { connection } = this;
    if (connection === null) return;
    if (event === EVENT_CONNECTED) {
      this.connected = true;
      this.send(connection);
      if (this.tcp.receive.length > 0) return;
      this.closeExpected();
      this.handleSuccess(false);
      return;
    }
    this.connection = null;
    this.forget();
    // Between two checks too: a server that hangs up is worth a failure, as in Envoy.
    if (!this.expectClose) {
        this.handleFailure(FAILURE_NETWORK, false);
    }
  }

  private send(connection: NetworkConnection): void {
    const { proxyProtocol, send } = this.tcp;
    if (proxyProtocol === 1) connection.write(proxyHeaderV1(connection.localAddress, connection.remoteAddress), false);
    else if (proxyProtocol === 2) connection.write(PROXY_V2_LOCAL, false);
    if (send !== null && send.length > 0) connection.write(send, false);
  }

  initializeReadFilterCallbacks(): void {}

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer): NetworkFilterStatus {
    const { receive } = this.tcp;
    if (receive.length === 0) return NETWORK_STOP_ITERATION;
    this.received.push(Buffer.from(data));
    this.receivedBytes += data.length;
    if (this.received.length > 1) this.received = [Buffer.concat(this.received)];
    if (matchesPayloads(receive, this.received[0])) {
      this.forget();
      this.handleSuccess(false);
      if (!this.checker.config.reuseConnection) this.closeExpected();
    } else if (this.receivedBytes > MAX_UNMATCHED_BYTES) {
      // A server that never stops talking is not what was expected.
      this.connection?.close(CLOSE_NO_FLUSH, 'health_check');
    }
    return NETWORK_STOP_ITERATION;
  }

  private closeExpected(): void {
    this.expectClose = true;
    this.connection?.close(CLOSE_NO_FLUSH, 'health_check');
  }

  protected onTimeout(): void {
    this.closeExpected();
  }

  protected onDispose(): void {
    this.closeExpected();
  }

  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}

  private forget(): void {
    this.received = [];
    this.receivedBytes = 0;
  }
}
