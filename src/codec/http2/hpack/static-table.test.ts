import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HEADER_NAMES } from '../../../base/header-names.ts';
import { FIELD_ID_MASK, FIELD_OTHER } from './field-tag.ts';
import { STATIC_COUNT, STATIC_INDEX_OF_NAME, STATIC_NAMES, STATIC_TAGS, STATIC_VALUES } from './static-table.ts';

it('the static table: 61 entries, names shared with base, nothing wrong with any', () => {
  assert.equal(STATIC_NAMES.length, STATIC_COUNT + 1);
  assert.equal(STATIC_NAMES[61], 'www-authenticate');
  assert.equal(STATIC_VALUES[16], 'gzip, deflate');
  assert.equal(STATIC_INDEX_OF_NAME.get(':status'), 8);
  for (let i = 1; i <= STATIC_COUNT; i++) {
    assert.equal(STATIC_TAGS[i] & ~FIELD_ID_MASK, 0);
    assert.notEqual(STATIC_TAGS[i] & FIELD_ID_MASK, FIELD_OTHER);
    if (!STATIC_NAMES[i].startsWith(':')) assert.equal(HEADER_NAMES[STATIC_TAGS[i] & FIELD_ID_MASK], STATIC_NAMES[i]);
  }
});
