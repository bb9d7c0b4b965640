import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyCheck, boolCheck, bytesCheck, enumCheck, numberCheck, showNanoseconds, stringCheck, timeCheck, type ValueCheck } from './value-checks.ts';

/** What a check says of each value; null for fine. */
function verdicts(check: ValueCheck | null, values: readonly unknown[]): (string | null)[] {
  assert.ok(check !== null);
  return values.map((each) => check(each) ?? null);
}

test('numbers: bounds, ranges inside and outside, lists, ignore_empty', () => {
  assert.deepEqual(verdicts(numberCheck({ gt: 0 }), [0, 1]), ['value must be greater than 0', null]);
  assert.deepEqual(verdicts(numberCheck({ gte: 1 }), [0, 1]), ['value must be greater than or equal to 1', null]);
  assert.deepEqual(verdicts(numberCheck({ lt: 5 }), [5, 4]), ['value must be less than 5', null]);
  assert.deepEqual(verdicts(numberCheck({ lte: 5n }), [6n, 5n]), ['value must be less than or equal to 5', null]);
  assert.deepEqual(verdicts(numberCheck({ gte: 200, lt: 600 }), [199, 200, 599, 600]), [
    'value must be inside range [200, 600)', null, null, 'value must be inside range [200, 600)',
  ]);
  assert.deepEqual(verdicts(numberCheck({ gt: 10, lt: 5 }), [7, 4, 11]), ['value must be outside range (10, 5)', null, null]);
  assert.deepEqual(verdicts(numberCheck({ in: [1, 2] }), [1, 3]), [null, 'value must be in list [1 2]']);
  assert.deepEqual(verdicts(numberCheck({ notIn: [1] }), [1, 3]), ['value must not be in list [1]', null]);
  assert.deepEqual(verdicts(numberCheck({ const: 3 }), [3, 4]), [null, 'value must equal 3']);
  assert.deepEqual(verdicts(numberCheck({ gte: 10, ignoreEmpty: true }), [0, 9]), [null, 'value must be greater than or equal to 10']);
  assert.equal(numberCheck({}), null);
});

test('NaN is in no range', () => {
  assert.deepEqual(verdicts(numberCheck({ gte: 0, lte: 100 }), [NaN]), ['value must be inside range [0, 100]']);
});

test('strings: lengths in characters and bytes, parts, patterns, lists', () => {
  assert.deepEqual(verdicts(stringCheck({ minLen: 1n }), ['', 'a']), ['value length must be at least 1 characters', null]);
  assert.deepEqual(verdicts(stringCheck({ maxLen: 1n }), ['\u{1f600}', 'ab']), [null, 'value length must be at most 1 characters']);
  assert.deepEqual(verdicts(stringCheck({ len: 2n }), ['ab', 'a']), [null, 'value length must be 2 characters']);
  assert.deepEqual(verdicts(stringCheck({ maxBytes: 3n }), ['\u{1f600}', 'abc']), ['value length must be at most 3 bytes', null]);
  assert.deepEqual(verdicts(stringCheck({ prefix: '/' }), ['a', '/a']), ['value does not have prefix "/"', null]);
  assert.deepEqual(verdicts(stringCheck({ suffix: 'z' }), ['a', 'az']), ['value does not have suffix "z"', null]);
  assert.deepEqual(verdicts(stringCheck({ contains: 'q' }), ['a', 'aqa']), ['value does not contain substring "q"', null]);
  assert.deepEqual(verdicts(stringCheck({ notContains: 'q' }), ['a', 'aqa']), [null, 'value contains substring "q"']);
  // The whole value must match, as in Envoy's build of the rules.
  assert.deepEqual(verdicts(stringCheck({ pattern: '^[a-f]{2}' }), ['ab', 'abc']), [null, 'value does not match regex pattern "^[a-f]{2}"']);
  assert.deepEqual(verdicts(stringCheck({ in: ['a', 'b'] }), ['a', 'c']), [null, 'value must be in list [a b]']);
  assert.deepEqual(verdicts(stringCheck({ minLen: 3n, ignoreEmpty: true }), ['', 'a']), [null, 'value length must be at least 3 characters']);
});

test('strings: header names and values, strict and not', () => {
  const header = (value: number, strict?: boolean): ValueCheck | null =>
    stringCheck({ wellKnown: { case: 'wellKnownRegex', value }, ...(strict === undefined ? {} : { strict }) });
  const name = `value does not match regex pattern "^:?[0-9a-zA-Z!#$%&'*+-.^_|~\`]+$"`;
  assert.deepEqual(verdicts(header(1), ['x-a', ':path', '', 'a b']), [null, null, name, name]);
  const loose = 'value does not match regex pattern "^[^\\x00\\x0A\\x0D]*$"';
  assert.deepEqual(verdicts(header(1, false), ['x a', '', 'a\n']), [null, null, loose]);
  assert.deepEqual(verdicts(header(2), ['a\tb', '', 'a\n']), [null, null, 'value does not match regex pattern "^[^\\x00-\\x08\\x0A-\\x1F\\x7F]*$"']);
  assert.deepEqual(verdicts(header(2, false), ['a\tb', 'a\r']), [null, loose]);
});

test('strings: the other well-known forms', () => {
  const form = (name: string): ValueCheck | null => stringCheck({ wellKnown: { case: name, value: true } });
  assert.deepEqual(verdicts(form('ip'), ['1.2.3.4', '::1', 'x']), [null, null, 'value must be a valid IP address']);
  assert.deepEqual(verdicts(form('ipv4'), ['1.2.3.4', '::1']), [null, 'value must be a valid IPv4 address']);
  assert.deepEqual(verdicts(form('ipv6'), ['1.2.3.4', '::1']), ['value must be a valid IPv6 address', null]);
  assert.deepEqual(verdicts(form('hostname'), ['a.b-c.d', '-a', 'a_b']), [null, 'value must be a valid hostname', 'value must be a valid hostname']);
  assert.deepEqual(verdicts(form('address'), ['1.2.3.4', 'a.b', 'a_b']), [null, null, 'value must be a valid hostname, or ip address']);
  assert.deepEqual(verdicts(form('uri'), ['http://a/b', '/b']), [null, 'value must be a valid absolute URI']);
  assert.deepEqual(verdicts(form('uriRef'), ['/b']), [null]);
  assert.deepEqual(verdicts(form('email'), ['a@b', 'a']), [null, 'value must be a valid email address']);
  assert.deepEqual(verdicts(form('uuid'), ['01234567-89ab-cdef-0123-456789abcdef', 'x']), [null, 'value must be a valid UUID']);
});

test('bytes, booleans, enums, Any', () => {
  assert.deepEqual(verdicts(bytesCheck({ minLen: 1n }), [new Uint8Array(), Uint8Array.of(1)]), ['value length must be at least 1 bytes', null]);
  assert.deepEqual(verdicts(bytesCheck({ prefix: Uint8Array.of(1) }), [Uint8Array.of(2), Uint8Array.of(1, 2)]), ['value does not have as prefix the required bytes', null]);
  assert.deepEqual(verdicts(boolCheck({ const: true }), [false, true]), ['value must equal true', null]);
  assert.deepEqual(verdicts(enumCheck({ definedOnly: true }, new Set([0, 1])), [1, 7]), [null, 'value must be one of the defined enum values']);
  assert.deepEqual(verdicts(enumCheck({ notIn: [0] }, new Set([0, 1])), [0, 1]), ['value must not be in list [0]', null]);
  assert.deepEqual(verdicts(anyCheck({ in: ['a/b'], notIn: [] }), [{ typeUrl: 'a/b' }, { typeUrl: 'c' }]), [null, 'type URL must be in list [a/b]']);
});

test('durations are compared whole and shown as Go writes them', () => {
  const time = (seconds: bigint, nanos = 0): unknown => ({ seconds, nanos });
  const check = timeCheck({ lt: time(300n), gte: time(0n, 1_000_000) });
  const why = 'value must be inside range [1ms, 5m0s)';
  assert.deepEqual(verdicts(check, [time(0n, 999_999), time(0n, 1_000_000), time(299n, 999_999_999), time(300n)]), [why, null, null, why]);
  assert.deepEqual([0n, 1n, 1500n, 1_000_000n, 5_000_000_000n, 61_000_000_000n, 3_600_000_000_000n].map(showNanoseconds), [
    '0s', '1ns', '1500ns', '1ms', '5s', '1m1s', '1h0m0s',
  ]);
});
