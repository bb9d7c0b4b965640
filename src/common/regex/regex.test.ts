import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RE2JS } from 're2js';
import { ConfigError } from '../../contract/errors.ts';
import type { Logger } from '../../contract/logger.ts';
import type { RuntimeSnapshot } from '../../contract/runtime.ts';
import { compileRegex, limitRegexSizes } from './regex.ts';
import { re2ToJs } from './re2-to-js.ts';
import { re2ProgramSize } from './program-size.ts';

function why(pattern: string): string {
  try {
    compileRegex(pattern);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.why;
  }
  return '';
}

/** Texts of Envoy 1.40 (`--mode validate`). */
const SYNTAX: readonly (readonly [string, string])[] = [
  ['*', 'no argument for repetition operator: *'], ['(', 'missing ): ('], ['[a', 'missing ]: [a'],
  ['a{2000}', 'invalid repetition size: {2000}'], ['\\8', 'invalid escape sequence: \\8'], ['(?P<n', 'invalid named capture group: (?P<n'],
  [')', 'unexpected ): )'], ['a**', 'bad repetition operator: **'], ['[z-a]', 'invalid character class range: z-a'],
  ['x(?=a)', 'invalid perl operator: (?='], ['\\', 'trailing \\'],
];

test('syntax errors speak as RE2 does', () => {
  for (const [pattern, text] of SYNTAX) assert.equal(why(pattern), text, pattern);
});

/** Program sizes that Envoy 1.40 printed for these patterns with google_re2.max_program_size 0. */
const SIZES: readonly (readonly [string, number])[] = [
  ['a', 5], ['abc', 7], ['a+', 6], ['a*', 5], ['a?', 6], ['a|b', 5], ['abc|def', 10], ['abc|abd', 7], ['(a)', 7], ['.*', 6],
  ['[0-9a-f-]{36}', 112], ['/api/v[0-9]+', 12], ['(?i)abc', 7], ['\\w+', 8], ['\\s', 7], ['\\bfoo\\b', 9], ['^abc$', 4], ['^[a-z]+$', 4],
  ['(foo|bar|baz)', 13], ['(/.*)?', 10], ['[a-z]{10,40}', 74], ['a+b+', 9], ['.*\\.(js|css|png|jpg)', 20], ['a*b*', 7], ['(a+)+', 9],
  ['^/api/v[0-9]+/x$', 8], ['(ab){2,3}', 17], ['(.+)-(.*)', 14], ['[A-Za-z0-9_-]+', 9], ['$', 4], ['^', 2],
];

test('program sizes are RE2\'s', () => {
  for (const [pattern, size] of SIZES) assert.equal(re2ProgramSize(RE2JS.compile(pattern)), size, pattern);
});

test('programs over the limit are refused in Envoy\'s words', () => {
  assert.equal(why('/api/v[0-9]+/users/([0-9a-f-]{36})/orders(/.*)?'),
    "regex '/api/v[0-9]+/users/([0-9a-f-]{36})/orders(/.*)?' RE2 program size of 142 > max program size of 100 set for the error level threshold. Increase configured max program size if necessary.");
  assert.throws(() => compileRegex('[a-z]{60,120}', { maxProgramSize: 150 }), /> max program size of 150\. Increase/);
  assert.ok(compileRegex('[a-z]{60,120}', { maxProgramSize: 200 }).fullMatch('a'.repeat(100)));
});

test('runtime sets the sizes that are refused and warned of; a worker asks no more', (t) => {
  t.after(() => limitRegexSizes(null));
  const warned: string[] = [];
  const logger: Logger = { name: 'misc', enabled: () => true, log: (_level, text) => void warned.push(text) };
  const values: Record<string, number> = { 're2.max_program_size.error_level': 200, 're2.max_program_size.warn_level': 150 };
  const snapshot = { getInteger: (key: string, fallback: number) => values[key] ?? fallback } as RuntimeSnapshot;
  limitRegexSizes({ snapshot: () => snapshot, logger });
  assert.ok(compileRegex('[a-z]{60,120}').fullMatch('a'.repeat(100)));
  assert.deepEqual(warned, ["regex '[a-z]{60,120}' RE2 program size of 184 > max program size of 150 set for the warn level threshold. Increase configured max program size if necessary."]);
  assert.match(why('[a-z]{160,220}'), /> max program size of 200 set for the error level threshold/);
  assert.match(why('(('), /missing/);
  limitRegexSizes('none');
  assert.equal(why('[a-z]{160,220}'), '');
});

const MATCHES: readonly (readonly [string, string, boolean])[] = [
  ['a|ab', 'ab', true], ['a', 'ab', false], ['.*', 'a\nb', false], ['(?s).*', 'a\nb', true], ['.', '\r', true], ['\\s', '\v', false],
  ['\\s', '\xa0', false], ['[]a]+', ']a', true], ['[^]a]+', 'b', true], ['(?i)Ab[c-d]', 'aBD', true], ['a(?i)b(?-i)c', 'aBc', true],
  ['a(?i)b(?-i)c', 'aBC', false], ['[[:alpha:]]+', 'aZ', true], ['[[:punct:]]', '/', true], ['\\Aab\\z', 'ab', true], ['\\Qa.b\\E+', 'a.bb', true],
  ['\\Qa.b\\E', 'axb', false], ['\\x41\\x{42}\\103', 'ABC', true], ['\\a\\f\\t\\n\\r\\v', '\x07\f\t\n\r\v', true], ['(?P<n>x)(?<m>y)', 'xy', true],
  ['x{,2}', 'x{,2}', true], ['a{2}', 'aa', true], ['(?:a|b){2,3}', 'aba', true], ['\\pL+', 'ab', true], ['(?m)^a$', 'a', true],
  ['é+', '\xc3\xa9\xa9', true], ['[\\d\\-x]+', '1-x', true], ['[a\\]]+', 'a]', true], ['(?U)a+', 'aaa', true], ['[^\\S]', ' ', true],
  ['\\/\\.', '/.', true], ['(?i)[[:lower:]]', 'A', true], ['\\b\\w+\\b', 'ab', true], ['', '', true],
];

test('matches as RE2 does, over bytes', () => {
  for (const [pattern, text, expected] of MATCHES) assert.equal(compileRegex(pattern).fullMatch(text), expected, `${pattern} ${JSON.stringify(text)}`);
});

test('the translation agrees with re2js on every byte', () => {
  for (const [pattern] of MATCHES) {
    const translated = re2ToJs(Buffer.from(pattern, 'utf8').toString('latin1'));
    if (translated === null) continue;
    const native = new RegExp(`^(?:${translated.source})$`);
    const reference = RE2JS.compile(Buffer.from(pattern, 'utf8').toString('latin1'));
    for (let code = 0; code < 256; code++) {
      for (const text of [String.fromCharCode(code), `a${String.fromCharCode(code)}`, `${String.fromCharCode(code)}b`]) {
        assert.equal(native.test(text), reference.testExact(text), `${pattern} ${JSON.stringify(text)}`);
      }
    }
  }
});

test('what JavaScript cannot say is left to re2js', () => {
  for (const pattern of ['\\pL', '(?m)^a', '(?U)a+', '\\x{263a}', '[^\\S]', '(?i)\xe9']) assert.equal(re2ToJs(pattern), null, pattern);
});

test('catastrophic patterns take linear time', () => {
  for (const pattern of ['(a+)+$', '(a|aa)+', '(.*)*x', '(?i)(a+)+', '(?:(?:a{1,9}){1,9})+b']) {
    const regex = compileRegex(pattern, { maxProgramSize: 10_000 });
    const start = process.cpuUsage();
    regex.fullMatch('a'.repeat(5_000) + '!');
    const spent = process.cpuUsage(start);
    assert.ok(spent.user + spent.system < 2_000_000, `${pattern}: ${(spent.user + spent.system) / 1_000} ms`);
  }
});

const REPLACEMENTS: readonly (readonly [string, string, string, string])[] = [
  ['^/(.*)/x$', '/foo/x', '/y/\\1', '/y/foo'], ['a*', 'baaac', '-', '-b-c-'], ['b', 'abcb', '\\\\', 'a\\c\\'], ['(a)(b)?', 'a', '\\2|\\1|\\0', '|a|a'],
  ['x', 'abc', 'y', 'abc'], ['(?:(a)|b)*', 'ab', '[\\1]', '[a]'],
];

test('replaceAll as RE2::GlobalReplace', () => {
  for (const [pattern, text, rewrite, expected] of REPLACEMENTS) assert.equal(compileRegex(pattern).replaceAll(text, rewrite), expected, pattern);
});
