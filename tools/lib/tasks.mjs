// What each task runs: the one list behind `npm run TASK` and `npm test`.
import path from 'node:path';

const oxlint = 'node_modules/oxlint/bin/oxlint';
const tsc = 'node_modules/typescript/bin/tsc';

/** Flags of Node for nuncio and its tests; ./nuncio passes the same ones. */
export const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** A suite of checks: each is one command that passes or fails. */
const checks = (...commands) => ({ kind: 'checks', commands });

/** A suite of node:test files, given as globs below the root. */
const tests = (...globs) => ({ kind: 'tests', globs });

/** A command that does its own printing and is no part of `npm test`. */
const tool = (...command) => ({ kind: 'tool', command });

/** Suites of `npm test`, in its order: what fails quickest comes first. */
export const SUITES = {
  lint: checks(
    { name: 'oxlint', command: [oxlint, '--type-aware', '--deny-warnings'] },
    { name: 'layers', command: ['tools/check-layers/main.ts'] },
    { name: 'house', command: ['tools/check-house/main.ts'] },
  ),
  typecheck: checks({ name: 'tsc', command: [tsc, '-p', 'tsconfig.json'] }),
  unit: tests('src/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts', 'fuzz/**/*.test.ts', 'test/harness/**/*.test.ts', 'test/conformance/**/*.test.ts'),
  integration: tests(
    'test/docs/**/*.test.ts',
    'test/integration/**/*.test.ts',
    'test/museum/**/*.test.ts',
    'examples/**/*.test.ts',
  ),
  recordings: tests('test/oracle/**/*.test.ts'),
  cases: tests('test/corpus/**/*.test.ts'),
  package: tests('test/package/**/*.test.ts'),
};

/** Tasks beside the suites. */
export const TOOLS = {
  build: tool('tools/build.mjs'),
  bundle: tool('tools/bundle.mjs'),
  status: tool('tools/gen-status/main.ts'),
  oracle: tool('test/oracle/main.ts'),
  corpus: tool('test/corpus/main.ts'),
  conformance: tool('test/conformance/main.ts'),
  bench: tool('bench/main.ts'),
  fuzz: tool('fuzz/main.ts'),
};

/** Arguments for Node to run a suite's test files; `summary` is the file that gets the counts. */
export function testArguments(suite, summary, extra) {
  const reporter = path.join('tools', 'lib', 'counts-reporter.mjs');
  return [
    ...NODE_FLAGS,
    '--test',
    // Node's own choice leaves one core idle, which on two cores is half of them.
    '--test-concurrency=2',
    '--test-timeout=120000',
    '--test-reporter=dot',
    '--test-reporter-destination=stdout',
    `--test-reporter=./${reporter}`,
    `--test-reporter-destination=${summary}`,
    ...(extra.length > 0 ? extra : suite.globs),
  ];
}
