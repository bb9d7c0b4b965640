// `npm test`: every suite, then the counts. `npm test -- unit lint` runs only those.
import { ensureBundle } from './lib/bundle.mjs';
import { ensureDependencies, ensureRuntime, root } from './lib/runtime.mjs';
import { runSuite } from './lib/suites.mjs';
import { SUITES } from './lib/tasks.mjs';

function chosenSuites(names) {
  const unknown = names.filter((name) => !Object.hasOwn(SUITES, name));
  if (unknown.length === 0) return names.length > 0 ? names : Object.keys(SUITES);
  console.error(`no such suite: ${unknown.join(', ')}; there are: ${Object.keys(SUITES).join(', ')}`);
  process.exit(2);
}

function printRow(cells) {
  const [name, ...numbers] = cells;
  console.log(String(name).padEnd(14) + numbers.map((cell) => String(cell).padStart(9)).join(''));
}

/** Failures of one suite that are named in the summary; the output above has them all, with their reasons. */
const NAMED_FAILURES = 20;

function printFailuresAndSkips(results) {
  for (const { name, counts } of results) {
    for (const failure of counts.failures.slice(0, NAMED_FAILURES)) console.log(`FAILED  ${name}: ${failure}`);
    const more = counts.failures.length - NAMED_FAILURES;
    if (more > 0) console.log(`FAILED  ${name}: … and ${more} more, see above`);
  }
  for (const { name, counts } of results) {
    for (const [reason, times] of Object.entries(counts.reasons)) console.log(`skipped ${name}: ${times} × ${reason}`);
  }
}

function printCounts(results) {
  const total = { passed: 0, failed: 0, skipped: 0, seconds: 0 };
  console.log();
  printFailuresAndSkips(results);
  console.log();
  printRow(['suite', 'passed', 'failed', 'skipped', 'seconds']);
  for (const { name, counts, seconds } of results) {
    printRow([name, counts.passed, counts.failed, counts.skipped, seconds.toFixed(1)]);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    total.seconds += seconds;
  }
  printRow(['total', total.passed, total.failed, total.skipped, total.seconds.toFixed(1)]);
  console.log(`\npassed ${total.passed}, failed ${total.failed}, skipped ${total.skipped}`);
  return total.failed;
}

async function main() {
  const names = chosenSuites(process.argv.slice(2));
  const node = ensureRuntime();
  ensureDependencies({ development: true });
  const results = [];
  for (const name of names) {
    console.log(`\n── ${name} ──`);
    const started = performance.now();
    // Suites that start ./nuncio test what users start; `package` has removed the bundle before, or somebody edits meanwhile.
    if (SUITES[name].kind === 'tests') await ensureBundle(root);
    const counts = await runSuite(node, SUITES[name]);
    results.push({ name, counts, seconds: (performance.now() - started) / 1000 });
  }
  return printCounts(results) === 0 ? 0 : 1;
}

process.exitCode = await main();
