import type { ProcessLoggers } from './logger.ts';
import type { WorkerChannel, WorkerListener } from './worker-channel.ts';
import type { WorkerHost } from './worker-config.ts';
import { WorkerCore } from './worker-core.ts';
import type { ToMain, ToWorker } from './worker-messages.ts';

/** A worker on the main thread: for the library and tests. The same code as a thread's, without the crossing. */
export class InlineWorker implements WorkerChannel {
  readonly index: number;
  private readonly core: WorkerCore;

  /** `host`: the main thread's dispatcher, clusters and shared cells, which this worker uses too. */
  constructor(index: number, loggers: ProcessLoggers, host: WorkerHost, listener: WorkerListener) {
    this.index = index;
    this.core = new WorkerCore(index, loggers, (message: ToMain) => {
      // Later, as from a thread: nobody is called back inside of a call of his own.
      queueMicrotask(() => listener.onMessage(index, message));
    }, host);
  }

  send(message: ToWorker): void {
    queueMicrotask(() => this.core.handle(message));
  }

  terminate(): Promise<void> {
    return Promise.resolve();
  }
}
