// `npm run conformance [NAME [ARGUMENTS]]`: a suite that others wrote, one folder here each with a main.ts; without a name all of them.
// Non-zero when one fails; a suite that cannot run here says SKIPPED and why.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;

function suites(): string[] {
  return readdirSync(here).filter((name) => existsSync(path.join(here, name, 'main.ts'))).sort();
}

function run(name: string, options: readonly string[]): boolean {
  const { status, error } = spawnSync(process.execPath, [...process.execArgv, path.join(here, name, 'main.ts'), ...options], { stdio: 'inherit' });
  if (error !== undefined) console.error(`${name}: ${error.message}`);
  return status === 0;
}

function main([name, ...options]: readonly string[]): number {
  const known = suites();
  if (name !== undefined && !known.includes(name)) {
    console.error(`usage: npm run conformance [NAME [ARGUMENTS]]\nnames: ${known.join(', ')}`);
    return 2;
  }
  const failed = (name === undefined ? known : [name]).filter((each) => !run(each, options));
  if (name === undefined) console.log(`conformance: ${known.length} suites, ${failed.length} failed${failed.length > 0 ? ` (${failed.join(', ')})` : ''}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
