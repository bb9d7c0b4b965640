import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest, editDistance } from './did-you-mean.ts';

test('distance counts edits and swapped neighbours, up to a limit', () => {
  assert.equal(editDistance('abc', 'abc', 3), 0);
  assert.equal(editDistance('codec_typ', 'codec_type', 3), 1);
  assert.equal(editDistance('stat_perfix', 'stat_prefix', 3), 1);
  assert.equal(editDistance('abdc', 'abcd', 3), 1);
  assert.equal(editDistance('abc', 'xyzabc', 2), 3);
});

test('the closest name, whatever its case and separators', () => {
  assert.equal(closest('virtualhosts', ['name', 'virtual_hosts']), 'virtual_hosts');
  assert.equal(closest('codec-type', ['codec_type', 'stat_prefix']), 'codec_type');
  assert.equal(closest('timeout', ['name', 'connect_timeout']), 'connect_timeout');
  assert.equal(closest('timeout', ['idle_timeout', 'connect_timeout']), undefined);
  assert.equal(closest('zzz', ['name', 'virtual_hosts']), undefined);
});
