// `npm run lint` runs this over every file that git knows or would add; exit code 1 if anything is found.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { checkFile } from './rules.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Generated, recorded or foreign files, whose text is not ours to choose. */
const NOT_OURS = /^(?:api\/|package-lock\.json$|.*\/package-lock\.json$|.*\.sum$|LICENSE$|test\/corpus\/files\/|fuzz\/corpus\/)/;

/** Larger files are data. */
const MAX_BYTES = 1 << 20;

function ourFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const names = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 }).split('\0');
  return names.filter((name) => name !== '' && !NOT_OURS.test(name)).sort();
}

/** The file's text, or null when it is gone, large or binary. */
function textOf(name: string): string | null {
  const stat = statSync(path.join(root, name), { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.size > MAX_BYTES) return null;
  const bytes = readFileSync(path.join(root, name));
  return bytes.includes(0) ? null : bytes.toString('utf8');
}

function main(): number {
  let files = 0;
  let findings = 0;
  for (const name of ourFiles()) {
    const text = textOf(name);
    if (text === null) continue;
    files += 1;
    for (const { file, line, text: what } of checkFile({ path: name, text })) {
      findings += 1;
      console.error(`${file}:${line}: ${what}`);
    }
  }
  console.log(`house: ${files} files, ${findings} findings`);
  return findings === 0 ? 0 : 1;
}

process.exitCode = main();
