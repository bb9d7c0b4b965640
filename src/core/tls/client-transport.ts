import type { Transport } from '../../contract/transport.ts';
import type { ConnectingSocket } from '../../contract/transport-socket.ts';
import type { TlsEngineFactory, TlsParameters } from './tls-engine.ts';
import type { TlsJudge } from './tls-transport.ts';
import { TlsTransport } from './tls-transport.ts';

/** One connection's handshake as a client. */
export interface ClientTlsConfig extends TlsJudge {
  readonly engine: TlsEngineFactory;
  parameters(): TlsParameters;
}

const NOTHING = Buffer.alloc(0);

/** TLS as a client: begins when the socket is connected. */
export class TlsClientTransport extends TlsTransport {
  private readonly config: ClientTlsConfig;

  constructor(raw: Transport, connecting: ConnectingSocket, config: ClientTlsConfig) {
    super(raw, connecting.dispatcher, config);
    this.config = config;
  }

  onTransportConnect(): void {
    if (this.isClosed) return;
    this.ssl.handshakeStart = this.dispatcher.now();
    this.secure(this.config.engine, this.config.parameters(), NOTHING);
  }

  protected begin(): void {
    this.raw.setEvents(this);
  }

  /** A server that speaks before the client has. */
  protected onRawData(): void {}
}
