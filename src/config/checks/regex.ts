import { RE2JS } from 're2js';
import type { RegexMatcher } from '#api/envoy/type/matcher/v3/regex_pb.js';
import type { CheckRun, Checks } from './check-run.ts';

/** RE2 for C++ says the same things in other words than its ports; Envoy shows its words. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^missing argument to repetition operator/, 'no argument for repetition operator'],
  [/^missing closing \)/, 'missing )'],
  [/^missing closing \]/, 'missing ]'],
  [/^unexpected \)/, 'unexpected )'],
  [/^invalid nested repetition operator/, 'bad repetition operator'],
  [/^invalid repeat count/, 'bad repetition operator'],
  [/^invalid or unsupported Perl syntax/, 'invalid perl operator'],
  [/^invalid escape sequence/, 'invalid escape sequence'],
  [/^trailing backslash at end of expression/, 'trailing \\'],
];

/** What is wrong with a regular expression of RE2's syntax, in Envoy's words, or null. */
export function regexFault(regex: string): string | null {
  try {
    RE2JS.compile(regex);
    return null;
  } catch (error) {
    return envoyWords(error instanceof Error ? error.message : String(error));
  }
}

function envoyWords(message: string): string {
  const text = message.replace(/^error parsing regexp: /, '').replace(/`([^`]*)`$/, '$1');
  for (const [theirs, envoys] of WORDS) if (theirs.test(text)) return text.replace(theirs, envoys);
  return text;
}

/** Expressions repeat in large configurations: each is compiled once. */
const known = new Map<string, string | null>();
const KNOWN_LIMIT = 10_000;

function checkRegex(matcher: RegexMatcher, run: CheckRun): void {
  let fault = known.get(matcher.regex);
  if (fault === undefined) {
    fault = regexFault(matcher.regex);
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(matcher.regex, fault);
  }
  if (fault === null) return;
  const hint = /perl operator/.test(fault) ? 'regular expressions are RE2: no lookahead, no lookbehind, no back references' : '';
  run.problem(['regex'], fault, hint);
}

export const regexChecks: Checks = {
  'envoy.type.matcher.v3.RegexMatcher': (message, run) => checkRegex(message as RegexMatcher, run),
};
