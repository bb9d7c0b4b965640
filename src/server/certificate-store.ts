import type { CertificateObserver, TlsContextCertificates } from '../contract/secrets.ts';
import type { Scope } from '../contract/stats.ts';

const DAY_MS = 86_400_000;
/** Envoy's gauge of what never expires: the greatest of 64 bits. */
const NEVER_SECONDS = Number(2n ** 63n - 1n);
const NEVER_DAYS = 4_294_967_295;

/** The certificates of all TLS contexts, for `/certs` and the gauges of expiration. Main thread only, which alone writes those gauges. */
export class CertificateStore implements CertificateObserver {
  readonly contexts: TlsContextCertificates[] = [];
  private readonly root: Scope;

  constructor(root: Scope) {
    this.root = root;
  }

  onTlsContext(context: TlsContextCertificates): void {
    this.contexts.push(context);
    const all = context.ca === null ? context.chain : [context.ca, ...context.chain];
    for (const { statName, info } of all) {
      const gauge = this.root.gauge(`${context.statsPrefix}ssl.certificate.${statName}.expiration_unix_time_seconds`);
      gauge.set(info === null ? NEVER_SECONDS : Math.floor(info.validTo / 1_000));
    }
  }

  /** Whole days until the first certificate of all expires; 0 = it has. `now`: wall clock, ms. */
  daysUntilFirstExpiry(now: number): number {
    let days = NEVER_DAYS;
    for (const { ca, chain } of this.contexts) {
      for (const each of ca === null ? chain : [ca, ...chain]) {
        if (each.info !== null) days = Math.min(days, daysUntil(each.info.validTo, now));
      }
    }
    return days;
  }
}

/** Never less than 0. */
export function daysUntil(time: number, now: number): number {
  return Math.max(0, Math.floor((time - now) / DAY_MS));
}
