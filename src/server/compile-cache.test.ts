import { test } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isOurs } from './compile-cache.ts';

test('only a folder that nobody else can write to keeps compiled code', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-cache-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const made = path.join(folder, 'a/b');
  assert.equal(isOurs(made), true, 'it is made');
  assert.equal(statSync(made).mode & 0o777, 0o700);

  const open = path.join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  assert.equal(isOurs(open), false, 'others may write');

  const file = path.join(folder, 'file');
  writeFileSync(file, '');
  assert.equal(isOurs(file), false, 'no folder');
  assert.equal(isOurs(path.join(file, 'x')), false, 'it cannot be made');
});
