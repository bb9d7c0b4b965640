// `node tools/run.mjs TASK [ARGUMENTS]`: one task of tools/lib/tasks.mjs with the right Node and packages in place.
import { ensureBundle } from './lib/bundle.mjs';
import { ensureDependencies, ensureRuntime, root } from './lib/runtime.mjs';
import { runNode, runSuite } from './lib/suites.mjs';
import { NODE_FLAGS, SUITES, TOOLS } from './lib/tasks.mjs';

const [task, ...rest] = process.argv.slice(2);

function usage() {
  const names = [...Object.keys(SUITES), ...Object.keys(TOOLS)].join(', ');
  console.error(`usage: node tools/run.mjs TASK [ARGUMENTS]\ntasks: ${names}`);
  return 2;
}

async function main() {
  const suite = Object.hasOwn(SUITES, task ?? '') ? SUITES[task] : undefined;
  const tool = Object.hasOwn(TOOLS, task ?? '') ? TOOLS[task] : undefined;
  if (suite === undefined && tool === undefined) return usage();
  const node = ensureRuntime();
  ensureDependencies({ development: true });
  // What starts ./nuncio should measure and test what users start.
  if (task !== 'build' && suite?.kind !== 'checks') await ensureBundle(root);
  if (tool !== undefined) return runNode(node, [...NODE_FLAGS, ...tool.command, ...rest]);
  const counts = await runSuite(node, suite, rest);
  console.log(`${task}: passed ${counts.passed}, failed ${counts.failed}, skipped ${counts.skipped}`);
  return counts.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
