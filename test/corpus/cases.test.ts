import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { formatConfigErrors, loadBootstrap } from '../../src/config/index.ts';

/*
 * Small configurations with the exact text of what nuncio says of them: `X.yaml` and beside it `X.yaml.txt`, which holds `OK` or the
 * errors. Accept and refuse agree with Envoy 1.40 in each. NUNCIO_RECORD=1 writes the texts anew.
 */

const folder = path.join(import.meta.dirname, 'cases');
const record = process.env['NUNCIO_RECORD'] === '1';

/** What nuncio prints, with the file named without its folder. */
function answer(name: string): string {
  const full = path.join(folder, name);
  const loaded = loadBootstrap({ path: full });
  return loaded.ok ? 'OK\n' : `${formatConfigErrors(loaded.errors).replaceAll(full, name)}\n`;
}

for (const name of readdirSync(folder).filter((each) => !each.endsWith('.txt'))) {
  test(`case ${name}`, () => {
    const expected = path.join(folder, `${name}.txt`);
    if (record) writeFileSync(expected, answer(name));
    assert.equal(answer(name), readFileSync(expected, 'utf8'));
  });
}
