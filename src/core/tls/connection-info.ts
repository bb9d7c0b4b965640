import { sslRetention } from '../../common/ssl-retention.ts';
import type { CertificateInfo, SslConnectionInfo } from '../../contract/network.ts';
import { ParsedCertificate } from './certificate-info.ts';
import { cipherIdOf } from './cipher-ids.ts';
import { groupName } from './ssl-stats.ts';
import type { TlsState } from './tls-engine.ts';

const NO_CHAIN: readonly ParsedCertificate[] = [];
const TLS13 = 'TLSv1.3';

/**
 * What is known of one TLS connection; empty until its handshake is over. OpenSSL is asked when somebody reads, and each question once; what a log may
 * read after the close is taken along by `keep`.
 */
export class TlsConnectionInfo implements SslConnectionInfo {
  state: TlsState | null;
  peerValidated: boolean;
  localCertificate: CertificateInfo | null;
  handshakeStart: number;
  handshakeComplete: number;
  private version: string | null;
  private cipher: string | null;
  private protocol: string | null;
  private serverName: string | null;
  private keyGroup: string | null;
  private session: string | null;
  private chain: readonly ParsedCertificate[] | null;
  private presented: boolean;

  constructor() {
    this.state = null;
    this.peerValidated = false;
    this.localCertificate = null;
    this.handshakeStart = NaN;
    this.handshakeComplete = NaN;
    this.version = null;
    this.cipher = null;
    this.protocol = null;
    this.serverName = null;
    this.keyGroup = null;
    this.session = null;
    this.chain = null;
    this.presented = false;
  }

  get peerPresented(): boolean {
    return this.presented || (this.state?.peerChain().length ?? 0) > 0;
  }

  get requestedServerName(): string {
    if (this.serverName === null && this.state !== null) this.serverName = this.state.serverName();
    return this.serverName ?? '';
  }

  get alpn(): string {
    if (this.protocol === null && this.state !== null) this.protocol = this.state.alpn();
    return this.protocol ?? '';
  }

  get tlsVersion(): string {
    if (this.version === null && this.state !== null) this.version = this.state.protocol();
    return this.version ?? '';
  }

  get cipherName(): string {
    if (this.cipher === null && this.state !== null) this.cipher = this.state.cipher().name;
    return this.cipher ?? '';
  }

  get cipherId(): number {
    return cipherIdOf(this.cipherName);
  }

  get group(): string {
    if (this.keyGroup === null && this.state !== null) this.keyGroup = groupName(this.state.ephemeralKey());
    return this.keyGroup ?? '';
  }

  get sessionId(): string {
    // Of TLS 1.3 only tickets are sessions, and BoringSSL gives those of the running connection no id.
    if (this.session === null && this.state !== null) this.session = this.tlsVersion === TLS13 ? '' : this.state.sessionId().toString('hex');
    return this.session ?? '';
  }

  get peerChain(): readonly ParsedCertificate[] {
    if (this.chain === null && this.state !== null) this.chain = this.state.peerChain().map((der) => new ParsedCertificate(der, null));
    return this.chain ?? NO_CHAIN;
  }

  /** The connection is about to close, and OpenSSL's answers with it. */
  keep(): void {
    const { state } = this;
    if (state === null) return;
    void this.tlsVersion;
    void this.cipherName;
    void this.alpn;
    void this.requestedServerName;
    if (sslRetention.group) void this.group;
    if (sslRetention.sessionId) void this.sessionId;
    if (sslRetention.peerCertificate) void this.peerChain;
    this.presented = this.peerPresented;
    this.state = null;
  }
}
