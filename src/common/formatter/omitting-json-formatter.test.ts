import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogContext } from '../../contract/access-log.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { testStreamInfo } from '../testing/stream.ts';
import { OmittingJsonFormatter } from './omitting-json-formatter.ts';

const context: LogContext = {
  requestHeaders: HeaderMap.of(['x-in', 'in'], ['x-empty', '']),
  responseHeaders: null, responseTrailers: null, streamInfo: testStreamInfo(), localReplyBody: '', type: 'NotSet', now: 0,
};

// The line that Envoy 1.40 writes for this format and request.
test('nulls, list items without a value and empty objects are left out; empty lists and texts stay', () => {
  const formatter = new OmittingJsonFormatter({
    a: '%REQ(x-in)%', absent: '%REQ(none)%', nested: { b: '%REQ(none)%', c: { d: '%REQ(none)%' } },
    list: ['%REQ(none)%', 'x', { e: '%REQ(none)%' }], mixed: 'c %REQ(none)%', lit: null, emptylit: {}, emptylist: [],
    empty: '%REQ(x-empty)%', n: 1, t: true,
  });
  assert.equal(formatter.format(context), '{"a":"in","empty":"","emptylist":[],"list":["x"],"mixed":"c ","n":1,"t":true}\n');
});

test('an object with nothing in it is still a line', () => {
  assert.equal(new OmittingJsonFormatter({ a: '%REQ(none)%' }).format(context), '{}\n');
});
