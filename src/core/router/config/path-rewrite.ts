import type { RegexMatchAndSubstitute } from '#api/envoy/type/matcher/v3/regex_pb.js';
import { toByteString } from '../../../common/byte-string.ts';
import { removeQueryAndFragment } from '../../../common/http/path.ts';
import { regexOf } from '../../../common/matchers/string-matcher.ts';
import type { Regex } from '../../../common/regex/regex.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { PathMatch } from './route-match.ts';

/** A regular expression and what its matches become. */
export class RegexSubstitution {
  private readonly regex: Regex;
  private readonly substitution: string;

  constructor(message: RegexMatchAndSubstitute) {
    const pattern = message.pattern;
    if (pattern === undefined) throw new ConfigError('a pattern is required', { path: 'pattern' });
    this.regex = configAt('pattern', () => regexOf(pattern));
    this.substitution = toByteString(message.substitution);
  }

  apply(text: string): string {
    return this.regex.replaceAll(text, this.substitution);
  }
}

/** prefix_rewrite and regex_rewrite of routes and redirects. The query is kept. */
export class PathRewrite {
  private readonly prefix: string;
  private readonly regex: RegexSubstitution | null;
  private readonly match: PathMatch;

  constructor(prefix: string, regex: RegexSubstitution | null, match: PathMatch) {
    this.prefix = toByteString(prefix);
    this.regex = regex;
    this.match = match;
  }

  get isEmpty(): boolean {
    return this.prefix === '' && this.regex === null;
  }

  /** The new path, or empty for "leave it". */
  rewrite(path: string): string {
    if (this.prefix !== '') return this.prefix + path.slice(this.matchedLength(path));
    if (this.regex === null) return '';
    const only = removeQueryAndFragment(path);
    const changed = this.regex.apply(only);
    return changed === '' ? '' : changed + path.slice(only.length);
  }

  /** What of the path the route matched: its prefix or path, or for regex and connect all of it. */
  private matchedLength(path: string): number {
    return this.match.text !== '' || this.match.kind <= 2 ? this.match.text.length : removeQueryAndFragment(path).length;
  }
}
