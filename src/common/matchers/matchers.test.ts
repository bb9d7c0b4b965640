import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeaderMatcher as HeaderMatcherMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import type { MetadataMatcher as MetadataMessage } from '#api/envoy/type/matcher/v3/metadata_pb.js';
import type { StringMatcher as StringMatcherMessage } from '#api/envoy/type/matcher/v3/string_pb.js';
import { HeaderMap } from '../../contract/header-map.ts';
import { fromYaml } from '../testing/messages.ts';
import { buildHeaderMatcher } from './header-matcher.ts';
import { buildStringMatcher } from './string-matcher.ts';
import { MetadataMatcher } from './value-matcher.ts';

const STRINGS: readonly (readonly [string, string, boolean])[] = [
  ['exact: abc', 'abc', true], ['exact: abc', 'ABC', false], ['{exact: aBc, ignore_case: true}', 'AbC', true], ['prefix: ab', 'abc', true],
  ['{prefix: AB, ignore_case: true}', 'abc', true], ['{prefix: abcd, ignore_case: true}', 'abc', false], ['suffix: bc', 'abc', true],
  ['{suffix: BC, ignore_case: true}', 'abc', true], ['contains: b', 'abc', true], ['{contains: B, ignore_case: true}', 'abc', true],
  ['safe_regex: {regex: "a.c"}', 'abc', true], ['safe_regex: {regex: b}', 'abc', false], ['exact: é', '\xc3\xa9', true],
  ['{exact: É, ignore_case: true}', '\xc3\xa9', false],
];

test('string matchers', () => {
  for (const [yaml, value, expected] of STRINGS) {
    const matcher = buildStringMatcher(fromYaml<StringMatcherMessage>('envoy.type.matcher.v3.StringMatcher', yaml));
    assert.equal(matcher.matches(value), expected, `${yaml} ${value}`);
  }
});

test('ignore_case with a regex is refused', () => {
  const message = fromYaml<StringMatcherMessage>('envoy.type.matcher.v3.StringMatcher', '{safe_regex: {regex: a}, ignore_case: true}');
  assert.throws(() => buildStringMatcher(message), /^ConfigError: ignore_case has no effect for safe_regex\.$/);
});

/** Each row was run against Envoy 1.40. */
const HEADERS: readonly (readonly [string, readonly string[], boolean])[] = [
  ['string_match: {exact: a}', ['a', 'b'], true],
  ['string_match: {exact: a}', ['b', 'a'], true],
  ['string_match: {exact: a}', ['a,b'], false],
  ['string_match: {exact: a}', [], false],
  ['{string_match: {exact: a}, invert_match: true}', ['a', 'b'], false],
  ['{string_match: {exact: a}, invert_match: true}', ['b', 'c'], true],
  ['{string_match: {exact: a}, invert_match: true}', [], false],
  ['string_match: {exact: "a,b"}', ['a', 'b'], false],
  ['{string_match: {exact: ""}, treat_missing_header_as_empty: true}', [], true],
  ['{string_match: {exact: b}, invert_match: true, treat_missing_header_as_empty: true}', [], true],
  ['{string_match: {exact: b}, invert_match: true, treat_missing_header_as_empty: true}', ['b', 'c'], false],
  ['range_match: {start: 1, end: 10}', ['50', '5'], true],
  ['{range_match: {start: 1, end: 10}, invert_match: true}', ['50', '5'], false],
  ['{range_match: {start: 1, end: 10}, invert_match: true}', ['foo'], true],
  ['range_match: {start: -5, end: 10}', ['-5'], true],
  ['range_match: {start: 1, end: 10}', ['10'], false],
  ['exact_match: a', ['a', 'b'], true],
  ['exact_match: ""', ['zz'], true],
  ['exact_match: ""', [], false],
  ['present_match: true', ['x'], true],
  ['present_match: false', ['x'], false],
  ['present_match: false', [], true],
  ['{present_match: true, invert_match: true}', [], true],
  ['{present_match: true, treat_missing_header_as_empty: true}', [], true],
  ['{}', ['x'], true],
  ['{}', [], false],
];

test('header matchers, value by value', () => {
  for (const [yaml, values, expected] of HEADERS) {
    const text = yaml.startsWith('{') ? `{name: X, ${yaml.slice(1)}`.replace(', }', '}') : `{name: X, ${yaml}}`;
    const matcher = buildHeaderMatcher(fromYaml<HeaderMatcherMessage>('envoy.config.route.v3.HeaderMatcher', text));
    const headers = HeaderMap.of(['y', 'a'], ...values.map((value): [string, string] => ['x', value]));
    assert.equal(matcher.matches(headers), expected, `${yaml} ${values.join('|')}`);
  }
});

test('metadata matchers', () => {
  const source = new Map<string, Record<string, unknown>>([['ns', { a: { b: 'x' }, num: 3, list: ['p', 'q'], yes_: true, nil: null }]]);
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['[{key: a}, {key: b}]', '{string_match: {exact: x}}', true],
    ['[{key: a}, {key: c}]', '{present_match: true}', false],
    ['[{key: num}]', '{double_match: {range: {start: 3, end: 4}}}', true],
    ['[{key: num}]', '{double_match: {exact: 4}}', false],
    ['[{key: list}]', '{list_match: {one_of: {string_match: {exact: q}}}}', true],
    ['[{key: yes_}]', '{bool_match: true}', true],
    ['[{key: nil}]', '{null_match: {}}', true],
    ['[{key: a}, {key: b}]', '{or_match: {value_matchers: [{bool_match: true}, {string_match: {prefix: x}}]}}', true],
    ['[{key: __proto__}]', '{present_match: true}', false],
  ];
  for (const [path, value, expected] of rows) {
    for (const invert of [false, true]) {
      const yaml = `{filter: ns, path: ${path}, value: ${value}, invert: ${invert}}`;
      const matcher = new MetadataMatcher(fromYaml<MetadataMessage>('envoy.type.matcher.v3.MetadataMatcher', yaml));
      assert.equal(matcher.matches(source), expected !== invert, yaml);
    }
  }
});
