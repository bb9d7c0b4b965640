import assert from 'node:assert/strict';
import { test } from 'node:test';
import { yamlFormat } from './yaml-format.ts';
import type { Json } from '../message/json.ts';

/** The value of `a: TEXT`. */
function read(text: string): Json {
  const parsed = yamlFormat.parse(`a: ${text}\n`);
  assert.ok('value' in parsed, JSON.stringify(parsed));
  return (parsed.value as { a: Json }).a;
}

// Each row was settled by running Envoy 1.40 on it (string, boolean and integer fields tell the kinds apart).
const ROWS: readonly (readonly [string, Json])[] = [
  ['y', true], ['Y', true], ['yes', true], ['Yes', true], ['YES', true], ['on', true], ['On', true], ['true', true], ['TRUE', true],
  ['n', false], ['N', false], ['no', false], ['off', false], ['OFF', false], ['false', false], ['False', false],
  ['yEs', 'yEs'], ['oFF', 'oFF'], ['tRUE', 'tRUE'], ['t', 't'], ['T', 'T'], ['f', 'f'],
  ['5', 5], ['+7', 7], ['-7', -7], ['-0', 0], ['0x10', 16], ['0X1F', 31], ['+0x10', 16], ['-0x1', -1], ['010', 8], ['0', 0], ['00', 0],
  ['08', '08'], ['09', '09'], ['0o10', '0o10'], ['0b1', '0b1'], ['0x', '0x'], ['0x1z', '0x1z'], ['1_000', '1_000'],
  ['2147483647', 2147483647], ['2147483648', '2147483648'], ['-2147483649', '-2147483649'],
  ['5000000000', '5000000000'], ['0xFFFFFFFFFF', '1099511627775'],
  ['9223372036854775807', '9223372036854775807'], ['18446744073709551615', '18446744073709551615'],
  ['5.0', '5.0'], ['0.5', '0.5'], ['.5', '.5'], ['1e3', '1e3'], ['.inf', '.inf'], ['.nan', '.nan'],
  ['2001-01-01', '2001-01-01'], ['12:30:45', '12:30:45'], ['=', '='], ['<<', '<<'], ['a:b', 'a:b'], ['a#b', 'a#b'], ['a # b', 'a'],
  ['~', null], ['null', null], ['Null', null], ['NULL', null], ['', null], ['nULL', 'nULL'],
  ['"5"', '5'], ["'0x10'", '0x10'], ['"true"', 'true'], ['"~"', '~'], ["'it''s'", "it's"], ['"a\\x41\\u263a"', 'aA\u263a'],
  ['!!str 5', 5], ['!!int "5"', 5], ['!!bool "yes"', true], ['!!str yes', true], ['!!float 5', 5], ['!!null x', 'x'], ['!!binary aGk=', 'aGk='],
  ['! 5', '5'], ['! true', 'true'], ['!foo 5', 5], ['!foo x', 'x'],
  ['|\n  5', '5\n'], ['>-\n  true', 'true'], ['5\t# c', 5], ['&x abc', 'abc'], ['-a', '-a'], [':a', ':a'], ['?a', '?a'],
];

for (const [text, expected] of ROWS) {
  test(`the scalar ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(read(text), expected);
  });
}
