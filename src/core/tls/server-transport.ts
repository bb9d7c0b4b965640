import { HELLO_INCOMPLETE, parseClientHello } from '../../codec/client-hello/client-hello.ts';
import type { ClientHello } from '../../codec/client-hello/client-hello.ts';
import type { Transport } from '../../contract/transport.ts';
import type { AcceptedSocket } from '../../contract/transport-socket.ts';
import type { TlsEngineFactory, TlsParameters } from './tls-engine.ts';
import type { TlsJudge } from './tls-transport.ts';
import { TlsTransport } from './tls-transport.ts';

/** Chooses by what the client says; null hello = it is none that can be read, which OpenSSL then says in its words. */
export interface ServerTlsConfig extends TlsJudge {
  readonly engine: TlsEngineFactory;
  parametersFor(hello: ClientHello | null): TlsParameters;
}

const NOTHING = Buffer.alloc(0);
/** Bytes that a ClientHello may have; browsers with post-quantum keys send 2 KiB. */
const MAX_HELLO = 65_536;

/** TLS as a server: reads the ClientHello first, so that certificate, versions and tickets follow from it. */
export class TlsServerTransport extends TlsTransport {
  private readonly config: ServerTlsConfig;
  private received: Buffer;
  private begun: boolean;

  constructor(raw: Transport, accepted: AcceptedSocket, config: ServerTlsConfig) {
    super(raw, accepted.dispatcher, config);
    this.config = config;
    this.received = accepted.peeked.length === 0 ? NOTHING : Buffer.from(accepted.peeked);
    this.begun = false;
  }

  /** A server's socket is connected from the start. */
  onTransportConnect(): void {}

  protected begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.ssl.handshakeStart = this.dispatcher.now();
    this.raw.setEvents(this);
    if (this.received.length === 0) {
      this.raw.readStart();
      return;
    }
    // Its owner is still being made.
    this.dispatcher.post(() => {
      if (this.isClosed) return;
      this.look();
    });
  }

  protected onRawData(data: Buffer): void {
    this.received = this.received.length === 0 ? Buffer.from(data) : Buffer.concat([this.received, data]);
    this.look();
  }

  private look(): void {
    const hello = parseClientHello(this.received);
    if (hello === HELLO_INCOMPLETE && this.received.length < MAX_HELLO) {
      this.raw.readStart();
      return;
    }
    const { received } = this;
    this.received = NOTHING;
    this.secure(this.config.engine, this.config.parametersFor(typeof hello === 'object' ? hello : null), received);
  }
}
