import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { useCompileCacheAt } from './compile-cache.ts';
import type { ToWorker, WorkerData } from './worker-messages.ts';

/** Entry of a worker thread. Everything else is in worker-core; this file connects it to its port. */

function isWorkerData(data: unknown): data is WorkerData {
  return typeof data === 'object' && data !== null && 'nuncioWorker' in data;
}

if (isMainThread || parentPort === null || !isWorkerData(workerData)) throw new Error('worker.ts is started by nuncio, not by hand');

const port = parentPort;
const { index, log, compileCache } = workerData;
if (compileCache !== null) useCompileCacheAt(compileCache);
const { ProcessLoggers } = await import('./logger.ts');
const { WorkerCore } = await import('./worker-core.ts');
const { limitRegexSizes } = await import('../common/regex/regex.ts');
limitRegexSizes('none');
const loggers = new ProcessLoggers(log);
const core = new WorkerCore(index, loggers, (message) => {
  port.postMessage(message);
  // After the last word nothing may keep the thread.
  if (message.type === 'stopped') {
    loggers.dispose();
    port.close();
  }
});
port.on('message', (message: ToWorker) => core.handle(message));
