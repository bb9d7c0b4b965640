import type { CipherNameAndProtocol, EphemeralKeyInfo } from 'node:tls';
import type { TlsState } from './tls-engine.ts';

/** What TLSWrap and TLSSocket can both be asked. */
export interface AskableTls {
  getALPNNegotiatedProtocol?(): string | false;
  getProtocol(): string | null;
  getCipher(): CipherNameAndProtocol;
  getEphemeralKeyInfo(): EphemeralKeyInfo | object | null;
  getSharedSigalgs(): string[];
  isSessionReused(): boolean;
}

const NOTHING = Buffer.alloc(0);

/** The answers of OpenSSL in the form in which the proxy uses them. */
export class OpenSslState implements TlsState {
  private readonly tls: AskableTls & { getServername?(): string | false };
  private readonly extra: { peerChain(): readonly Buffer[]; verifyError(): string; alpn(): string; serverName(): string; sessionId(): Buffer; export(length: number, label: string, context: Buffer): Buffer };
  private chain: readonly Buffer[] | null;

  constructor(tls: AskableTls, extra: OpenSslState['extra']) {
    this.tls = tls;
    this.extra = extra;
    this.chain = null;
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
    return (this.chain ??= this.extra.peerChain());
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

/** A list no real chain reaches; OpenSSL's own limit on what a peer may send comes before. */
const MAX_CHAIN = 100;

/** DER of a certificate and those above it; `next` gives the one above. */
export function chainOf<C>(leaf: C | undefined, der: (each: C) => Buffer, next: (each: C) => C | undefined): readonly Buffer[] {
  const chain: Buffer[] = [];
  for (let each = leaf; each !== undefined && chain.length < MAX_CHAIN; each = next(each)) chain.push(der(each));
  return chain;
}
