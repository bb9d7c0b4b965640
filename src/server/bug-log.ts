import { setBugListener } from '../base/bug.ts';
import type { Loggers } from '../contract/logger.ts';
import { LOG_ERROR } from '../contract/logger.ts';

/** Sends reports of our own mistakes to this thread's log: the first of each place, with its stack. `counted` hears of every one. */
export function logBugs(loggers: Loggers, counted: () => void): void {
  setBugListener((where, detail, count) => {
    counted();
    if (count > 1) return;
    const stack = new Error(where).stack ?? '';
    loggers.get('envoy_bug').log(LOG_ERROR, `nuncio bug: ${where}${detail === '' ? '' : `: ${detail}`}\n${stack}`);
  });
}
