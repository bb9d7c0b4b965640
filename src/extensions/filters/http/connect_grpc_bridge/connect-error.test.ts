import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderMap } from '../../../../contract/header-map.ts';
import { connectErrorJson, connectHttpStatus, endOfStreamJson, finalStatus } from './connect-error.ts';

test('HTTP statuses of Connect', () => {
  const expected = [500, 408, 500, 400, 408, 404, 409, 403, 429, 412, 409, 400, 404, 500, 503, 500, 401];
  expected.forEach((http, grpc) => assert.equal(connectHttpStatus(grpc), http, String(grpc)));
  assert.equal(connectHttpStatus(99), 500);
  assert.equal(connectHttpStatus(-1), 500);
});

test('errors as JSON', () => {
  const json = (status: number, ...trailers: [string, string][]): unknown => JSON.parse(connectErrorJson(status, HeaderMap.of(...trailers)));
  assert.deepEqual(json(1), { code: 'canceled' });
  assert.deepEqual(json(16, ['grpc-message', 'who%20"<é'], ['grpc-status-details-bin', '']), { code: 'unauthenticated', message: 'who%20"< ' });
  assert.deepEqual(json(17), { code: 'code_17' });
});

test('what could end a script, or is no UTF-8, is escaped', () => {
  assert.equal(connectErrorJson(2, HeaderMap.of(['grpc-message', '</script>\x80'])), '{"code":"unknown","message":"\\u003c/script\\u003e "}');
});

/** google.rpc.Status{code: 3, message: "bad", details: [Any{type_url: "type.google/A.B", value: 08 01}]} */
const DETAILS = 'CAMSA2JhZBoVCg90eXBlLmdvb2dsZS9BLkISAggB';

test('details of errors, padded or not; what cannot be read is left out', () => {
  const json = (details: string): unknown => JSON.parse(connectErrorJson(3, HeaderMap.of(['grpc-status-details-bin', details])));
  const expected = { code: 'invalid_argument', details: [{ type: 'type.google/A.B', value: 'CAE=' }] };
  assert.deepEqual(json(DETAILS), expected);
  assert.deepEqual(json('GgA='), { code: 'invalid_argument', details: [{ type: '', value: '' }] });
  assert.deepEqual(json('GgA'), { code: 'invalid_argument', details: [{ type: '', value: '' }] });
  for (const broken of ['***', 'GgA===', 'Gv8=', 'CAMSA2JhZA', `${DETAILS}/`]) {
    const read = json(broken) as { details?: unknown };
    assert.equal(read.details, undefined, broken);
  }
});

test('the end of a stream', () => {
  const end = (metadata: boolean, ...trailers: [string, string][]): unknown => JSON.parse(endOfStreamJson(HeaderMap.of(...trailers), metadata));
  assert.deepEqual(end(true, ['grpc-status', '0']), {});
  assert.deepEqual(end(true, ['grpc-status', '0'], ['x', '1'], ['y', 'a'], ['x', '2']), { metadata: { x: ['1', '2'], y: ['a'] } });
  assert.deepEqual(end(false, ['grpc-status', '5'], ['x', '1']), { error: { code: 'not_found' } });
  assert.deepEqual(end(true, ['x', '1']), { error: { code: 'unknown' }, metadata: { x: ['1'] } });
  assert.equal(finalStatus(HeaderMap.of(['grpc-status', 'x'])), -1);
});
