import { Worker } from 'node:worker_threads';
import { moduleBeside } from '../base/module-path.ts';
import { compileCacheFolder } from './compile-cache.ts';
import type { LogSetup } from './logger.ts';
import type { ToMain, ToWorker, WorkerData } from './worker-messages.ts';

/** What main hears of one worker. */
export interface WorkerListener {
  onMessage(index: number, message: ToMain): void;
  /** The worker died without being asked to; nothing comes after it. */
  onCrash(index: number, error: Error): void;
}

/** One worker as main sees it, whether a thread or a part of this one. */
export interface WorkerChannel {
  readonly index: number;
  send(message: ToWorker): void;
  /** Ends it, waiting for the end. */
  terminate(): Promise<void>;
}

/**
 * Memory of a worker's young generation in MiB at most: garbage of requests dies there. V8 takes of it what the load asks for. Less copies the
 * requests under way too often: with 512 HTTP/2 streams at a time, 24 cost a third more CPU.
 */
const YOUNG_GENERATION_MB = 64;

/** A worker thread. */
export class ThreadWorker implements WorkerChannel {
  readonly index: number;
  private readonly worker: Worker;
  private readonly exited: Promise<void>;
  private listener: WorkerListener | null = null;
  private ending = false;
  private failure: Error | null = null;

  /** Starts the thread, which loads its modules; it says nothing before it is told something, so the listener may come later. */
  constructor(index: number, log: LogSetup) {
    this.index = index;
    const data: WorkerData = { nuncioWorker: true, index, log, compileCache: compileCacheFolder() };
    this.worker = new Worker(moduleBeside(import.meta.url, './worker'), {
      workerData: data,
      name: `worker_${index}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.worker.on('message', (message: ToMain) => this.listener?.onMessage(index, message));
    this.worker.on('error', (error: unknown) => {
      this.failure = error instanceof Error ? error : new Error(String(error));
    });
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        resolve();
        if (!this.ending) this.listener?.onCrash(index, this.failure ?? new Error(`the worker exited with code ${code}`));
      });
    });
  }

  /** Who hears of messages and of the end; once. */
  listen(listener: WorkerListener): this {
    this.listener = listener;
    return this;
  }

  send(message: ToWorker): void {
    if (message.type === 'stop') this.ending = true;
    this.worker.postMessage(message);
  }

  async terminate(): Promise<void> {
    this.ending = true;
    await this.worker.terminate();
    await this.exited;
  }
}
