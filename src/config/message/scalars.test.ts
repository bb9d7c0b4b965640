import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScalarType } from '@bufbuild/protobuf';
import { api } from '../api/registry.ts';
import type { Json } from './json.ts';
import { ReadContext } from './read-context.ts';
import { FAILED, scalarReader } from './scalars.ts';

function read(type: ScalarType, value: Json): unknown {
  const context = new ReadContext(api());
  const result = scalarReader(type, false)(value, context);
  return result === FAILED ? context.problems[0]?.why : result;
}

// Settled with Envoy 1.40.
const ROWS: readonly (readonly [ScalarType, Json, unknown])[] = [
  [ScalarType.STRING, 'a', 'a'],
  [ScalarType.STRING, 5, 'expected a string, not the number 5'],
  [ScalarType.STRING, true, 'expected a string, not true'],
  [ScalarType.STRING, {}, 'expected a string, not an object'],
  [ScalarType.STRING, '\ud800', '"\\ud800" holds half of a surrogate pair, which is no character'],
  [ScalarType.BOOL, true, true],
  [ScalarType.BOOL, 'True', true],
  [ScalarType.BOOL, 'yes', true],
  [ScalarType.BOOL, '1', true],
  [ScalarType.BOOL, 'n', false],
  [ScalarType.BOOL, 'on', 'expected true or false, not the string "on"'],
  [ScalarType.BOOL, ' true', 'expected true or false, not the string " true"'],
  [ScalarType.BOOL, 1, 'expected true or false, not the number 1'],
  [ScalarType.UINT32, 5, 5],
  [ScalarType.UINT32, 5e3, 5000],
  [ScalarType.UINT32, '5', 5],
  [ScalarType.UINT32, '+5', 5],
  [ScalarType.UINT32, '05', 5],
  [ScalarType.UINT32, '5e3', 5000],
  [ScalarType.UINT32, '5.0', 5],
  [ScalarType.UINT32, '0x10', 16],
  [ScalarType.UINT32, ' 5', 'expected an integer, not the string " 5"'],
  [ScalarType.UINT32, '5 ', 'expected an integer, not the string "5 "'],
  [ScalarType.UINT32, '', 'expected an integer, not the string ""'],
  [ScalarType.UINT32, '1_000', 'expected an integer, not the string "1_000"'],
  [ScalarType.UINT32, 5.5, 'expected an integer, not the number 5.5'],
  [ScalarType.UINT32, true, 'expected an integer, not true'],
  [ScalarType.UINT32, -1, '-1 is out of range for uint32 (0 to 4294967295)'],
  [ScalarType.UINT32, 4294967296, '4294967296 is out of range for uint32 (0 to 4294967295)'],
  [ScalarType.INT32, -2147483648, -2147483648],
  [ScalarType.UINT64, '18446744073709551615', 18446744073709551615n],
  [ScalarType.UINT64, 18446744073709551616n, '18446744073709551616 is out of range for uint64 (0 to 18446744073709551615)'],
  [ScalarType.INT64, '-9223372036854775808', -9223372036854775808n],
  [ScalarType.DOUBLE, '5.5', 5.5],
  [ScalarType.DOUBLE, '.5', 0.5],
  [ScalarType.DOUBLE, '5.', 5],
  [ScalarType.DOUBLE, ' 5', 5],
  [ScalarType.DOUBLE, 'NaN', NaN],
  [ScalarType.DOUBLE, '-Infinity', -Infinity],
  [ScalarType.DOUBLE, '.inf', 'expected a number, not the string ".inf"'],
  [ScalarType.DOUBLE, '1_0', 'expected a number, not the string "1_0"'],
  [ScalarType.FLOAT, 0.1, Math.fround(0.1)],
  [ScalarType.FLOAT, 1e39, '1e+39 is out of range for float'],
  [ScalarType.BYTES, 'aGk=', Uint8Array.of(104, 105)],
  [ScalarType.BYTES, 'aGk', Uint8Array.of(104, 105)],
  [ScalarType.BYTES, '-_8', Uint8Array.of(251, 255)],
  [ScalarType.BYTES, 'a!b', '"a!b" is not base64'],
  [ScalarType.BYTES, 'a', '"a" is not base64'],
  [ScalarType.BYTES, 'aGVsbG8==', '"aGVsbG8==" is not base64'],
];

for (const [type, value, expected] of ROWS) {
  const shown = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
  test(`${ScalarType[type]} from ${shown}`, () => {
    assert.deepEqual(read(type, value), expected);
  });
}

test('an integer that a number cannot hold exactly asks for its digits', () => {
  const context = new ReadContext(api());
  scalarReader(ScalarType.UINT64, false)(2 ** 53, context);
  assert.equal(context.inexact, true);
});
