import { ProcessLoggers } from '../server/logger.ts';
import type { ServerOptions } from '../server/options.ts';
import { ThreadWorker } from '../server/worker-channel.ts';

/** What exists before the server's own modules are loaded. */
export interface EarlyStart {
  readonly options: ServerOptions;
  readonly loggers: ProcessLoggers;
  /** Worker threads that are loading their modules while main loads its own; empty in validate mode. */
  readonly workers: ThreadWorker[];
}

/** Opens the log and starts the worker threads. Throws the system's error when the log cannot be opened. */
export function startEarly(options: ServerOptions): EarlyStart {
  const loggers = ProcessLoggers.create({
    level: options.logLevel,
    format: options.logFormat,
    escaped: options.logFormatEscaped,
    path: options.logPath,
  });
  for (const [component, level] of options.componentLogLevels) loggers.setLevel(component, level);
  const count = options.mode === 'validate' ? 0 : options.concurrency;
  return { options, loggers, workers: Array.from({ length: count }, (_, index) => new ThreadWorker(index, loggers.setup)) };
}
