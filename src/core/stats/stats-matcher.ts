import type { StatsMatcher } from '#api/envoy/config/metrics/v3/stats_pb.js';
import type { ListStringMatcher } from '#api/envoy/type/matcher/v3/string_pb.js';
import { buildStringMatcher } from '../../common/matchers/string-matcher.ts';
import { configAt } from '../../contract/errors.ts';

/** Which statistics there are, by their full names. */
export type StatsFilter = (name: string) => boolean;

/** Builds `stats_config.stats_matcher`; null when it lets everything pass. Throws ConfigError with paths from the matcher. */
export function buildStatsMatcher(message: StatsMatcher): StatsFilter | null {
  const choice = message.statsMatcher;
  switch (choice.case) {
    case 'rejectAll': return choice.value ? () => false : null;
    case 'exclusionList': {
      const excluded = anyOf(choice.value, 'exclusion_list');
      return (name) => !excluded(name);
    }
    case 'inclusionList': return anyOf(choice.value, 'inclusion_list');
    default: return null;
  }
}

function anyOf(list: ListStringMatcher, path: string): StatsFilter {
  const matchers = list.patterns.map((each, i) => configAt(`${path}.patterns[${i}]`, () => buildStringMatcher(each)));
  return (name) => matchers.some((matcher) => matcher.matches(name));
}
