import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBase64, decodeWebSafeBase64 } from './base64.ts';
import { DataPiece } from './data-piece.ts';
import { doubleText, floatText, general } from './float-text.ts';
import { parseDouble, parseInt32, parseInt64, parseUint32, parseUint64 } from './parse-number.ts';
import { EnumType } from './types.ts';

test('doubles: 15 digits, or 17 when these do not read back', () => {
  const texts: readonly (readonly [number, string])[] = [
    [0, '0'], [-0, '-0'], [1, '1'], [0.1, '0.1'], [-1.5, '-1.5'], [1e15, '1e+15'], [123456789012345, '123456789012345'], [1e16, '1e+16'], [1e-4, '0.0001'],
    [1e-5, '1e-05'], [1 / 3, '0.33333333333333331'], [0.1 + 0.2, '0.30000000000000004'], [5e-324, '4.94065645841247e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'], [12345678901234568, '12345678901234568'], [1125899906842624.25, '1125899906842624.2'],
    [1125899906842624.75, '1125899906842624.8'], [1e22, '1e+22'], [2 ** 60, '1.152921504606847e+18'],
  ];
  for (const [value, text] of texts) assert.equal(doubleText(value), text);
});

test('floats: 6 digits, or 9', () => {
  const texts: readonly (readonly [number, string])[] = [
    [0.1, '0.1'], [16777217, '16777216'], [123456.789, '123456.789'], [1e10, '1e+10'], [3.4028235e38, '3.40282347e+38'], [1e-40, '9.9999461e-41'], [0.5, '0.5'],
  ];
  for (const [value, text] of texts) assert.equal(floatText(Math.fround(value)), text);
});

test('all doubles read back', () => {
  let state = 1;
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < 5_000; i++) {
    for (const at of [0, 4]) view.setUint32(at, (state = (Math.imul(state, 1664525) + 1013904223) >>> 0));
    const value = view.getFloat64(0);
    if (Number.isFinite(value)) assert.equal(Number(doubleText(value)), value);
  }
  assert.equal(general(1234567.5, 6), '1.23457e+06');
});

test('integers by their range, with spaces and signs of C', () => {
  assert.deepEqual([parseInt32('2147483647'), parseInt32('2147483648'), parseInt32('-2147483648'), parseInt32('-2147483649')], [2147483647, null, -2147483648, null]);
  assert.deepEqual([parseUint32('4294967295'), parseUint32('4294967296'), parseUint32('-1'), parseUint32('-0')], [4294967295, null, null, null]);
  assert.deepEqual([parseInt64('9223372036854775807'), parseInt64('9223372036854775808'), parseInt64('-9223372036854775808')], [9223372036854775807n, null, -9223372036854775808n]);
  assert.deepEqual([parseUint64('18446744073709551615'), parseUint64('18446744073709551616')], [18446744073709551615n, null]);
  assert.deepEqual([parseInt32(' +7 '), parseInt32('+'), parseInt32(''), parseInt32('1.0'), parseInt32('0x1'), parseInt32('--1')], [7, null, null, null, null, null]);
  assert.equal(parseInt32(`${'0'.repeat(50)}12`), 12);
});

test('doubles of text as strtod reads them', () => {
  for (const [text, value] of [
    ['1', 1], ['1.', 1], ['.5', 0.5], ['+1e3', 1000], [' 1\t', 1], ['0x10', 16], ['0X1.8p1', 3], ['-inf', -Infinity], ['Infinity', Infinity], ['1e999', Infinity], ['1\0x', 1],
  ] as const) assert.equal(parseDouble(text), value, text);
  assert.ok(Number.isNaN(parseDouble('nan(x)')));
  for (const text of ['', ' ', '.', 'e5', '1e', '1e+', '1.2.3', '0x', '0xp1', '1 2', 'infin', '\0']) assert.equal(parseDouble(text), null, text);
});

test('base64: both alphabets, padding whole or none, white space', () => {
  const texts: readonly (readonly [string, string | null])[] = [
    ['', ''], ['YQ', 'a'], ['YQ==', 'a'], ['YQ..', 'a'], ['YR==', 'a'], ['Y Q\n==', 'a'], ['YQ=', null], ['YWI=', 'ab'], ['YWI', 'ab'], ['YWJj', 'abc'], ['Y', null], ['YWJjZ', null],
    ['-_8', '\xfb\xff'], ['+/8=', '\xfb\xff'], ['-/8=', null], ['YQ==x', null], ['*', null], ['=', null],
  ];
  for (const [text, bytes] of texts) assert.equal(decodeBase64(text)?.toString('latin1') ?? null, bytes, text);
  assert.equal(decodeWebSafeBase64('+/8='), null);
});

const string = (text: string): DataPiece => DataPiece.string(text);
const int64 = (value: number | bigint): DataPiece => DataPiece.int64(value);
const uint64 = (value: number | bigint): DataPiece => DataPiece.uint64(value);
const double = (value: number): DataPiece => DataPiece.double(value);

test('pieces: what fits which type', () => {
  const { TRUE, NULL } = DataPiece;
  assert.deepEqual([double(1.5).toInt32(), double(3e9).toInt32(), double(3e9).toUint32(), double(-0).toInt32(), double(NaN).toInt64()], [null, null, 3e9, 0, null]);
  assert.deepEqual([double(2 ** 63).toInt64(), double(-(2 ** 63)).toInt64(), double(2 ** 64).toUint64()], [null, -9223372036854775808n, null]);
  assert.deepEqual([uint64(18446744073709551615n).toInt64(), int64(-1).toUint64(), uint64(5).toDouble(), int64(16777217).toFloat()], [null, null, 5, 16777216]);
  assert.deepEqual([string(' 5').toInt32(), string('5').toInt32(), string('NaN').toDouble(), string('nan').toDouble(), string('1e39').toFloat()], [null, 5, NaN, null, null]);
  assert.deepEqual([double(3.4028235677973366e38).toFloat(), double(3.4028235677973362e38).toFloat()], [null, 3.4028234663852886e38]);
  assert.deepEqual([TRUE.toInt32(), TRUE.toBool(), string('Yes').toBool(), string('x').toBool(), uint64(1).toBool(), uint64(1).toText()], [null, true, true, null, null, null]);
  assert.deepEqual([NULL.shown, TRUE.shown, string('a').shown, double(0.1).shown, double(Infinity).shown, int64(-5n).shown], ['null', 'true', '"a"', '0.1', 'Infinity', '-5']);
});

test('enums: by name, by number, and in any case if allowed', () => {
  const color = new EnumType('c', ['RED', 'DARK_GREEN', 'ALSO_RED'], [0, 2, 0]);
  const { NULL } = DataPiece;
  assert.deepEqual([string('RED').toEnum(color, false), string('2').toEnum(color, false), string('3').toEnum(color, false)], [0, 2, null]);
  assert.deepEqual([string('dark-green').toEnum(color, false), string('dark-green').toEnum(color, true), uint64(77).toEnum(color, false), NULL.toEnum(color, false)], [null, 2, 77, 0]);
  assert.equal(color.name(0), 'RED');
});
