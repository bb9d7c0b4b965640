import assert from 'node:assert/strict';
import { it } from 'node:test';
import { shortText } from './short-text.ts';

it('text of bytes, of every length', () => {
  const data = Buffer.from(Array.from({ length: 40 }, (_, i) => (i * 37 + 200) & 0xff));
  for (let length = 0; length <= 30; length++) assert.equal(shortText(data, 3, 3 + length), data.toString('latin1', 3, 3 + length));
});
