import { ThreadDispatcher } from '../core/dispatcher/dispatcher.ts';
import { loadConfiguration } from './load.ts';
import type { ProcessLoggers } from './logger.ts';
import { MainStats } from './main-stats.ts';
import { MainThread } from './main-thread.ts';
import type { ServerOptions } from './options.ts';

/** `--mode validate`: everything is built once, nothing is opened. Throws StartupError with everything that is wrong. */
export function validateServer(options: ServerOptions, loggers: ProcessLoggers): void {
  const dispatcher = new ThreadDispatcher({ name: 'main_thread' });
  try {
    const loaded = loadConfiguration(options, loggers);
    const main = new MainThread({
      loaded, options, dispatcher, stats: new MainStats(), loggers, validationOnly: true, sharedCells: null, onHostUpdate: () => {},
    });
    main.dispose();
  } finally {
    dispatcher.dispose();
  }
}
