import type { Logger } from '../contract/logger.ts';
import { LOG_CRITICAL, LOG_ERROR, LOG_WARNING } from '../contract/logger.ts';
import type { Counter } from '../contract/stats.ts';
import type { HostFailure } from '../core/upstream/host-update.ts';
import type { StatsMerger, StatsSource } from '../core/stats/merger.ts';
import type { WorkerChannel, WorkerListener } from './worker-channel.ts';
import type { ConfigureMessage, ListenOrder, ToMain, ToWorker } from './worker-messages.ts';

/** Where a listener listens: one entry an address. */
export interface ListeningAddress {
  readonly ip: string;
  readonly port: number;
  readonly path: string;
}

/** What main waits for from one worker. */
interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Slot {
  channel: WorkerChannel;
  stats: StatsSource;
  configured: Waiting | null;
  drained: Waiting | null;
  stopped: Waiting | null;
  /** By listener name. */
  readonly listening: Map<string, Waiting>;
  /** Times of crashes, to slow down a worker that cannot live. */
  crashes: number[];
}

export interface WorkerPoolOptions {
  readonly concurrency: number;
  readonly create: (index: number, listener: WorkerListener) => WorkerChannel;
  readonly merger: StatsMerger;
  readonly logger: Logger;
  /** The thread of a worker has ended by itself; called before its replacement starts. */
  readonly onCrash: (index: number) => void;
  /** A response of a host said that it is unhealthy. */
  readonly onHostUnhealthy: (failure: HostFailure) => void;
  /** `server.worker_crashes` (nuncio's own). */
  readonly crashes: Counter;
}

/** A worker that crashes this often within CRASH_WINDOW_MS is started again only after CRASH_PAUSE_MS. */
const MAX_QUICK_CRASHES = 5;
const CRASH_WINDOW_MS = 10_000;
const CRASH_PAUSE_MS = 1_000;

/**
 * The workers. Keeps what was last sent to them, so that a crashed one can be replaced while the others serve.
 */
export class WorkerPool implements WorkerListener {
  private readonly options: WorkerPoolOptions;
  private readonly slots: Slot[] = [];
  private configuration: ConfigureMessage | null = null;
  /** Listeners that are open, with the ports that they really have. */
  private readonly open = new Map<string, ListenOrder>();
  private readonly addresses = new Map<string, readonly ListeningAddress[]>();
  private readonly restarts = new Set<NodeJS.Timeout>();
  private ending = false;

  /** Starts the workers at once: they load their modules while main loads the configuration. */
  constructor(options: WorkerPoolOptions) {
    this.options = options;
    for (let i = 0; i < options.concurrency; i++) this.slots.push(this.newSlot(i, []));
  }

  private newSlot(index: number, crashes: number[]): Slot {
    return {
      channel: this.options.create(index, this),
      stats: this.options.merger.attach(),
      configured: null,
      drained: null,
      stopped: null,
      listening: new Map(),
      crashes,
    };
  }

  get size(): number {
    return this.slots.length;
  }

  /** Sends resources to all workers; done when all have built them. Rejects with the first failure. */
  async configure(message: ConfigureMessage): Promise<void> {
    this.configuration = message;
    await Promise.all(this.slots.map((slot) => this.configureSlot(slot, message)));
  }

  /** Keeps what a replacement must know; the running workers hear of it by `broadcast`. */
  amendConfiguration(change: Partial<Pick<ConfigureMessage, 'runtime' | 'failedHealth' | 'hostUpdates'>>): void {
    if (this.configuration !== null) this.configuration = { ...this.configuration, ...change };
  }

  private configureSlot(slot: Slot, message: ConfigureMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      slot.configured = { resolve, reject };
      const { sharedCells } = message;
      slot.channel.send(sharedCells === null ? message : { ...message, sharedCells: { ...sharedCells, row: slot.channel.index } });
    });
  }

  /**
   * Opens listeners on all workers. The first worker goes first: its errors are the errors, and a port that the system chose is the port
   * for the others.
   */
  async listen(orders: readonly ListenOrder[], singleWorker: ReadonlySet<string>): Promise<ReadonlyMap<string, readonly ListeningAddress[]>> {
    await this.listenSlot(this.slots[0], orders);
    const resolved = orders.map((order) => this.resolveOrder(order));
    for (const order of resolved) if (!singleWorker.has(order.name)) this.open.set(order.name, order);
    const shared = resolved.filter((order) => !singleWorker.has(order.name));
    if (shared.length > 0) await Promise.all(this.slots.slice(1).map((slot) => this.listenSlot(slot, shared)));
    return this.addresses;
  }

  private resolveOrder(order: ListenOrder): ListenOrder {
    const addresses = this.addresses.get(order.name) ?? [];
    return { name: order.name, ports: order.ports.map((port, i) => (addresses[i] === undefined ? port : addresses[i].port)) };
  }

  private async listenSlot(slot: Slot, orders: readonly ListenOrder[]): Promise<void> {
    const answers = orders.map(
      (order) => new Promise<void>((resolve, reject) => slot.listening.set(order.name, { resolve, reject })),
    );
    slot.channel.send({ type: 'listen', listeners: orders });
    await Promise.all(answers);
  }

  /** Where the listeners listen, by name. */
  get listening(): ReadonlyMap<string, readonly ListeningAddress[]> {
    return this.addresses;
  }

  stopListening(listeners: readonly string[]): void {
    for (const name of listeners) this.open.delete(name);
    this.broadcast({ type: 'stop-listening', listeners });
  }

  broadcast(message: ToWorker): void {
    for (const slot of this.slots) slot.channel.send(message);
  }

  /** To one worker; tests make it crash so. */
  sendTo(index: number, message: ToWorker): void {
    this.slots[index].channel.send(message);
  }

  /** Graceful end: done when no worker has a connection any more. */
  async shutdown(): Promise<void> {
    this.ending = true;
    this.open.clear();
    const all = this.slots.map((slot) => new Promise<void>((resolve, reject) => (slot.drained = { resolve, reject })));
    this.broadcast({ type: 'shutdown' });
    await Promise.allSettled(all);
  }

  /** End now; done when all workers are gone. A worker that does not answer is terminated. */
  async stop(): Promise<void> {
    this.ending = true;
    for (const timer of this.restarts) clearTimeout(timer);
    this.restarts.clear();
    await Promise.all(this.slots.map((slot) => this.stopSlot(slot)));
  }

  private async stopSlot(slot: Slot): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<void>((resolve, reject) => (slot.stopped = { resolve, reject }));
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_ANSWER_MS);
    });
    slot.channel.send({ type: 'stop' });
    await Promise.race([answered.catch(() => undefined), late]);
    clearTimeout(timer);
    await slot.channel.terminate();
    slot.stats.end();
  }

  onMessage(index: number, message: ToMain): void {
    const slot = this.slots[index];
    switch (message.type) {
      case 'stats':
        for (const definition of message.definitions) slot.stats.apply(definition);
        return;
      case 'host-unhealthy':
        this.options.onHostUnhealthy(message.failure);
        return;
      case 'configured':
        settle(slot, 'configured', null);
        return;
      case 'configure-failed':
        settle(slot, 'configured', new Error(message.message));
        return;
      case 'listening':
        if (index === 0 || !this.addresses.has(message.listener)) this.addresses.set(message.listener, message.addresses);
        slot.listening.get(message.listener)?.resolve();
        slot.listening.delete(message.listener);
        return;
      case 'listen-failed':
        slot.listening.get(message.listener)?.reject(new Error(message.message));
        slot.listening.delete(message.listener);
        return;
      case 'drained':
        settle(slot, 'drained', null);
        return;
      case 'stopped':
        settle(slot, 'stopped', null);
        return;
    }
  }

  onCrash(index: number, error: Error): void {
    const slot = this.slots[index];
    this.options.crashes.inc();
    this.options.logger.log(LOG_CRITICAL, `worker_${index} crashed: ${error.stack ?? error.message}`);
    slot.stats.end();
    this.options.onCrash(index);
    settle(slot, 'configured', error);
    settle(slot, 'drained', null);
    settle(slot, 'stopped', null);
    for (const waiting of slot.listening.values()) waiting.reject(error);
    slot.listening.clear();
    if (this.ending || this.configuration === null) return;
    const now = performance.now();
    const crashes = slot.crashes.filter((time) => now - time < CRASH_WINDOW_MS);
    crashes.push(now);
    if (crashes.length <= MAX_QUICK_CRASHES) {
      this.replace(index, crashes);
      return;
    }
    this.options.logger.log(LOG_ERROR, `worker_${index} crashed ${crashes.length} times in ${CRASH_WINDOW_MS / 1_000} s; waiting before the next start`);
    const timer = setTimeout(() => {
      this.restarts.delete(timer);
      this.replace(index, crashes);
    }, CRASH_PAUSE_MS);
    this.restarts.add(timer);
  }

  private replace(index: number, crashes: number[]): void {
    const configuration = this.configuration;
    if (configuration === null || this.ending) return;
    const slot = this.newSlot(index, crashes);
    this.slots[index] = slot;
    this.options.logger.log(LOG_WARNING, `worker_${index} is being replaced`);
    this.configureSlot(slot, configuration)
      .then(() => (this.ending ? undefined : this.listenSlot(slot, [...this.open.values()])))
      .catch((error: unknown) => {
        this.options.logger.log(LOG_ERROR, `worker_${index}: its replacement failed: ${error instanceof Error ? error.message : String(error)}`);
      });
  }
}

const STOP_ANSWER_MS = 2_000;

function settle(slot: Slot, key: 'configured' | 'drained' | 'stopped', error: Error | null): void {
  const waiting = slot[key];
  slot[key] = null;
  if (error === null) waiting?.resolve();
  else waiting?.reject(error);
}
