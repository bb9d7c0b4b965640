import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findHeaderName, HEADER_NAMES, headerNameId, ID_CONTENT_LENGTH, ID_HOST, IN_REQUEST, IN_RESPONSE, NAME_HASH_SEED, SINGLE_IN, TOKEN_LOWER } from './header-names.ts';

function find(text: string): number {
  const bytes = Buffer.from('xx' + text + ':', 'latin1');
  let hash = NAME_HASH_SEED;
  for (let i = 2; i < bytes.length - 1; i++) hash = (Math.imul(hash, 31) + TOKEN_LOWER[bytes[i]]) | 0;
  return findHeaderName(bytes, 2, bytes.length - 1, hash);
}

describe('header name table', () => {
  it('finds every name in any case', () => {
    for (const [id, name] of HEADER_NAMES.entries()) {
      assert.equal(find(name), id);
      assert.equal(find(name.toUpperCase()), id);
      assert.equal(headerNameId(name), id);
    }
  });

  it('has each name once, in lower case', () => {
    assert.equal(new Set(HEADER_NAMES).size, HEADER_NAMES.length);
    for (const name of HEADER_NAMES) assert.equal(name, name.toLowerCase());
  });

  it('does not find others', () => {
    for (const name of ['x', 'hos', 'hostt', 'content_length', '__proto__', 'constructor', '']) assert.equal(find(name), -1);
    assert.equal(headerNameId('__proto__'), -1);
  });

  it('knows where a name has one entry', () => {
    assert.equal(SINGLE_IN[ID_HOST], IN_REQUEST);
    assert.equal(SINGLE_IN[ID_CONTENT_LENGTH], IN_REQUEST | IN_RESPONSE);
    assert.equal(SINGLE_IN[headerNameId('set-cookie')], 0);
    assert.equal(SINGLE_IN[headerNameId('cookie')], 0);
  });

  it('takes exactly the characters of a token', () => {
    const valid = "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";
    for (let c = 0; c < 256; c++) assert.equal(TOKEN_LOWER[c] !== 0, valid.includes(String.fromCharCode(c)), String(c));
  });
});
