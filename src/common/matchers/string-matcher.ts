import type { StringMatcher as StringMatcherMessage } from '#api/envoy/type/matcher/v3/string_pb.js';
import type { RegexMatcher } from '#api/envoy/type/matcher/v3/regex_pb.js';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { asciiLowerCase, toByteString } from '../byte-string.ts';
import { notYet } from '../not-yet.ts';
import { compileRegex } from '../regex/regex.ts';
import type { Regex } from '../regex/regex.ts';

/** Decides over one byte string. Compiled once at load, called per request. */
export interface StringMatcher {
  matches(value: string): boolean;
}

/** envoy.type.matcher.v3.StringMatcher, all kinds but `custom`. */
export function buildStringMatcher(message: StringMatcherMessage): StringMatcher {
  const pattern = message.matchPattern;
  const ignoreCase = message.ignoreCase;
  switch (pattern.case) {
    case 'exact': return ignoreCase ? new FoldedExact(pattern.value) : new Exact(pattern.value);
    case 'prefix': return ignoreCase ? new FoldedPrefix(pattern.value) : new Prefix(pattern.value);
    case 'suffix': return ignoreCase ? new FoldedSuffix(pattern.value) : new Suffix(pattern.value);
    case 'contains': return ignoreCase ? new FoldedContains(pattern.value) : new Contains(pattern.value);
    case 'safeRegex':
      if (ignoreCase) throw new ConfigError('ignore_case has no effect for safe_regex.', { path: 'ignore_case' });
      return new RegexFull(configAt('safe_regex', () => regexOf(pattern.value)));
    case 'custom':
      throw notYet(`string matcher extension '${pattern.value.name}'`, 'custom');
    default:
      throw new ConfigError('Configuration must define a matcher: ', { hint: 'set one of exact, prefix, suffix, safe_regex, contains' });
  }
}

/** envoy.type.matcher.v3.RegexMatcher. The path of an error begins at the message. */
export function regexOf(message: RegexMatcher): Regex {
  const engine = message.engineType;
  const max = engine.case === 'googleRe2' ? (engine.value.maxProgramSize ?? -1) : -1;
  return configAt('regex', () => compileRegex(message.regex, { maxProgramSize: max }));
}

export class Exact implements StringMatcher {
  private readonly text: string;

  constructor(text: string) {
    this.text = toByteString(text);
  }

  matches(value: string): boolean {
    return value === this.text;
  }
}

export class Prefix implements StringMatcher {
  private readonly text: string;

  constructor(text: string) {
    this.text = toByteString(text);
  }

  matches(value: string): boolean {
    return value.startsWith(this.text);
  }
}

export class Suffix implements StringMatcher {
  private readonly text: string;

  constructor(text: string) {
    this.text = toByteString(text);
  }

  matches(value: string): boolean {
    return value.endsWith(this.text);
  }
}

export class Contains implements StringMatcher {
  private readonly text: string;

  constructor(text: string) {
    this.text = toByteString(text);
  }

  matches(value: string): boolean {
    return value.includes(this.text);
  }
}

class FoldedExact implements StringMatcher {
  private readonly text: string;

  constructor(text: string) {
    this.text = asciiLowerCase(toByteString(text));
  }

  matches(value: string): boolean {
    return value.length === this.text.length && asciiLowerCase(value) === this.text;
  }
}

class FoldedPrefix implements StringMatcher {
  private readonly text: string;

  constructor(text: string) {
    this.text = asciiLowerCase(toByteString(text));
  }

  matches(value: string): boolean {
    return value.length >= this.text.length && asciiLowerCase(value.slice(0, this.text.length)) === this.text;
  }
}

class FoldedSuffix implements StringMatcher {
  private readonly text: string;

  constructor(text: string) {
    this.text = asciiLowerCase(toByteString(text));
  }

  matches(value: string): boolean {
    return value.length >= this.text.length && asciiLowerCase(value.slice(value.length - this.text.length)) === this.text;
  }
}

class FoldedContains implements StringMatcher {
  private readonly text: string;

  constructor(text: string) {
    this.text = asciiLowerCase(toByteString(text));
  }

  matches(value: string): boolean {
    return asciiLowerCase(value).includes(this.text);
  }
}

export class RegexFull implements StringMatcher {
  private readonly regex: Regex;

  constructor(regex: Regex) {
    this.regex = regex;
  }

  matches(value: string): boolean {
    return this.regex.fullMatch(value);
  }
}
