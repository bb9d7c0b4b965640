import type { ProcessLoggers } from './logger.ts';
import type { WorkerChannel, WorkerListener } from './worker-channel.ts';
import { WorkerCore } from './worker-core.ts';
import type { ToMain, ToWorker } from './worker-messages.ts';

/** A worker on the main thread: for the library and tests. The same code as a thread's, without the crossing. */
export class InlineWorker implements WorkerChannel {
  readonly index: number;
  private readonly core: WorkerCore;

  constructor(index: number, loggers: ProcessLoggers, listener: WorkerListener) {
    this.index = index;
    this.core = new WorkerCore(index, loggers, (message: ToMain) => {
      // Later, as from a thread: nobody is called back inside of a call of his own.
      queueMicrotask(() => listener.onMessage(index, message));
    });
  }

  send(message: ToWorker): void {
    queueMicrotask(() => this.core.handle(message));
  }

  terminate(): Promise<void> {
    return Promise.resolve();
  }
}
