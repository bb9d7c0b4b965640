import type { RouteAction_HashPolicy as HashPolicyMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { xxHash64 } from '../../../common/hash/xxhash64.ts';
import { cookieValue } from '../../../common/http/cookies.ts';
import { firstQueryValue } from '../../../common/http/query-params.ts';
import { regexOf } from '../../../common/matchers/string-matcher.ts';
import { notYet } from '../../../common/not-yet.ts';
import type { Regex } from '../../../common/regex/regex.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { HashPolicy } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';

interface HashMethod {
  /** Null: nothing to hash, the next method goes on. */
  evaluate(headers: HeaderMap, streamInfo: StreamInfo): bigint | null;
  readonly terminal: boolean;
}

const MASK = 0xffff_ffff_ffff_ffffn;

/** route.hash_policy: the hashes of all methods that have one, each rotated over the next. */
export class RouteHashPolicy implements HashPolicy {
  private readonly methods: readonly HashMethod[];

  constructor(messages: readonly HashPolicyMessage[]) {
    this.methods = messages.flatMap((message, i) => configAt(`hash_policy[${i}]`, () => methodOf(message)) ?? []);
  }

  generateHash(headers: HeaderMap, streamInfo: StreamInfo): bigint | null {
    let hash: bigint | null = null;
    for (let i = 0; i < this.methods.length; i++) {
      const next = this.methods[i].evaluate(headers, streamInfo);
      if (next !== null) hash = hash === null ? next : (((hash << 1n) | (hash >> 63n)) & MASK) ^ next;
      if (this.methods[i].terminal && hash !== null) break;
    }
    return hash;
  }
}

function methodOf(message: HashPolicyMessage): HashMethod | null {
  const { policySpecifier: specifier, terminal } = message;
  switch (specifier.case) {
    case 'header': return headerMethod(specifier.value, terminal);
    case 'cookie': {
      if (specifier.value.ttl !== undefined) throw notYet('generated hash cookies (hash_policy.cookie.ttl)', 'cookie.ttl');
      const name = toByteString(specifier.value.name);
      return { terminal, evaluate: (headers) => hashOf(cookieValue(headers, name) || null) };
    }
    case 'connectionProperties':
      if (!specifier.value.sourceIp) return null;
      return { terminal, evaluate: (_, info) => (info.downstreamRemoteAddress.kind === 'ip' ? xxHash64(info.downstreamRemoteAddress.ip) : null) };
    case 'queryParameter': {
      const name = toByteString(specifier.value.name);
      return { terminal, evaluate: (headers) => hashOf(firstQueryValue(headers.get(':path') ?? '', name)) };
    }
    case 'filterState': {
      const key = specifier.value.key;
      return { terminal, evaluate: (_, info) => hashOfState(info.filterState?.get(key)) };
    }
    default: throw new ConfigError('a hash policy needs a specifier');
  }
}

type HeaderSpecifier = Extract<HashPolicyMessage['policySpecifier'], { case: 'header' }>['value'];

/** Values of the header in sorted order, so that the order of sending does not matter. */
function headerMethod(message: HeaderSpecifier, terminal: boolean): HashMethod {
  const name = asciiLowerCase(toByteString(message.headerName));
  const rewrite = message.regexRewrite;
  const pattern = rewrite?.pattern;
  const regex: Regex | null = pattern === undefined ? null : configAt('header.regex_rewrite.pattern', () => regexOf(pattern));
  const substitution = toByteString(rewrite?.substitution ?? '');
  return {
    terminal,
    evaluate: (headers) => {
      const values = headers.getAll(name);
      if (values.length === 0) return null;
      const hashed = regex === null ? values : values.map((value) => regex.replaceAll(value, substitution));
      return hashed.sort().reduce((seed, value) => xxHash64(value, seed), 0n);
    },
  };
}

function hashOf(value: string | null): bigint | null {
  return value === null ? null : xxHash64(value);
}

function hashOfState(value: unknown): bigint | null {
  return typeof value === 'string' ? xxHash64(toByteString(value)) : null;
}
