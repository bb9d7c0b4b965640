// Runs one suite and counts it. Used by tools/run.mjs (one suite) and tools/test.mjs (all of them).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NODE_FLAGS, testArguments } from './tasks.mjs';
import { environmentWith, root } from './runtime.mjs';

/** Runs Node in the root with its output on ours; returns the exit code (a signal counts as 1). */
export function runNode(node, args) {
  const run = spawnSync(node, args, { cwd: root, stdio: 'inherit', env: environmentWith(node) });
  if (run.error !== undefined) console.error(run.error.message);
  return run.status ?? 1;
}

function runChecks(node, suite) {
  const counts = { passed: 0, failed: 0, skipped: 0, reasons: {}, failures: [] };
  for (const check of suite.commands) {
    if (runNode(node, [...NODE_FLAGS, ...check.command]) === 0) counts.passed += 1;
    else {
      counts.failed += 1;
      counts.failures.push(check.name);
    }
  }
  return counts;
}

function runTests(node, suite, extra) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-test-'));
  const summary = path.join(folder, 'counts.json');
  const status = runNode(node, testArguments(suite, summary, extra));
  try {
    const counts = JSON.parse(readFileSync(summary, 'utf8'));
    if (status !== 0 && counts.failed === 0) countBroken(counts, `the test runner ended with ${status}`);
    return counts;
  } catch {
    const counts = { passed: 0, failed: 0, skipped: 0, reasons: {}, failures: [] };
    countBroken(counts, `the test runner ended with ${status} and left no counts`);
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countBroken(counts, why) {
  counts.failed += 1;
  counts.failures.push(why);
}

/** Runs a suite of tools/lib/tasks.mjs; `extra` replaces its file globs. */
export function runSuite(node, suite, extra = []) {
  return suite.kind === 'checks' ? runChecks(node, suite) : runTests(node, suite, extra);
}
