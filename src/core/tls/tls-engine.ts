import type { SecureContext, EphemeralKeyInfo, CipherNameAndProtocol } from 'node:tls';
import type { CertificateInfo } from '../../contract/network.ts';
import type { Transport } from '../../contract/transport.ts';

/**
 * TLS over a transport. Two engines stand behind it, as two back ends behind the sockets: Node's TLSWrap directly over the connection's handle, and
 * tls.TLSSocket over any transport through a stream.
 */

/** What one connection's handshake is to be. */
export interface TlsParameters {
  readonly isServer: boolean;
  readonly context: SecureContext;
  /** The certificate of `context`, or null. */
  readonly ownCertificate: CertificateInfo | null;
  /** Servers: ask the client for a certificate. Clients always get the server's. Nothing is judged here: `verify` is. */
  readonly requestCertificate: boolean;
  /** Clients: what is offered. Servers: what may be chosen, in the server's order; MUST have one that the client offers, or be empty. */
  readonly alpn: readonly string[];
  /** Clients: the SNI, empty = none. */
  readonly serverName: string;
  /** Clients: a session to resume, or null. */
  readonly session: Buffer | null;
  /** Clients: `onTlsSession` is to be told of tickets. */
  readonly keepSessions: boolean;
  /** Servers: the stapled OCSP answer, or null. */
  readonly ocspResponse: Buffer | null;
  /** Lines of NSS key log format are told to `onTlsKeyLog`. */
  readonly keyLog: boolean;
}

/** What the handshake has agreed on. Valid from onTlsHandshake until the transport closes. */
export interface TlsState {
  /** `TLSv1.3` */
  protocol(): string;
  cipher(): CipherNameAndProtocol;
  /** Empty = none. */
  alpn(): string;
  serverName(): string;
  isSessionReused(): boolean;
  /** DER of the chain that the peer sent, its own first. Computed once. */
  peerChain(): readonly Buffer[];
  /** OpenSSL's verdict on the peer's certificate: a code such as `CERT_HAS_EXPIRED`, or empty when it is good or there is none. */
  verifyError(): string;
  ephemeralKey(): EphemeralKeyInfo | null;
  sharedSignatureAlgorithms(): readonly string[];
  sessionId(): Buffer;
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer;
}

/** What went wrong in a handshake or after it, as OpenSSL says it. */
export interface TlsFailure {
  /** `ERR_SSL_NO_SHARED_CIPHER`, or a system code such as `ECONNRESET`. */
  readonly code: string;
  /** `no shared cipher` */
  readonly reason: string;
  readonly message: string;
}

/** All come in a turn, except during a call into the engine. */
export interface TlsEvents {
  /** Keys are agreed on. False refuses the peer: the engine is closed by the callee. Called once. */
  onTlsHandshake(): void;
  onTlsFailure(failure: TlsFailure): void;
  onTlsSession(session: Buffer): void;
  onTlsKeyLog(line: Buffer): void;
}

/** A transport whose bytes are clear; `TransportEvents` as for any transport, but the connect event, which `onTlsHandshake` stands for. */
export interface TlsTransportEngine extends Transport {
  readonly state: TlsState;
  /** Begins: a client speaks first. `received`: bytes of the peer that were read before. Events come from now on. */
  start(received: Buffer): void;
  /** Sends close_notify, without waiting for what the peer says. */
  notifyClose(): void;
}

export type TlsEngineFactory = (raw: Transport, parameters: TlsParameters, events: TlsEvents) => TlsTransportEngine;
