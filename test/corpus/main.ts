// `npm run corpus`: every file of the corpus of real configurations through what `--mode validate` does, against the real Envoy's verdict.
// Options: --json (machine-readable counts), --verbose (also why files were refused by both), --write (leaves the counts of missing
// types in tools/status/corpus-missing.json, from which `npm run status` makes its table).
import path from 'node:path';
import { writeMissing } from '../../tools/gen-status/corpus.ts';
import { compareFile, corpusFolder, missingTypes, readVerdicts, tally, type Compared } from './compare.ts';

const root = path.join(import.meta.dirname, '..', '..');

function printTable(all: readonly Compared[]): void {
  console.log('\noutcome                                              files');
  for (const [outcome, count] of [...tally(all)].sort((a, b) => b[1] - a[1])) console.log(`${outcome.padEnd(52)} ${String(count).padStart(5)}`);
  const missing = missingTypes(all);
  if (missing.length > 0) console.log('\nknown to Envoy, not in nuncio yet                     files');
  for (const [type, count] of missing) console.log(`${type.padEnd(100)} ${String(count).padStart(5)}`);
}

function printDetails(all: readonly Compared[], verbose: boolean): void {
  for (const each of all) {
    const shown = each.outcome.startsWith('FAILURE') || each.outcome.startsWith('accepted, refused') || (verbose && each.detail !== '');
    if (shown) console.log(`\n${each.outcome}: ${each.file}\n  ${each.detail.replaceAll('\n', '\n  ')}`);
  }
}

function main(arguments_: readonly string[]): number {
  const folder = corpusFolder(root);
  if (folder === null) {
    console.log('corpus: SKIPPED, this machine has no corpus (set NUNCIO_CORPUS to its folder)');
    return 0;
  }
  // The files name their fixtures relative to the corpus.
  process.chdir(folder);
  const all = readVerdicts(folder).map(compareFile);
  if (arguments_.includes('--json')) {
    console.log(JSON.stringify({ outcomes: Object.fromEntries(tally(all)), missing: Object.fromEntries(missingTypes(all)) }, null, 2));
  } else {
    printDetails(all, arguments_.includes('--verbose'));
    printTable(all);
  }
  if (arguments_.includes('--write')) writeMissing(missingTypes(all).map(([type, files]) => ({ type, files })));
  const failed = all.filter((each) => each.outcome.startsWith('FAILURE')).length;
  console.log(`\ncorpus: ${all.length} files, ${failed} failures`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
