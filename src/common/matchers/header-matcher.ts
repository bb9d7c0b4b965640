import type { HeaderMatcher as HeaderMatcherMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import { configAt } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { asciiLowerCase, parseInteger, toByteString } from '../byte-string.ts';
import { buildStringMatcher, Contains, Exact, Prefix, RegexFull, regexOf, Suffix } from './string-matcher.ts';
import type { StringMatcher } from './string-matcher.ts';

/** Decides over the headers of a message (envoy.config.route.v3.HeaderMatcher). */
export interface HeaderMatcher {
  matches(headers: HeaderMap): boolean;
}

/**
 * Since Envoy 1.39 each value of a repeated header is matched on its own: the header matches when any value does, and an inverted matcher
 * when none does. A header that is missing does not match, inverted or not, unless it is treated as empty.
 */
export function buildHeaderMatcher(message: HeaderMatcherMessage): HeaderMatcher {
  const name = asciiLowerCase(toByteString(message.name));
  const specifier = message.headerMatchSpecifier;
  if (specifier.case === undefined || specifier.case === 'presentMatch') {
    const present = specifier.case === undefined ? true : specifier.value;
    return new PresentMatcher(name, present !== message.invertMatch, message.treatMissingHeaderAsEmpty);
  }
  return new ValueMatcher(name, valueMatcher(specifier), message.invertMatch, message.treatMissingHeaderAsEmpty);
}

type ValueSpecifier = Exclude<HeaderMatcherMessage['headerMatchSpecifier'], { case: undefined } | { case: 'presentMatch' }>;

function valueMatcher(specifier: ValueSpecifier): StringMatcher {
  switch (specifier.case) {
    // Deprecated exact_match: an empty text matches every value.
    case 'exactMatch': return specifier.value === '' ? new Prefix('') : new Exact(specifier.value);
    case 'prefixMatch': return new Prefix(specifier.value);
    case 'suffixMatch': return new Suffix(specifier.value);
    case 'containsMatch': return new Contains(specifier.value);
    case 'safeRegexMatch': return new RegexFull(configAt('safe_regex_match', () => regexOf(specifier.value)));
    case 'rangeMatch': return new Range(Number(specifier.value.start), Number(specifier.value.end));
    case 'stringMatch': return configAt('string_match', () => buildStringMatcher(specifier.value));
  }
}

/** All of a list must match; the list's own path is the caller's. */
export function buildHeaderMatchers(messages: readonly HeaderMatcherMessage[], path: string): readonly HeaderMatcher[] {
  return messages.map((message, i) => configAt(`${path}[${i}]`, () => buildHeaderMatcher(message)));
}

/** Whether every matcher matches; an empty list does. */
export function matchHeaders(matchers: readonly HeaderMatcher[], headers: HeaderMap): boolean {
  for (let i = 0; i < matchers.length; i++) if (!matchers[i].matches(headers)) return false;
  return true;
}

/** Base-10 integer in [start, end). */
class Range implements StringMatcher {
  private readonly start: number;
  private readonly end: number;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  matches(value: string): boolean {
    const number = parseInteger(value);
    return number !== null && number >= this.start && number < this.end;
  }
}

class PresentMatcher implements HeaderMatcher {
  private readonly name: string;
  /** What presence answers; absence answers the opposite. */
  private readonly whenPresent: boolean;
  private readonly missingIsEmpty: boolean;

  constructor(name: string, whenPresent: boolean, missingIsEmpty: boolean) {
    this.name = name;
    this.whenPresent = whenPresent;
    this.missingIsEmpty = missingIsEmpty;
  }

  matches(headers: HeaderMap): boolean {
    return this.missingIsEmpty || headers.has(this.name) ? this.whenPresent : !this.whenPresent;
  }
}

class ValueMatcher implements HeaderMatcher {
  private readonly name: string;
  private readonly matcher: StringMatcher;
  private readonly invert: boolean;
  private readonly missingIsEmpty: boolean;

  constructor(name: string, matcher: StringMatcher, invert: boolean, missingIsEmpty: boolean) {
    this.name = name;
    this.matcher = matcher;
    this.invert = invert;
    this.missingIsEmpty = missingIsEmpty;
  }

  matches(headers: HeaderMap): boolean {
    const name = this.name;
    let at = headers.indexOf(name);
    if (at < 0) return this.missingIsEmpty && this.matcher.matches('') !== this.invert;
    for (; at >= 0; at = headers.indexOf(name, at + 1)) {
      if (this.matcher.matches(headers.valueAt(at))) return !this.invert;
    }
    return this.invert;
  }
}
