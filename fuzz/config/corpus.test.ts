import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { mutate, randomOf } from './mutate.ts';
import { tryText } from './run.ts';

// Seeds and everything that the fuzzer ever found.
for (const format of ['yaml', 'json', 'pb_text'] as const) {
  const folder = path.join(import.meta.dirname, 'corpus', format);
  const names = readdirSync(folder).sort();
  test(`${format}: ${names.length} kept texts`, () => {
    assert.ok(names.length > 0);
    for (const name of names) assert.equal(tryText(readFileSync(path.join(folder, name), 'utf8'), format), null, name);
  });
  test(`${format}: a short run with a fixed seed`, () => {
    const texts = names.map((name) => readFileSync(path.join(folder, name), 'utf8'));
    const random = randomOf(7);
    for (let i = 0; i < 100; i++) {
      const text = mutate(texts, random);
      assert.equal(tryText(text, format), null, text);
    }
  });
}
