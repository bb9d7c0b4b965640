import type { CookieMatcher as CookieMatcherMessage, QueryParameterMatcher as QueryMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import { configAt } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { toByteString } from '../byte-string.ts';
import { cookieValue } from '../http/cookies.ts';
import { firstQueryValue } from '../http/query-params.ts';
import { buildStringMatcher } from './string-matcher.ts';
import type { StringMatcher } from './string-matcher.ts';

/** envoy.config.route.v3.QueryParameterMatcher: looks at the first value of a name, undecoded. */
export class QueryParameterMatcher {
  private readonly name: string;
  /** Null: presence decides. */
  private readonly value: StringMatcher | null;
  private readonly present: boolean;

  constructor(message: QueryMessage) {
    const specifier = message.queryParameterMatchSpecifier;
    this.name = toByteString(message.name);
    this.value = specifier.case === 'stringMatch' ? configAt('string_match', () => buildStringMatcher(specifier.value)) : null;
    this.present = specifier.case === 'presentMatch' ? specifier.value : true;
  }

  /** `path` is the whole `:path`. */
  matches(path: string): boolean {
    const value = firstQueryValue(path, this.name);
    if (this.value === null) return (value !== null) === this.present;
    return value !== null && this.value.matches(value);
  }
}

/** envoy.config.route.v3.CookieMatcher: the first cookie of the name; a missing one matches only when inverted. */
export class CookieMatcher {
  private readonly name: string;
  private readonly value: StringMatcher;
  private readonly invert: boolean;

  constructor(message: CookieMatcherMessage) {
    this.name = toByteString(message.name);
    this.value = configAt('string_match', () => buildStringMatcher(requireMatcher(message)));
    this.invert = message.invertMatch;
  }

  matches(headers: HeaderMap): boolean {
    const value = cookieValue(headers, this.name);
    return (value !== null && this.value.matches(value)) !== this.invert;
  }
}

function requireMatcher(message: CookieMatcherMessage): NonNullable<CookieMatcherMessage['stringMatch']> {
  if (message.stringMatch === undefined) throw new TypeError('CookieMatcher.string_match is required by its validation rules');
  return message.stringMatch;
}
