import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_INVALID_FIELD, BLOCK_MALFORMED, BLOCK_OK, BLOCK_REQUEST, BLOCK_REQUEST_TRAILERS, BLOCK_RESPONSE, HeaderBlock } from './header-block.ts';
import type { BlockKind, BlockResult } from './header-block.ts';
import { fieldTag } from './hpack/index.ts';
import { GET } from './testing.ts';
import type { Pairs } from './testing.ts';

const LIMITS = { maxHeadersBytes: 60 * 1024, maxHeadersCount: 100, headersWithUnderscoresAction: 0 } as const;

function take(pairs: Pairs, kind: BlockKind = BLOCK_REQUEST, allowProtocol = false, obsText = false): HeaderBlock {
  const block = new HeaderBlock(LIMITS, allowProtocol, obsText);
  block.begin(kind, -1, false);
  for (const [name, value] of pairs) if (!block.onHeader(name, value, fieldTag(name, value))) break;
  block.finish(true);
  return block;
}

function entries(pairs: Pairs, kind: BlockKind = BLOCK_REQUEST): [string, string][] {
  const block = take(pairs, kind);
  assert.equal(block.result, BLOCK_OK);
  return block.headers.entries();
}

const without = (name: string): Pairs => GET.filter(([each]) => each !== name);
const withValue = (name: string, value: string): Pairs => GET.map(([each, old]) => [each, each === name ? value : old]);
const CONNECT: Pairs = [[':method', 'CONNECT'], [':authority', 'a:1']];
const EXTENDED: Pairs = [[':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']];

test('requests that are none', () => {
  const cases: [string, Pairs, BlockResult][] = [
    ['fine', GET, BLOCK_OK],
    ['no method', without(':method'), BLOCK_MALFORMED],
    ['no scheme', without(':scheme'), BLOCK_MALFORMED],
    ['no path', without(':path'), BLOCK_MALFORMED],
    ['no authority', without(':authority'), BLOCK_MALFORMED],
    ['host instead', [...without(':authority'), ['host', 'a']], BLOCK_OK],
    ['two hosts', [...GET, ['host', 'a'], ['host', 'a']], BLOCK_INVALID_FIELD],
    ['two paths', [...GET, [':path', '/']], BLOCK_INVALID_FIELD],
    ['empty path', withValue(':path', ''), BLOCK_INVALID_FIELD],
    ['path without slash', withValue(':path', 'a'), BLOCK_MALFORMED],
    ['path with space', withValue(':path', '/a b'), BLOCK_INVALID_FIELD],
    ['asterisk', withValue(':path', '*'), BLOCK_MALFORMED],
    ['OPTIONS *', [[':method', 'OPTIONS'], [':scheme', 'http'], [':path', '*'], [':authority', 'a']], BLOCK_OK],
    ['other scheme, other path', withValue(':scheme', 'urn').map(([name, value]) => [name, name === ':path' ? 'a:b' : value]), BLOCK_OK],
    ['bad method', withValue(':method', 'G T'), BLOCK_INVALID_FIELD],
    ['bad authority', withValue(':authority', 'user@a'), BLOCK_INVALID_FIELD],
    ['bad scheme', withValue(':scheme', '1'), BLOCK_INVALID_FIELD],
    ['status', [...GET, [':status', '200']], BLOCK_INVALID_FIELD],
    ['unknown pseudo-header', [...GET, [':foo', 'x']], BLOCK_INVALID_FIELD],
    ['pseudo-header after others', [GET[0], ['a', 'b'], ...GET.slice(1)], BLOCK_INVALID_FIELD],
    ['upper case', [...GET, ['Foo', 'x']], BLOCK_INVALID_FIELD],
    ['space in name', [...GET, ['f oo', 'x']], BLOCK_INVALID_FIELD],
    ['empty name', [...GET, ['', 'x']], BLOCK_INVALID_FIELD],
    ['NUL in value', [...GET, ['a', 'x\0']], BLOCK_INVALID_FIELD],
    ['line break in value', [...GET, ['a', 'x\r\nb: c']], BLOCK_INVALID_FIELD],
    ['connection', [...GET, ['connection', 'x']], BLOCK_INVALID_FIELD],
    ['keep-alive', [...GET, ['keep-alive', 'x']], BLOCK_INVALID_FIELD],
    ['proxy-connection', [...GET, ['proxy-connection', 'x']], BLOCK_INVALID_FIELD],
    ['transfer-encoding', [...GET, ['transfer-encoding', 'chunked']], BLOCK_INVALID_FIELD],
    ['upgrade', [...GET, ['upgrade', 'h2c']], BLOCK_INVALID_FIELD],
    ['te', [...GET, ['te', 'gzip']], BLOCK_INVALID_FIELD],
    ['te: trailers', [...GET, ['te', 'Trailers']], BLOCK_OK],
    ['two lengths', [...GET, ['content-length', '1'], ['content-length', '1']], BLOCK_INVALID_FIELD],
    ['no number', [...GET, ['content-length', '+1']], BLOCK_INVALID_FIELD],
    ['CONNECT', CONNECT, BLOCK_OK],
    ['CONNECT with path', [...CONNECT, [':path', '/']], BLOCK_MALFORMED],
    ['CONNECT to nowhere', [[':method', 'CONNECT'], ['host', 'a']], BLOCK_MALFORMED],
    ['extended CONNECT, not offered', EXTENDED, BLOCK_INVALID_FIELD],
  ];
  for (const [name, pairs, result] of cases) assert.equal(take(pairs).result, result, name);
  assert.equal(take(EXTENDED, BLOCK_REQUEST, true).result, BLOCK_OK);
  assert.equal(take(EXTENDED.map(([name, value]) => [name, name === ':method' ? 'GET' : value]), BLOCK_REQUEST, true).result, BLOCK_MALFORMED);
});

test('bytes above 0x7f pass, unless they are disallowed', () => {
  assert.equal(take([...GET, ['a', 'é']]).result, BLOCK_OK);
  assert.equal(take([...GET, ['a', 'é']], BLOCK_REQUEST, false, true).result, BLOCK_INVALID_FIELD);
});

test('what becomes of the fields', () => {
  const rest = (pairs: Pairs): [string, string][] => entries([...GET, ...pairs]).slice(GET.length);
  assert.deepEqual(rest([['cookie', 'a=b'], ['x', '1'], ['cookie', 'c=d'], ['x', '2']]), [['x', '1'], ['x', '2'], ['cookie', 'a=b; c=d']]);
  assert.deepEqual(rest([['accept', 'a'], ['via', '1'], ['accept', 'b']]), [['accept', 'a,b'], ['via', '1']]);
  assert.deepEqual(rest([['host', 'other']]), []);
  assert.deepEqual(rest([['a', ' \tb ']]), [['a', 'b']]);
  assert.deepEqual(entries([...without(':authority'), ['host', 'h']]).at(-1), [':authority', 'h']);
  assert.deepEqual(entries([[':status', '200'], ['accept', 'a'], ['accept', 'b'], ['host', 'x']], BLOCK_RESPONSE).slice(1), [['accept', 'a'], ['accept', 'b'], ['host', 'x']]);
});

test('trailers', () => {
  assert.deepEqual(entries([['grpc-status', '0']], BLOCK_REQUEST_TRAILERS), [['grpc-status', '0']]);
  assert.equal(take([[':path', '/']], BLOCK_REQUEST_TRAILERS).result, BLOCK_INVALID_FIELD);
  const block = new HeaderBlock(LIMITS, false, false);
  block.begin(BLOCK_REQUEST_TRAILERS, -1, false);
  block.finish(false);
  assert.equal(block.result, BLOCK_MALFORMED);
});

test('lengths in responses that have no body', () => {
  const length = (status: string, value: string, connect = false): [BlockResult, boolean] => {
    const block = new HeaderBlock(LIMITS, false, false);
    block.begin(BLOCK_RESPONSE, -1, connect);
    for (const [name, text] of [[':status', status], ['content-length', value]]) if (!block.onHeader(name, text, fieldTag(name, text))) break;
    block.finish(true);
    return [block.result, block.headers.has('content-length')];
  };
  assert.deepEqual(length('204', '0'), [BLOCK_OK, false]);
  assert.equal(length('204', '5')[0], BLOCK_INVALID_FIELD);
  assert.equal(length('103', '0')[0], BLOCK_INVALID_FIELD);
  assert.deepEqual(length('200', '5', true), [BLOCK_OK, false]);
  assert.deepEqual(length('200', '5'), [BLOCK_OK, true]);
});
