import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { compareFile, corpusFolder, missingTypes, readVerdicts } from '../../test/corpus/compare.ts';
import { root, type MissingType } from './inputs.ts';

/** Types that keep files of the corpus from being accepted, as they are now; null where this machine has no corpus. */
export function countMissing(): MissingType[] | null {
  const folder = corpusFolder(root);
  if (folder === null) return null;
  const before = process.cwd();
  // The files name their fixtures relative to the corpus.
  process.chdir(folder);
  try {
    const compared = readVerdicts(folder).map(compareFile);
    return missingTypes(compared).map(([type, files]) => ({ type, files }));
  } finally {
    process.chdir(before);
  }
}

/** Keeps the counts in the project, because other machines have no corpus. */
export function writeMissing(missing: readonly MissingType[]): void {
  const lines = missing.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  const about =
    'Types known to Envoy that nuncio lacks, with the number of real configurations that need them; npm run status writes it';
  writeFileSync(
    path.join(root, 'tools/status/corpus-missing.json'),
    `{\n  "about": "${about}",\n  "missing": [\n${lines}\n  ]\n}\n`,
  );
}
