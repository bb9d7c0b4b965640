import type { PathMatcher as PathMatcherMessage } from '#api/envoy/type/matcher/v3/path_pb.js';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { removeQueryAndFragment } from '../http/path.ts';
import { buildStringMatcher } from './string-matcher.ts';
import type { StringMatcher } from './string-matcher.ts';

/** envoy.type.matcher.v3.PathMatcher: the path of a request without query and fragment. */
export class PathMatcher implements StringMatcher {
  private readonly matcher: StringMatcher;

  constructor(message: PathMatcherMessage) {
    const { rule } = message;
    if (rule.case !== 'path') throw new ConfigError('path matcher without a rule', { hint: 'set path' });
    this.matcher = configAt('path', () => buildStringMatcher(rule.value));
  }

  matches(path: string): boolean {
    return this.matcher.matches(removeQueryAndFragment(path));
  }
}
