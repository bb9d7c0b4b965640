import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonFormat } from './json-format.ts';

function read(text: string): unknown {
  const parsed = jsonFormat.parse(text);
  return 'value' in parsed ? parsed.value : `${parsed.problems[0]?.offset ?? -1}: ${parsed.problems[0]?.why ?? ''}`;
}

// What Envoy's JSON reader takes beyond JSON, and what it does not (settled with Envoy 1.40).
const ROWS: readonly (readonly [string, unknown])[] = [
  ['{"a":1,}', { a: 1 }],
  ['{"a":[1,2,],}', { a: [1, 2] }],
  ["{'a':'b'}", { a: 'b' }],
  ['{a:{b:"c"}}', { a: { b: 'c' } }],
  ["{\"a\":\"b\\'c\"}", { a: "b'c" }],
  ['{"a":"b\tc"}', { a: 'b\tc' }],
  ['{"a":"\\ud83d\\ude00",}', { a: '\u{1f600}' }],
  ['{"a":18446744073709551615,}', { a: 18446744073709551615n }],
  ['{"a":-0.5e2,"b":null,"c":true,"d":false,}', { a: -50, b: null, c: true, d: false }],
  ['', '0: unexpected end of the text'],
  ['  ', '2: unexpected end of the text'],
  ['{', "1: unexpected end of the text: a '}' is missing"],
  ['{"a":1', "6: unexpected end of the text: a '}' is missing"],
  ['{"a" 1}', `5: expected ':' after the key "a"`],
  ['{"a":1 "b":2}', "7: expected ',' or '}'"],
  ['{"a":"b', '5: this string has no end'],
  ['{"a":"b\\qc"}', '8: invalid escape \\q'],
  ['{"a":"\\ud800",}', '12: half of a surrogate pair'],
  ['{"a":05}', '6: a number cannot have extraneous leading zero'],
  ['{"a":1x}', '6: a number is malformed'],
  ['{"a":NaN}', '5: unexpected "NaN"'],
  ['{"a":True}', '5: unexpected "True"'],
  ['{/* x */"a":1}', '1: JSON has no comments'],
  ['{"a":// x\n1}', '5: JSON has no comments'],
  ['{5:1}', '1: expected a key in quotes'],
  ['{} {}', '3: extraneous characters after the end of the JSON value'],
  ['\ufeff{}', '0: unexpected character "\ufeff"'],
];

for (const [text, expected] of ROWS) {
  test(`JSON ${JSON.stringify(text)}`, () => {
    assert.deepEqual(read(text), expected);
  });
}

test('nesting is limited', () => {
  assert.equal(read(`${'['.repeat(1200)},`), '1000: nested more than 1000 levels deep');
});
