import type { Logger } from '../contract/logger.ts';
import { LOG_INFO, LOG_WARNING } from '../contract/logger.ts';

export interface SignalActions {
  /** SIGTERM or SIGINT; `again` from the second one on. */
  terminate(again: boolean): void;
  /** SIGUSR1. */
  reopenLogs(): void;
}

/** Listens for signals as Envoy does. Returns what takes the handlers off again. */
export function installSignals(logger: Logger, actions: SignalActions): () => void {
  let seen = 0;
  const terminate = (signal: NodeJS.Signals): void => {
    logger.log(LOG_WARNING, signal === 'SIGTERM' ? 'caught ENVOY_SIGTERM' : `caught ${signal}`);
    actions.terminate(seen++ > 0);
  };
  const handlers: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = [
    ['SIGTERM', terminate],
    ['SIGINT', terminate],
    [
      'SIGUSR1',
      () => {
        logger.log(LOG_INFO, 'caught SIGUSR1. Reopening access logs.');
        actions.reopenLogs();
      },
    ],
    ['SIGHUP', () => logger.log(LOG_WARNING, 'caught and eating SIGHUP. nuncio has no hot restart: start a second process on the same ports and stop the first.')],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
