import { useCompileCache } from '../server/compile-cache.ts';

useCompileCache();
const { run } = await import('./run.ts');
process.exitCode = await run(process.argv.slice(2), displayName());

/** What usage and `--version` call the program: the launcher's name where there is one. */
function displayName(): string {
  return process.env['NUNCIO_ARGV0'] ?? 'nuncio';
}
