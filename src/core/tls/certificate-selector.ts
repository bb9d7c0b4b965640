import type { ClientHello } from '../../codec/client-hello/client-hello.ts';
import type { OwnCertificate } from './certificate.ts';

interface Certified {
  readonly certificate: Pick<OwnCertificate, 'names' | 'group'>;
}

/** Cipher suites of TLS 1.2 that sign with ECDSA, from Envoy's lists (RFC 5289, RFC 7905, RFC 8422). */
const ECDSA_SUITES: ReadonlySet<number> = new Set([0xc02b, 0xc02c, 0xcca9, 0xc009, 0xc00a, 0xc023, 0xc024]);
/** Signature schemes of TLS 1.3 with ECDSA -> their group. */
const ECDSA_SCHEMES: ReadonlyMap<number, number> = new Map([[0x0403, 23], [0x0503, 24], [0x0603, 25]]);
const TLS13 = 0x0304;
const ECDSA_GROUPS = [23, 24, 25];

/**
 * Chooses a certificate as Envoy's default selector: by the exact server name, then by the wildcard one level up, then (without SNI, or when asked for)
 * among all; ECDSA where the client can, else RSA; the first of the list when nothing fits.
 */
export class CertificateSelector<C extends Certified> {
  private readonly all: readonly C[];
  private readonly byName: ReadonlyMap<string, readonly C[]>;
  private readonly fullScan: boolean;

  /** `all` MUST NOT be empty. */
  constructor(all: readonly C[], fullScan: boolean) {
    this.all = all;
    this.fullScan = fullScan;
    const byName = new Map<string, C[]>();
    for (const each of all) {
      for (const name of each.certificate.names) {
        const list = byName.get(name);
        if (list === undefined) byName.set(name, [each]);
        // The first of a key type wins.
        else if (!list.some((other) => other.certificate.group === each.certificate.group)) list.push(each);
      }
    }
    this.byName = byName;
  }

  select(hello: ClientHello | null): C {
    const [first] = this.all;
    if (hello === null || this.all.length === 1) return first;
    const groups = ecdsaGroupsOf(hello);
    const name = hello.serverName;
    if (name !== '') {
      const named = pick(this.byName.get(name) ?? [], groups) ?? pick(this.byName.get(parentOf(name)) ?? [], groups);
      if (named !== null) return named;
      if (!this.fullScan) return first;
    }
    return pick(this.all, groups) ?? first;
  }
}

/** ECDSA that the client can, else RSA, else null. */
function pick<C extends Certified>(candidates: readonly C[], groups: readonly number[]): C | null {
  return candidates.find((each) => groups.includes(each.certificate.group)) ?? candidates.find((each) => each.certificate.group === 0) ?? null;
}

/** `.example.com` of `www.example.com`. */
function parentOf(name: string): string {
  const dot = name.indexOf('.', 1);
  return dot < 0 || dot === name.length - 1 ? '' : name.slice(dot);
}

/** Groups of ECDSA keys that the client can verify; empty = none. */
export function ecdsaGroupsOf(hello: ClientHello): readonly number[] {
  if (hello.versions.includes(TLS13)) {
    const groups: number[] = [];
    for (const scheme of hello.signatureAlgorithms) {
      const group = ECDSA_SCHEMES.get(scheme);
      if (group !== undefined) groups.push(group);
    }
    return groups;
  }
  if (!hello.cipherSuites.some((suite) => ECDSA_SUITES.has(suite))) return [];
  return hello.groups.filter((group) => ECDSA_GROUPS.includes(group));
}
