import type { X509Certificate as Certificate } from 'node:crypto';
import type { CipherNameAndProtocol, EphemeralKeyInfo } from 'node:tls';
import { crypto } from '../../base/crypto.ts';
import type { RawCertificate } from './tls-bindings.ts';
import type { TlsState } from './tls-engine.ts';

/** What TLSWrap and TLSSocket can both be asked. */
export interface AskableTls {
  getALPNNegotiatedProtocol?(): string | false;
  getProtocol(): string | null;
  getCipher(): CipherNameAndProtocol;
  getEphemeralKeyInfo(): EphemeralKeyInfo | object | null;
  getSharedSigalgs(): string[];
  getPeerCertificate(detailed: boolean): RawCertificate | undefined;
  getCertificate(): RawCertificate | object | null | undefined;
  isSessionReused(): boolean;
}

/** A list no real chain reaches; a certificate that issues itself ends it before. */
const MAX_CHAIN = 100;
const NOTHING = Buffer.alloc(0);

/** The answers of OpenSSL in the form in which the proxy uses them. Certificates are parsed when first asked for. */
export class OpenSslState implements TlsState {
  private readonly tls: AskableTls & { getServername?(): string | false };
  private readonly extra: { verifyError(): string; alpn(): string; serverName(): string; sessionId(): Buffer; export(length: number, label: string, context: Buffer): Buffer };
  private chain: readonly Buffer[] | null;
  private peer: Certificate | null;
  private own: Certificate | null;

  constructor(tls: AskableTls, extra: OpenSslState['extra']) {
    this.tls = tls;
    this.extra = extra;
    this.chain = null;
    this.peer = null;
    this.own = null;
  }

  protocol(): string {
    return this.tls.getProtocol() ?? '';
  }

  cipher(): CipherNameAndProtocol {
    return this.tls.getCipher();
  }

  alpn(): string {
    return this.extra.alpn();
  }

  serverName(): string {
    return this.extra.serverName();
  }

  isSessionReused(): boolean {
    return this.tls.isSessionReused();
  }

  peerChain(): readonly Buffer[] {
    if (this.chain !== null) return this.chain;
    const chain: Buffer[] = [];
    let each = this.tls.getPeerCertificate(true);
    while (each?.raw !== undefined && chain.length < MAX_CHAIN) {
      chain.push(each.raw);
      const next: RawCertificate | undefined = each.issuerCertificate;
      each = next === each ? undefined : next;
    }
    this.chain = chain;
    return chain;
  }

  peerCertificate(): Certificate | undefined {
    const [first] = this.peerChain();
    if (first === undefined) return undefined;
    return (this.peer ??= new (crypto().X509Certificate)(first));
  }

  ownCertificate(): Certificate | undefined {
    const own = this.tls.getCertificate();
    const raw = own !== null && own !== undefined && 'raw' in own ? own.raw : undefined;
    return raw === undefined ? undefined : (this.own ??= new (crypto().X509Certificate)(raw));
  }

  verifyError(): string {
    return this.peerChain().length === 0 ? '' : this.extra.verifyError();
  }

  ephemeralKey(): EphemeralKeyInfo | null {
    const info = this.tls.getEphemeralKeyInfo();
    return info !== null && 'type' in info ? info : null;
  }

  sharedSignatureAlgorithms(): readonly string[] {
    return this.tls.getSharedSigalgs();
  }

  sessionId(): Buffer {
    return this.extra.sessionId();
  }

  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer {
    return this.extra.export(length, label, context);
  }
}

/** ALPN names as one list of length-prefixed names (RFC 7301 section 3.1). */
export function alpnWire(names: readonly string[]): Buffer {
  return names.length === 0 ? NOTHING : Buffer.concat(names.map((name) => Buffer.from(String.fromCharCode(name.length) + name, 'latin1')));
}

/**
 * The id inside a serialized session: SSL_SESSION is ASN.1 with version, protocol, cipher and then the id (OpenSSL's ssl_asn1.c), each short here.
 * TLS 1.3 and tickets have none that means anything; empty then.
 */
export function sessionIdOf(session: Buffer | undefined): Buffer {
  if (session === undefined) return NOTHING;
  let at = 2;
  if ((session[1] & 0x80) !== 0) at += session[1] & 0x7f;
  for (let i = 0; i < 3; i++) at += 2 + session[at + 1];
  return session[at] === 4 ? session.subarray(at + 2, at + 2 + session[at + 1]) : NOTHING;
}
