import type { EphemeralKeyInfo } from 'node:tls';
import type { Counter, Scope } from '../../contract/stats.ts';
import type { TlsState } from './tls-engine.ts';

/** `ssl.` of a listener or cluster. Counters of ciphers and versions come into being when first seen, as in Envoy. */
export class SslStats {
  readonly connectionError: Counter;
  readonly handshake: Counter;
  readonly sessionReused: Counter;
  readonly noCertificate: Counter;
  readonly failVerifyNoCert: Counter;
  readonly failVerifyError: Counter;
  readonly failVerifySan: Counter;
  readonly failVerifyCertHash: Counter;
  readonly ocspStapleFailed: Counter;
  readonly ocspStapleOmitted: Counter;
  readonly ocspStapleResponses: Counter;
  readonly ocspStapleRequests: Counter;
  readonly wasKeyUsageInvalid: Counter;
  private readonly scope: Scope;
  private readonly seen: Map<string, Counter>;

  constructor(owner: Scope) {
    const scope = owner.scope('ssl');
    this.scope = scope;
    this.seen = new Map();
    this.connectionError = scope.counter('connection_error');
    this.handshake = scope.counter('handshake');
    this.sessionReused = scope.counter('session_reused');
    this.noCertificate = scope.counter('no_certificate');
    this.failVerifyNoCert = scope.counter('fail_verify_no_cert');
    this.failVerifyError = scope.counter('fail_verify_error');
    this.failVerifySan = scope.counter('fail_verify_san');
    this.failVerifyCertHash = scope.counter('fail_verify_cert_hash');
    this.ocspStapleFailed = scope.counter('ocsp_staple_failed');
    this.ocspStapleOmitted = scope.counter('ocsp_staple_omitted');
    this.ocspStapleResponses = scope.counter('ocsp_staple_responses');
    this.ocspStapleRequests = scope.counter('ocsp_staple_requests');
    this.wasKeyUsageInvalid = scope.counter('was_key_usage_invalid');
  }

  /** Counts a handshake and what it agreed on. */
  onHandshake(state: TlsState): void {
    this.handshake.inc();
    if (state.isSessionReused()) this.sessionReused.inc();
    this.count(`ciphers.${state.cipher().name}`);
    this.count(`versions.${state.protocol()}`);
    const key = state.ephemeralKey();
    if (key !== null) this.count(`curves.${groupName(key)}`);
    // A resumed session has no certificate to show, though it began with one.
    if (!state.isSessionReused() && state.peerChain().length === 0) this.noCertificate.inc();
  }

  private count(name: string): void {
    let counter = this.seen.get(name);
    if (counter === undefined) {
      counter = this.scope.counter(name);
      this.seen.set(name, counter);
    }
    counter.inc();
  }
}

/** OpenSSL's names of groups -> BoringSSL's, which Envoy shows. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'P-256'], ['secp384r1', 'P-384'], ['secp521r1', 'P-521'], ['x25519', 'X25519'], ['X25519', 'X25519'],
]);

/** The group of a key exchange in BoringSSL's words; empty = none that is known. */
export function groupName(key: EphemeralKeyInfo | null): string {
  if (key === null) return '';
  const name = key.name ?? key.type;
  return CURVES.get(name) ?? name;
}
