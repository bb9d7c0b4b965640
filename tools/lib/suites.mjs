// Runs one suite and counts it. Used by tools/run.mjs (one suite) and tools/test.mjs (all of them).
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NODE_FLAGS, testArguments } from './tasks.mjs';
import { environmentWith, root } from './runtime.mjs';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/**
 * Runs Node in the root with its output on ours; resolves to the exit code (an error counts as 1). A signal to us is handed on, and once
 * the child has ended by it so do we: nothing is left running, and no further suite is started.
 */
export function runNode(node, args) {
  return new Promise((resolve) => {
    const child = spawn(node, args, { cwd: root, stdio: 'inherit', env: environmentWith(node) });
    let stopped = 0;
    const stop = (signal) => {
      stopped = SIGNALS[signal];
      child.kill(signal);
    };
    for (const signal of Object.keys(SIGNALS)) process.on(signal, stop);
    child.on('error', (error) => console.error(error.message));
    child.on('close', (code) => {
      for (const signal of Object.keys(SIGNALS)) process.off(signal, stop);
      if (stopped !== 0) process.exit(stopped);
      resolve(code ?? 1);
    });
  });
}

async function runChecks(node, suite) {
  const counts = { passed: 0, failed: 0, skipped: 0, reasons: {}, failures: [] };
  for (const check of suite.commands) {
    if ((await runNode(node, [...NODE_FLAGS, ...check.command])) === 0) counts.passed += 1;
    else {
      counts.failed += 1;
      counts.failures.push(check.name);
    }
  }
  return counts;
}

async function runTests(node, suite, extra) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-test-'));
  const summary = path.join(folder, 'counts.json');
  const status = await runNode(node, testArguments(suite, summary, extra));
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

/** Resolves to the counts of a suite of tools/lib/tasks.mjs; `extra` replaces its file globs. */
export function runSuite(node, suite, extra = []) {
  return suite.kind === 'checks' ? runChecks(node, suite) : runTests(node, suite, extra);
}
