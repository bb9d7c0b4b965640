import type { FilterStateMatcher as FilterStateMatcherMessage } from '#api/envoy/type/matcher/v3/filter_state_pb.js';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { toByteString } from '../byte-string.ts';
import { IpObject } from '../filter-state/objects.ts';
import { CidrSet } from '../network/cidr.ts';
import { buildStringMatcher } from './string-matcher.ts';

/** envoy.type.matcher.v3.FilterStateMatcher: decides over one object of filter state; false when it is not there. */
export interface FilterStateMatcher {
  matches(state: ReadonlyMap<string, unknown> | null): boolean;
}

export function buildFilterStateMatcher(message: FilterStateMatcherMessage): FilterStateMatcher {
  const { key, matcher } = message;
  if (matcher.case === 'stringMatch') {
    const inner = configAt('string_match', () => buildStringMatcher(matcher.value));
    return {
      matches(state) {
        const text = filterStateText(state?.get(key));
        return text !== null && inner.matches(text);
      },
    };
  }
  if (matcher.case !== 'addressMatch') throw new ConfigError('filter state matcher without a matcher', { hint: 'set string_match or address_match' });
  const ranges = new CidrSet();
  matcher.value.ranges.forEach((range, i) =>
    configAt(`address_match.ranges[${i}]`, () => ranges.add(range.addressPrefix, range.prefixLen ?? 0)));
  const invert = matcher.value.invertMatch;
  return {
    matches(state) {
      const object = state?.get(key);
      return object instanceof IpObject && ranges.has(object.ip) !== invert;
    },
  };
}

/** The text of an object, one character a byte; null when it has none. */
export function filterStateText(value: unknown): string | null {
  if (typeof value === 'string') return toByteString(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object' || value === null || !('filterStateText' in value) || typeof value.filterStateText !== 'function') return null;
  const text: unknown = Reflect.apply(value.filterStateText, value, []);
  return typeof text === 'string' ? text : null;
}
