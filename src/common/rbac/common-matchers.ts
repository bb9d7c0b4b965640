import type { CidrRange } from '#api/envoy/config/core/v3/address_pb.js';
import type { SourcedMetadata } from '#api/envoy/config/rbac/v3/rbac_pb.js';
import type { HeaderMatcher as HeaderMatcherMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import type { MetadataMatcher as MetadataMatcherMessage } from '#api/envoy/type/matcher/v3/metadata_pb.js';
import type { PathMatcher as PathMatcherMessage } from '#api/envoy/type/matcher/v3/path_pb.js';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { Address } from '../../contract/address.ts';
import { buildHeaderMatcher } from '../matchers/header-matcher.ts';
import { PathMatcher } from '../matchers/path-matcher.ts';
import { MetadataMatcher } from '../matchers/value-matcher.ts';
import { CidrSet } from '../network/cidr.ts';
import type { RbacMatcher, RbacSubject } from './subject.ts';

/** Rules that permissions and principals have in common. */

export const ANY: RbacMatcher = { matches: () => true };

export class And implements RbacMatcher {
  private readonly parts: readonly RbacMatcher[];

  constructor(parts: readonly RbacMatcher[]) {
    this.parts = parts;
  }

  matches(subject: RbacSubject): boolean {
    for (let i = 0; i < this.parts.length; i++) if (!this.parts[i].matches(subject)) return false;
    return true;
  }
}

export class Or implements RbacMatcher {
  private readonly parts: readonly RbacMatcher[];

  constructor(parts: readonly RbacMatcher[]) {
    this.parts = parts;
  }

  matches(subject: RbacSubject): boolean {
    for (let i = 0; i < this.parts.length; i++) if (this.parts[i].matches(subject)) return true;
    return false;
  }
}

export class Not implements RbacMatcher {
  private readonly part: RbacMatcher;

  constructor(part: RbacMatcher) {
    this.part = part;
  }

  matches(subject: RbacSubject): boolean {
    return !this.part.matches(subject);
  }
}

/** An address of the subject within a range; what is no IP address never is. */
export class InRange implements RbacMatcher {
  private readonly ranges: CidrSet;
  private readonly addressOf: (subject: RbacSubject) => Address;

  constructor(range: CidrRange, addressOf: (subject: RbacSubject) => Address) {
    this.ranges = new CidrSet();
    this.addressOf = addressOf;
    try {
      this.ranges.add(range.addressPrefix, range.prefixLen ?? 0);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigError(`Failed to create CIDR range: ${error.why}`, { path: error.path });
    }
  }

  matches(subject: RbacSubject): boolean {
    const address = this.addressOf(subject);
    return address.kind === 'ip' && this.ranges.has(address.ip);
  }
}

export function headerRule(message: HeaderMatcherMessage): RbacMatcher {
  const matcher = buildHeaderMatcher(message);
  return { matches: ({ headers }) => headers !== null && matcher.matches(headers) };
}

export function pathRule(message: PathMatcherMessage): RbacMatcher {
  const matcher = new PathMatcher(message);
  return {
    matches({ headers }) {
      const path = headers?.get(':path') ?? null;
      return path !== null && matcher.matches(path);
    },
  };
}

export function metadataRule(message: MetadataMatcherMessage): RbacMatcher {
  const matcher = new MetadataMatcher(message);
  return { matches: ({ info }) => matcher.matches(info.dynamicMetadata) };
}

export function sourcedMetadataRule(message: SourcedMetadata): RbacMatcher {
  const inner = message.metadataMatcher;
  if (inner === undefined) throw new ConfigError('value is required', { path: 'metadata_matcher' });
  return configAt('metadata_matcher', () => {
    const source: number = message.metadataSource;
    if (source === 0) return metadataRule(inner);
    const matcher = new MetadataMatcher(inner);
    return { matches: ({ info }) => info.route !== null && matcher.matches(info.route.metadata) };
  });
}
