import type { CipherNameAndProtocol, EphemeralKeyInfo } from 'node:tls';
import type { StreamHandle } from '../network/io/bindings.ts';

/** Node's TLSWrap, as far as the handle engine uses it. Undocumented, so looked at once; null where anything is missing. */
export interface TlsHandle extends StreamHandle {
  onhandshakestart: ((now: number) => void) | undefined;
  onhandshakedone: (() => void) | undefined;
  onerror: ((error: Error & { readonly code?: string; readonly reason?: string }) => void) | undefined;
  onnewsession: ((id: Buffer, session: Buffer) => void) | undefined;
  oncertcb: ((info: { readonly OCSPRequest: boolean }) => void) | undefined;
  onkeylog: ((line: Buffer) => void) | undefined;
  onocspresponse: ((response: Buffer | null) => void) | undefined;
  start(): void;
  receive(bytes: Buffer): void;
  destroySSL(): void;
  setVerifyMode(requestCertificate: boolean, rejectUnauthorized: boolean): void;
  setALPNProtocols(wire: Buffer): void;
  setServername(name: string): void;
  setSession(session: Buffer): void;
  enableSessionCallbacks(): void;
  enableCertCb(): void;
  certCbDone(): void;
  setOCSPResponse(response: Buffer): void;
  enableKeylogCallback(): void;
  getALPNNegotiatedProtocol(): string | false;
  getServername(): string | false;
  getProtocol(): string;
  getCipher(): CipherNameAndProtocol;
  getEphemeralKeyInfo(): EphemeralKeyInfo | null;
  getSharedSigalgs(): string[];
  getPeerX509Certificate(): NativeCertificate | undefined;
  getSession(): Buffer | undefined;
  isSessionReused(): boolean;
  verifyError(): (Error & { readonly code: string }) | null;
  exportKeyingMaterial(length: number, label: string, context: Buffer | undefined): Buffer;
}

/** The native object behind X509Certificate: the next one of the chain that was sent is its issuer. */
export interface NativeCertificate {
  raw(): Buffer;
  getIssuerCert(): NativeCertificate | undefined;
}

export type WrapTls = (handle: StreamHandle, context: unknown, isServer: boolean, hasActiveWrite: boolean) => TlsHandle;

const METHODS = [
  'start', 'receive', 'destroySSL', 'setVerifyMode', 'setALPNProtocols', 'setServername', 'setSession', 'enableSessionCallbacks', 'enableCertCb',
  'certCbDone', 'setOCSPResponse', 'enableKeylogCallback', 'getALPNNegotiatedProtocol', 'getServername', 'getProtocol', 'getCipher',
  'getEphemeralKeyInfo', 'getSharedSigalgs', 'getPeerX509Certificate', 'getSession', 'isSessionReused', 'verifyError',
  'exportKeyingMaterial', 'useUserBuffer', 'writeLatin1String', 'writeBuffer', 'writev', 'readStart', 'readStop', 'shutdown',
];

let loaded: WrapTls | null | undefined;

export function loadTlsBindings(): WrapTls | null {
  if (loaded === undefined) loaded = load();
  return loaded;
}

function load(): WrapTls | null {
  try {
    const binding = (process as unknown as { binding(name: string): Record<string, unknown> }).binding('tls_wrap');
    const prototype = (binding['TLSWrap'] as { prototype: object }).prototype;
    return typeof binding['wrap'] === 'function' && METHODS.every((name) => name in prototype) ? (binding['wrap'] as WrapTls) : null;
  } catch {
    return null;
  }
}
