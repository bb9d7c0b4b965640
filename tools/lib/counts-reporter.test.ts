import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const REPORTER = path.join(import.meta.dirname, 'counts-reporter.mjs');

/** What the reporter writes for a test file with this text. */
function countsOf(text: string): unknown {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-counts-'));
  try {
    writeFileSync(path.join(folder, 'a.test.mjs'), `import { describe, it } from 'node:test';\n${text}`);
    const args = ['--test', `--test-reporter=${REPORTER}`, 'a.test.mjs'];
    // A test runner inside a test: without this variable it would take itself for a part of ours.
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    return JSON.parse(spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' }).stdout) as unknown;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('tests are counted, suites are not', () => {
  const counts = countsOf("describe('s', () => { it('a', () => {}); it('b', () => {}); });\nit('c', () => {});");
  assert.deepEqual(counts, { passed: 3, failed: 0, skipped: 0, reasons: {}, failures: [] });
});

test('a failure is named with its file and suites', () => {
  const counts = countsOf("describe('s', () => { describe('t', () => { it('a', () => { throw new Error('x'); }); }); });");
  assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0, reasons: {}, failures: ['a.test.mjs › s › t › a'] });
});

test('skips are counted by reason, whole suites too', () => {
  const counts = countsOf(
    "it('a', { skip: 'no Envoy' }, () => {});\ndescribe('s', { skip: 'no Envoy' }, () => { it('b', () => {}); });",
  );
  assert.deepEqual(counts, { passed: 0, failed: 0, skipped: 2, reasons: { 'no Envoy': 2 }, failures: [] });
});

test('a file that cannot be run is a failure', () => {
  const counts = countsOf("import './nowhere.mjs';") as { failed: number };
  assert.equal(counts.failed, 1);
});
