import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderMap } from '../../contract/header-map.ts';
import { cookieValue } from './cookies.ts';
import { portStart, withoutPort } from './host-header.ts';
import { addHeader, INLINE_REQUEST_HEADERS } from './inline-headers.ts';
import { removePathParameters, removeQueryAndFragment } from './path.ts';
import { firstQueryValue, percentDecode, percentEncode, QueryParams } from './query-params.ts';

test('first query value, undecoded', () => {
  assert.equal(firstQueryValue('/p?a=1&b=2&a=3', 'a'), '1');
  assert.equal(firstQueryValue('/p?ab=1&a', 'a'), '');
  assert.equal(firstQueryValue('/p?ab=1', 'a'), null);
  assert.equal(firstQueryValue('/p', 'a'), null);
  assert.equal(firstQueryValue('/p?a=b=c', 'a'), 'b=c');
  assert.equal(firstQueryValue('/p?a%20=1', 'a%20'), '1');
});

test('query parameters are decoded, changed and encoded again', () => {
  const params = QueryParams.parse('/p?b=x%20y&a=1&b=2', true);
  assert.equal(params.first('b'), 'x y');
  params.add('c', 'é'.normalize());
  params.overwrite('a', '&');
  assert.equal(params.replaceQuery('/p?old'), '/p?a=%26&b=x%20y&b=2&c=%E9');
  params.remove('a');
  params.remove('b');
  params.remove('c');
  assert.equal(params.replaceQuery('/p?old'), '/p');
});

test('percent coding', () => {
  assert.equal(percentDecode('a%2Fb%zz%4'), 'a/b%zz%4');
  assert.equal(percentEncode('a b/~é'), 'a%20b%2F~%E9');
});

test('cookies', () => {
  const headers = HeaderMap.of(['cookie', 'a=1; b="q x";c=3'], ['cookie', 'd=4; a=9']);
  assert.equal(cookieValue(headers, 'a'), '1');
  assert.equal(cookieValue(headers, 'b'), 'q x');
  assert.equal(cookieValue(headers, 'd'), '4');
  assert.equal(cookieValue(headers, 'e'), null);
});

test('host ports', () => {
  assert.equal(portStart('[::1]:80'), 5);
  assert.equal(portStart('[::1]'), -1);
  assert.equal(withoutPort('a.b:80'), 'a.b');
});

test('paths', () => {
  assert.equal(removeQueryAndFragment('/a#b?c'), '/a');
  assert.equal(removePathParameters('/a;v=1/b;w/c'), '/a/b/c');
  assert.equal(removePathParameters('/a;v'), '/a');
});

test('inline headers keep one entry', () => {
  const headers = HeaderMap.of(['accept', 'a']);
  addHeader(headers, 'accept', 'b', INLINE_REQUEST_HEADERS);
  addHeader(headers, 'x-other', '1', INLINE_REQUEST_HEADERS);
  addHeader(headers, 'x-other', '2', INLINE_REQUEST_HEADERS);
  assert.deepEqual(headers.entries(), [['accept', 'a,b'], ['x-other', '1'], ['x-other', '2']]);
});
