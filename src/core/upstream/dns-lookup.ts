import { lookup, Resolver } from 'node:dns';

/** Cluster.DnsLookupFamily */
export const DNS_AUTO = 0;
export const DNS_V4_ONLY = 1;
export const DNS_V6_ONLY = 2;
export const DNS_V4_PREFERRED = 3;
export const DNS_ALL = 4;

export interface DnsAnswer {
  /** False = no answer (timeout, server failure): what was known stays. A name that does not exist is an answer without addresses. */
  readonly ok: boolean;
  readonly addresses: readonly string[];
  /** Seconds that the answer holds; Infinity where it is not known. */
  readonly ttl: number;
  /** What went wrong, for the log. */
  readonly error: string;
}

/** Resolves host names. Main thread only. */
export interface DnsLookup {
  resolve(name: string, family: number, wantTtl: boolean, done: (answer: DnsAnswer) => void): void;
}

const EMPTY: DnsAnswer = { ok: true, addresses: [], ttl: Infinity, error: '' };

/**
 * The system's resolver (hosts file, search domains, resolv.conf), as Envoy's c-ares reads them too. Time to live comes from a second
 * question straight to the name servers, asked only where it is wanted.
 */
export class SystemDnsLookup implements DnsLookup {
  private readonly resolver = new Resolver();

  resolve(name: string, family: number, wantTtl: boolean, done: (answer: DnsAnswer) => void): void {
    const [first, second] = familyOrder(family);
    this.resolveOne(name, first, wantTtl, (answer) => {
      const enough = second === 0 || (family !== DNS_ALL && answer.ok && answer.addresses.length > 0);
      if (enough) {
        done(answer);
        return;
      }
      this.resolveOne(name, second, wantTtl, (other) => done(family === DNS_ALL ? merge(answer, other) : other));
    });
  }

  private resolveOne(name: string, family: 4 | 6, wantTtl: boolean, done: (answer: DnsAnswer) => void): void {
    lookup(name, { family, all: true, order: 'verbatim' }, (error, found) => {
      if (error !== null) {
        done(failure(error));
        return;
      }
      const addresses = [...new Set(found.map((each) => each.address))];
      if (wantTtl) this.findTtl(name, family, (ttl) => done({ ok: true, addresses, ttl, error: '' }));
      else done({ ok: true, addresses, ttl: Infinity, error: '' });
    });
  }

  private findTtl(name: string, family: 4 | 6, done: (ttl: number) => void): void {
    const take = (error: unknown, records: readonly { readonly ttl: number }[] | undefined): void => {
      done(error !== null || records === undefined || records.length === 0 ? Infinity : Math.min(...records.map((each) => each.ttl)));
    };
    if (family === 4) this.resolver.resolve4(name, { ttl: true }, take);
    else this.resolver.resolve6(name, { ttl: true }, take);
  }
}

/** 0 = no second try. */
function familyOrder(family: number): readonly [4 | 6, 0 | 4 | 6] {
  if (family === DNS_V4_ONLY) return [4, 0];
  if (family === DNS_V6_ONLY) return [6, 0];
  return family === DNS_V4_PREFERRED ? [4, 6] : [6, 4];
}

function merge(a: DnsAnswer, b: DnsAnswer): DnsAnswer {
  if (!a.ok) return b;
  if (!b.ok) return a;
  return { ok: true, addresses: [...a.addresses, ...b.addresses], ttl: Math.min(a.ttl, b.ttl), error: '' };
}

function failure(error: NodeJS.ErrnoException): DnsAnswer {
  if (error.code === 'ENOTFOUND' || error.code === 'ENODATA' || error.code === 'ENONAME') return EMPTY;
  return { ok: false, addresses: [], ttl: Infinity, error: error.message };
}
