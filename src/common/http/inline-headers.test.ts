import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderMap } from '../../contract/header-map.ts';
import { overwriteHeader } from './inline-headers.ts';

const names = (headers: HeaderMap): string[] => headers.entries().map(([name, value]) => `${name}=${value}`);

test('overwriting puts the one new entry at the end, as in Envoy', () => {
  const headers = new HeaderMap();
  headers.add('x-a', '1');
  headers.add('x-b', '2');
  headers.add('x-a', '3');
  overwriteHeader(headers, 'x-a', 'new');
  assert.deepEqual(names(headers), ['x-b=2', 'x-a=new']);
});

test('a pseudo header keeps its place', () => {
  const headers = new HeaderMap();
  headers.add(':path', '/a');
  headers.add('x-b', '2');
  overwriteHeader(headers, ':path', '/c');
  assert.deepEqual(names(headers), [':path=/c', 'x-b=2']);
});
