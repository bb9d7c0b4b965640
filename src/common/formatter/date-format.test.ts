import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DateFormat } from './date-format.ts';

const WALL = Date.UTC(2026, 0, 2, 3, 4, 5, 60) + 0.5;

const FORMATS: readonly (readonly [string, string])[] = [
  ['', '2026-01-02T03:04:05.060Z'], ['%Y/%m/%d %H-%M-%S', '2026/01/02 03-04-05'], ['%s', '1767323045'], ['%s.%3f', '1767323045.060'],
  ['%f', '060500000'], ['%1f %2f %6f', '0 06 060500'], ['%*f', '0605'], ['%E3S', '05.060'], ['%E*S', '05.0605'], ['%E4f', '0605'], ['%E*f', '0605'],
  ['%a %A %b %B %h', 'Fri Friday Jan January Jan'], ['%e|%j|%y|%C|%u|%w', ' 2|002|26|20|5|5'], ['%I %l %k %p %P', '03  3  3 AM am'],
  ['%D %F %T %R %r', '01/02/26 2026-01-02 03:04:05 03:04 03:04:05 AM'], ['%c', 'Fri Jan  2 03:04:05 2026'], ['%z %Ez %Z', '+0000 +00:00 UTC'],
  ['%U %W %V %G %g', '00 00 01 2026 26'], ['100%%', '100%'], ['%E4Y', '2026'], ['%q', '%q'], ['x%', 'x%'],
];

test('time formats', () => {
  for (const [format, expected] of FORMATS) assert.equal(new DateFormat(format, false).format(WALL), expected, format);
});

test('the running second is remembered, its fraction is not', () => {
  const format = new DateFormat('%S.%3f', false);
  assert.equal(format.format(5_001), '05.001');
  assert.equal(format.format(5_999), '05.999');
  assert.equal(format.format(6_000), '06.000');
  assert.equal(format.format(5_000), '05.000');
});

test('whole seconds', () => {
  const at = Date.UTC(2026, 0, 1);
  assert.equal(new DateFormat('%E*S', false).format(at), '00');
  assert.equal(new DateFormat('%E*f', false).format(at), '0');
});
