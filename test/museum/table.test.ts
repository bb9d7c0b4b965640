// The table of the README and the cases are the same list.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';

const IDENTIFIER = /CVE-\d{4}-\d+|desync-\d+/g;
const here = import.meta.dirname;
const text = (name: string): string => readFileSync(path.join(here, name), 'utf8');
const [cases = '', waiting = ''] = (text('README.md').split('## Cases')[1] ?? '').split('## Waiting for a feature');

/** `identifier file` for every identifier of every file. */
function inFiles(): readonly string[] {
  const found = new Set<string>();
  for (const name of globSync('**/*.ts', { cwd: here })) {
    for (const [id] of text(name).matchAll(IDENTIFIER)) found.add(`${id} ${name.split(path.sep).join('/')}`);
  }
  return [...found].sort();
}

it('the README lists every case with its file, and no other', () => {
  const rows = cases.split('\n').filter((line) => /^\| (?:CVE|desync)-/.test(line));
  const listed = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, file]) => `${row.split('|')[1]?.trim()} ${file}`));
  assert.deepEqual(listed.sort(), inFiles());
});

it('what waits for a feature has no case yet', () => {
  const have = new Set(inFiles().map((each) => each.split(' ')[0]));
  const both = [...waiting.matchAll(IDENTIFIER)].map(([id]) => id).filter((id) => have.has(id));
  // A range names its ends.
  assert.deepEqual(both, []);
});
