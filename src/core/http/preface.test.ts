import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayBecomeHttp2, startsAsHttp2 } from './preface.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

test('a preface is known from its twelfth byte on', () => {
  for (let length = 0; length <= PREFACE.length; length++) {
    const part = Buffer.from(PREFACE.slice(0, length), 'latin1');
    assert.deepEqual([startsAsHttp2(part), mayBecomeHttp2(part)], [length >= 12, length < 12], PREFACE.slice(0, length));
  }
});

test('anything else is HTTP/1 from its first other byte on', () => {
  for (const text of ['G', 'POST / HTTP/1.1', 'PRI', 'PRIX', 'PRI * HTTP/1.1\r\n', '\0']) {
    const data = Buffer.from(text, 'latin1');
    assert.equal(startsAsHttp2(data), false, text);
    assert.equal(mayBecomeHttp2(data), text === 'PRI', text);
  }
});
