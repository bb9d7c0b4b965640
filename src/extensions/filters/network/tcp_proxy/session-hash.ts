import type { HashPolicy } from '#api/envoy/type/v3/hash_policy_pb.js';
import { xxHash64 } from '../../../../common/hash/xxhash64.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import type { StreamInfo } from '../../../../contract/stream-info.ts';

/** Hash of a session for consistent load balancing, or null for none. */
export interface SessionHash {
  hash(info: StreamInfo): bigint | null;
}

/** At most one policy, as validation says. */
export function readHashPolicy(policies: readonly HashPolicy[]): SessionHash | null {
  const specifier = policies.at(0)?.policySpecifier;
  if (specifier === undefined) return null;
  switch (specifier.case) {
    case 'sourceIp': return { hash: (info) => (info.downstreamRemoteAddress.kind === 'ip' ? xxHash64(info.downstreamRemoteAddress.ip) : null) };
    case 'filterState': {
      const { key } = specifier.value;
      return {
        hash: (info) => {
          const state = info.filterState?.get(key);
          return typeof state === 'string' ? xxHash64(state) : null;
        },
      };
    }
    default: throw new ConfigError('a hash policy needs a specifier', { path: '[0]', hint: 'set source_ip or filter_state' });
  }
}
