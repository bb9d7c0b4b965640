import type { ServerOptions } from '../server/options.ts';
import { versionString } from '../server/version.ts';
import { startEarly } from './early-start.ts';
import type { EarlyStart } from './early-start.ts';
import { OPTIONS } from './option-table.ts';
import { MalformedArgvError, resolveOptions } from './options.ts';
import { STDERR, STDOUT, say } from './say.ts';
import { ArgumentError, failureText, helpText, parseArguments } from './tclap.ts';

/** The command line program. Returns the exit code when there is nothing left to do. */
export async function run(args: readonly string[], argv0: string): Promise<number> {
  try {
    const given = parseArguments(args, OPTIONS);
    if (given.has('help')) return say(STDOUT, helpText(argv0, OPTIONS, 'nuncio'), 0);
    if (given.has('version')) return say(STDOUT, `\n${argv0}  version: ${versionString()}\n\n`, 0);
    const { options, warnings, hotRestartVersion } = resolveOptions(given);
    if (hotRestartVersion !== null) return say(STDERR, hotRestartVersion, 0);
    return await start(options, warnings);
  } catch (error) {
    if (error instanceof ArgumentError) return say(STDERR, `${failureText(argv0, OPTIONS, error)}${error.message}\n`, 1);
    if (error instanceof MalformedArgvError) return say(STDERR, `${error.message}\n`, 1);
    throw error;
  }
}

async function start(options: ServerOptions, warnings: readonly string[]): Promise<number> {
  let early: EarlyStart;
  try {
    early = startEarly(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return say(STDERR, `Failed to open log-file '${options.logPath}'. e.what(): ${reason}\n`, 1);
  }
  // Loaded only now: `--help` and mistakes in the command line answer at once, and workers load beside it.
  const { runWith } = await import('./serve.ts');
  return runWith(early, warnings);
}
