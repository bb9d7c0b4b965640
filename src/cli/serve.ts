import { writeFileSync } from 'node:fs';
import { LOG_CRITICAL, LOG_WARNING } from '../contract/logger.ts';
import { configErrorText } from '../server/error-text.ts';
import { setLogVersion } from '../server/log-format.ts';
import type { ProcessLoggers } from '../server/logger.ts';
import type { ServerOptions } from '../server/options.ts';
import { Server } from '../server/server.ts';
import { installSignals } from '../server/signals.ts';
import { StartupError } from '../server/startup-error.ts';
import { validateServer } from '../server/validate.ts';
import { versionString } from '../server/version.ts';
import type { EarlyStart } from './early-start.ts';
import { STDOUT, say } from './say.ts';

/** Runs the server as the options say, to its end. Returns the exit code. */
export async function runWith(start: EarlyStart, warnings: readonly string[]): Promise<number> {
  const { options, loggers } = start;
  setLogVersion(versionString());
  for (const warning of warnings) loggers.get('main').log(LOG_WARNING, warning);
  try {
    if (options.mode === 'validate') return validate(options, loggers);
    return await serve(start);
  } catch (error) {
    const what = options.configPath === '' ? '--config-yaml' : options.configPath;
    const message = error instanceof StartupError ? error.message : configErrorText(error);
    // A list of errors reads better with each at the beginning of a line.
    const text = message.includes('\n') ? `\n${message}` : message;
    loggers.get('main').log(LOG_CRITICAL, `error initializing configuration '${what}': ${text}`);
    return 1;
  } finally {
    loggers.dispose();
  }
}

/** `--mode validate`. */
function validate(options: ServerOptions, loggers: ProcessLoggers): number {
  validateServer(options, loggers);
  return say(STDOUT, `configuration '${options.configPath}' OK\n`, 0);
}

/** `--base-id-path`; Envoy writes nothing without hot restart, either. */
function writeBaseId(options: ServerOptions, loggers: ProcessLoggers): void {
  if (options.baseIdPath === '' || options.disableHotRestart) return;
  try {
    writeFileSync(options.baseIdPath, String(options.baseId));
  } catch {
    loggers.get('misc').log(LOG_CRITICAL, `cannot open base id output file ${options.baseIdPath} for writing.`);
  }
}

async function serve({ options, loggers, workers }: EarlyStart): Promise<number> {
  let terminated = false;
  let server: Server | null = null;
  const removeSignals = installSignals(loggers.get('main'), {
    terminate: (again) => {
      terminated = true;
      if (server === null) return;
      if (again) server.forceStop();
      else void server.shutdown(options.shutdownGraceS);
    },
    reopenLogs: () => (server === null ? loggers.reopen() : server.reopenLogs()),
  });
  try {
    writeBaseId(options, loggers);
    server = await Server.start({ options, loggers, inline: false, ephemeralPorts: false, earlyWorkers: workers });
    if (options.mode === 'init_only' || terminated) await server.stop();
    await server.stopped;
    return 0;
  } finally {
    removeSignals();
  }
}
