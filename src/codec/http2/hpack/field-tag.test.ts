import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HEADER_NAMES, headerNameId } from '../../../base/header-names.ts';
import { FIELD_AUTHORITY, FIELD_BAD_NAME, FIELD_BAD_VALUE, FIELD_ID_MASK, FIELD_METHOD, FIELD_OTHER, FIELD_OTHER_PSEUDO, FIELD_PADDED_VALUE, FIELD_PATH, FIELD_PROTOCOL, FIELD_SCHEME, FIELD_STATUS, FIELD_UNDERSCORE, fieldTag, isValidHeaderName, isValidHeaderValue } from './field-tag.ts';

describe('field tags', () => {
  it('names have their id', () => {
    for (const name of HEADER_NAMES) assert.equal(fieldTag(name, '') & FIELD_ID_MASK, headerNameId(name), name);
    for (let i = 0; i < 2; i++) {
      assert.equal(fieldTag(':authority', 'a'), FIELD_AUTHORITY);
      assert.equal(fieldTag(':method', 'a'), FIELD_METHOD);
      assert.equal(fieldTag(':path', 'a'), FIELD_PATH);
      assert.equal(fieldTag(':scheme', 'a'), FIELD_SCHEME);
      assert.equal(fieldTag(':status', 'a'), FIELD_STATUS);
      assert.equal(fieldTag(':protocol', 'a'), FIELD_PROTOCOL);
      assert.equal(fieldTag(':other', 'a'), FIELD_OTHER_PSEUDO);
      assert.equal(fieldTag('x-unknown-thing', 'a'), FIELD_OTHER);
      assert.equal(fieldTag('x_under', 'a'), FIELD_OTHER | FIELD_UNDERSCORE);
    }
    assert.ok(HEADER_NAMES.length < FIELD_AUTHORITY, 'ids and pseudo-headers do not meet');
  });

  it('bad names', () => {
    for (const name of ['', 'Accept', 'a b', 'a\u0000', 'a:b', 'caf\u00e9', 'a\u007f', 'a"b']) assert.equal(fieldTag(name, '') & ~FIELD_UNDERSCORE, FIELD_OTHER | FIELD_BAD_NAME, JSON.stringify(name));
    for (const name of [':', ':Path', '::path', ':a b']) assert.equal(fieldTag(name, ''), FIELD_OTHER_PSEUDO | FIELD_BAD_NAME, JSON.stringify(name));
  });

  it('values', () => {
    for (let byte = 0; byte < 256; byte++) {
      const isBad = (byte < 32 && byte !== 9) || byte === 127;
      const value = `a${String.fromCharCode(byte)}b`;
      assert.equal(fieldTag('via', value) & FIELD_BAD_VALUE, isBad ? FIELD_BAD_VALUE : 0);
      assert.equal(isValidHeaderValue(value), !isBad);
    }
    for (const value of [' a', 'a ', '\ta', 'a\t', ' ']) {
      assert.equal(fieldTag('x-unknown-thing', value), FIELD_OTHER | FIELD_PADDED_VALUE);
      assert.equal(isValidHeaderValue(value), false);
    }
    assert.equal(fieldTag('x-unknown-thing', ''), FIELD_OTHER);
    assert.equal(isValidHeaderValue(''), true);
    assert.equal(isValidHeaderValue('\u0100'), false);
  });

  it('isValidHeaderName agrees', () => {
    for (let byte = 0; byte < 256; byte++) {
      const name = `a${String.fromCharCode(byte)}`;
      assert.equal(isValidHeaderName(name), (fieldTag(name, '') & FIELD_BAD_NAME) === 0, name);
      assert.equal(isValidHeaderName(`:${name}`), (fieldTag(`:${name}`, '') & FIELD_BAD_NAME) === 0, name);
    }
    for (const name of ['', ':', '\u0161']) assert.equal(isValidHeaderName(name), false);
  });
});
