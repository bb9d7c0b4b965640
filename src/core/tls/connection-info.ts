import type { SslConnectionInfo } from '../../contract/network.ts';
import type { TlsState } from './tls-engine.ts';

/** What is known of one TLS connection; empty until its handshake is over. */
export class TlsConnectionInfo implements SslConnectionInfo {
  state: TlsState | null;
  peerValidated: boolean;

  constructor() {
    this.state = null;
    this.peerValidated = false;
  }

  get peerPresented(): boolean {
    return (this.state?.peerChain().length ?? 0) > 0;
  }

  get requestedServerName(): string {
    return this.state?.serverName() ?? '';
  }

  get alpn(): string {
    return this.state?.alpn() ?? '';
  }
}
