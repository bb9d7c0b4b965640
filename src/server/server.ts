import type { Timer } from '../base/timer-wheel.ts';
import { LOG_INFO } from '../contract/logger.ts';
import type { Logger } from '../contract/logger.ts';
import { ThreadDispatcher } from '../core/dispatcher/dispatcher.ts';
import type { DrainRequest, ServerState } from './admin/context.ts';
import { STATE_DRAINING, STATE_INITIALIZING, STATE_LIVE, STATE_PRE_INITIALIZING } from './admin/context.ts';
import { afterStart } from './after-start.ts';
import { mainWatchdog, startsDrained, statsFlushInterval } from './bootstrap-facts.ts';
import { logBugs } from './bug-log.ts';
import { configureMessage } from './configure-message.ts';
import { InlineWorker } from './inline-worker.ts';
import { ListenPlan } from './listen-plan.ts';
import { ListenerManagerStats } from './listener-manager-stats.ts';
import { loadConfiguration } from './load.ts';
import type { ConfigText } from './load.ts';
import type { ProcessLoggers } from './logger.ts';
import { MainStats } from './main-stats.ts';
import { MainThread } from './main-thread.ts';
import type { ServerOptions } from './options.ts';
import { createSharedCellSpace, ThreadSharedCells } from '../core/shared-cells/thread-shared-cells.ts';
import type { SharedCellSpace } from '../core/shared-cells/thread-shared-cells.ts';
import type { HostUpdate } from '../core/upstream/host-update.ts';
import type { OpenedAdmin } from './server-admin.ts';
import { openAdmin } from './server-admin.ts';
import { ServerStats } from './server-stats.ts';
import { StartupError } from './startup-error.ts';
import { withDeadline } from './with-deadline.ts';
import { Watchdog } from './watchdog.ts';
import { ThreadWorker } from './worker-channel.ts';
import type { WorkerHost } from './worker-config.ts';
import { WorkerPool } from './worker-pool.ts';

export interface ServerSetup {
  readonly options: ServerOptions;
  readonly loggers: ProcessLoggers;
  /** A worker on the main thread: one, whatever `concurrency` says. */
  readonly inline: boolean;
  /** Configuration as text, in place of `options.configPath`. */
  readonly config?: ConfigText;
  /** Worker threads that were started ahead of everything else, by index. */
  readonly earlyWorkers?: ThreadWorker[];
  /** All listeners and admin on ports of the system's choice. */
  readonly ephemeralPorts: boolean;
}

/** Everything of the start is over by then. */
const COMPACT_AFTER_MS = 100;

/**
 * The process: main thread services, workers, admin. `Server.start` is done when the workers accept connections. The order of
 * starting is Envoy's (docs/internals/threading.md).
 */
export class Server {
  readonly options: ServerOptions;
  readonly loggers: ProcessLoggers;
  readonly stats = new MainStats();
  readonly dispatcher: ThreadDispatcher;
  readonly pool: WorkerPool;
  /** Done when the server has stopped, for whatever reason. */
  readonly stopped: Promise<void>;
  private readonly setup: ServerSetup;
  private readonly log: Logger;
  private readonly startedAt = performance.now();
  private readonly serverStats: ServerStats;
  private readonly listenerStats: ListenerManagerStats;
  private mainThread: MainThread | null = null;
  private plan: ListenPlan | null = null;
  private openedAdmin: OpenedAdmin | null = null;
  private watchdog: Watchdog | null = null;
  private readonly flushTimer: Timer;
  private readonly drainTimer: Timer;
  private readonly compactTimer: Timer;
  private flushIntervalMs = 0;
  /** Null when the only worker is on this thread. */
  private readonly sharedCells: SharedCellSpace | null;
  private phase: ServerState = STATE_PRE_INITIALIZING;
  private failedHealth = false;
  private draining = false;
  private ending: Promise<void> | null = null;
  private onStopped: () => void = () => {};

  private constructor(setup: ServerSetup) {
    this.setup = setup;
    this.options = setup.options;
    this.loggers = setup.loggers;
    this.log = this.loggers.get('main');
    // An inline worker has the main thread's dispatcher: one thread, one loop, one name.
    this.dispatcher = new ThreadDispatcher({ name: setup.inline ? 'worker_0' : 'main_thread' });
    this.stopped = new Promise((resolve) => (this.onStopped = resolve));
    // A program that embeds the proxy keeps its own way of hearing of bugs.
    if (!setup.inline) logBugs(this.loggers, () => {});
    const concurrency = setup.inline ? 1 : this.options.concurrency;
    this.sharedCells = setup.inline ? null : createSharedCellSpace(concurrency);
    this.serverStats = new ServerStats(this.stats.root.scope('server'), concurrency, this.options.restartEpoch);
    this.listenerStats = new ListenerManagerStats(this.stats.root.scope('listener_manager'));
    this.flushTimer = this.dispatcher.createTimer(() => this.flush());
    this.drainTimer = this.dispatcher.createTimer(() => this.stopListeners(false));
    this.compactTimer = this.dispatcher.createTimer(() => afterStart(true));
    this.pool = new WorkerPool({
      concurrency,
      create: (index, listener) =>
        setup.inline ? new InlineWorker(index, this.loggers, this.inlineHost(), listener) : this.threadWorker(index).listen(listener),
      merger: this.stats.merger,
      logger: this.log,
      onCrash: (index) => this.takeBack(index),
      onHostUnhealthy: (failure) => this.mainThread?.clusters.manager.setHostUnhealthy(failure),
      crashes: this.serverStats.workerCrashes,
    });
  }

  /** Starts. Throws StartupError with everything that is wrong, after giving back what was taken. */
  static async start(setup: ServerSetup): Promise<Server> {
    const server = new Server(setup);
    try {
      await server.initialize();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  private threadWorker(index: number): ThreadWorker {
    return this.setup.earlyWorkers?.shift() ?? new ThreadWorker(index, this.loggers.setup);
  }

  private inlineHost(): WorkerHost {
    return {
      dispatcher: this.dispatcher,
      clusters: () => this.mainThread?.clusters ?? null,
      sharedCells: () => this.mainThread?.services.sharedCells ?? null,
    };
  }

  private async initialize(): Promise<void> {
    this.log.log(LOG_INFO, `initializing epoch ${this.options.restartEpoch} (base id=${this.options.baseId}, hot restart version=disabled)`);
    const loaded = loadConfiguration(this.options, this.loggers, this.setup.config);
    const main = new MainThread({
      loaded,
      options: this.options,
      dispatcher: this.dispatcher,
      stats: this.stats,
      loggers: this.loggers,
      validationOnly: false,
      sharedCells: this.sharedCells,
      onHostUpdate: (update) => this.passHosts(update),
      onHostFailure: (failure) => {
        if (this.phase === STATE_LIVE) this.pool.broadcast({ type: 'host-failed', failure });
      },
    });
    this.mainThread = main;
    this.serverStats.setVersion(Number(main.bootstrap.statsServerVersionOverride ?? 0n));
    this.serverStats.countWarnings(loaded.counts);
    this.phase = STATE_INITIALIZING;
    this.openedAdmin = await openAdmin(this, main, this.setup.ephemeralPorts);
    const plan = new ListenPlan(main.bootstrap, this.setup.ephemeralPorts, this.pool.size, this.log);
    this.plan = plan;
    await main.clusters.start();
    main.runtime.start();
    this.loggers.get('upstream').log(LOG_INFO, 'cm init: all clusters initialized');
    await this.configureWorkers(main, plan);
    if (startsDrained(main.bootstrap, this.log)) this.failHealthcheck(true);
    main.runtime.onUpdate((values) => {
      this.pool.amendConfiguration({ runtime: values });
      this.pool.broadcast({ type: 'runtime', values });
    });
    this.log.log(LOG_INFO, 'all dependencies initialized. starting workers');
    await this.listen(plan);
    this.becomeLive(main);
  }

  private passHosts(update: HostUpdate): void {
    if (this.mainThread === null) return;
    this.pool.amendConfiguration({ hostUpdates: this.mainThread.clusters.manager.hostUpdates });
    if (this.phase === STATE_LIVE) this.pool.broadcast({ type: 'cluster-hosts', update });
  }

  private async configureWorkers(main: MainThread, plan: ListenPlan): Promise<void> {
    const message = configureMessage(main, plan, this.options, this.sharedCells);
    try {
      await this.pool.configure(message);
    } catch (error) {
      throw new StartupError(error instanceof Error ? error.message : String(error));
    }
  }

  private async listen(plan: ListenPlan): Promise<void> {
    try {
      await this.pool.listen(plan.orders, plan.singleWorker);
    } catch (error) {
      throw new StartupError(error instanceof Error ? error.message : String(error));
    }
  }

  private becomeLive(main: MainThread): void {
    this.phase = STATE_LIVE;
    this.listenerStats.started(this.pool.listening.size, this.pool.size);
    const limits = mainWatchdog(main.bootstrap);
    this.watchdog = new Watchdog(this.dispatcher, this.stats.root, 'main_thread', limits.missMs, limits.megaMissMs);
    this.serverStats.initializationTimeMs.record(Math.round(performance.now() - this.startedAt));
    this.flushIntervalMs = statsFlushInterval(main.bootstrap);
    if (this.flushIntervalMs > 0) this.flushTimer.enable(this.flushIntervalMs);
    this.refreshStats();
    this.log.log(LOG_INFO, 'starting main dispatch loop');
    // In a program of someone else's the heap is not ours to judge.
    if (!this.setup.inline) this.compactTimer.enable(COMPACT_AFTER_MS);
  }

  get main(): MainThread | null {
    return this.mainThread;
  }

  get listenPlan(): ListenPlan | null {
    return this.plan;
  }

  get admin(): OpenedAdmin | null {
    return this.openedAdmin;
  }

  get state(): ServerState {
    return this.failedHealth || this.draining ? STATE_DRAINING : this.phase;
  }

  /** Seconds. */
  get uptime(): number {
    return (performance.now() - this.startedAt) / 1_000;
  }

  private flush(): void {
    this.refreshStats();
    this.stats.intervals.flush();
    if (this.ending === null) this.flushTimer.enable(this.flushIntervalMs);
  }

  /** Requests and connections of a worker that died are over: hosts, circuit breakers and connection limits must not count them for ever. */
  private takeBack(index: number): void {
    if (this.sharedCells === null) return;
    const changed = new ThreadSharedCells(this.sharedCells).reclaim(index);
    this.mainThread?.clusters.manager.refreshCircuitBreakers(changed);
  }

  /** Brings gauges up to date that are read from elsewhere; with `stats_flush_on_admin` this is the flush. */
  refreshStats(): void {
    const connections = this.mainThread?.services.sharedCells.cell('listeners.connections').load() ?? 0;
    this.serverStats.update(this.state, this.uptime, connections);
    if (this.mainThread !== null) this.serverStats.daysUntilFirstCertExpiring.set(this.mainThread.certificates.daysUntilFirstExpiry(Date.now()));
    if (this.phase === STATE_LIVE && this.flushIntervalMs === 0) this.stats.intervals.flush();
  }

  failHealthcheck(fail: boolean): void {
    this.failedHealth = fail;
    if (this.mainThread !== null) this.mainThread.services.serverHealth.failed = fail;
    this.pool.amendConfiguration({ failedHealth: fail });
    this.pool.broadcast({ type: 'health', failed: fail });
  }

  /** `/drain_listeners`. */
  drainListeners(request: DrainRequest): void {
    this.pool.broadcast({ type: 'drain', inboundOnly: request.inboundOnly, immediate: !request.graceful && !request.skipExit });
    if (request.skipExit) return;
    if (!request.graceful) this.stopListeners(request.inboundOnly);
    else if (!this.drainTimer.enabled) this.drainTimer.enable(this.options.drainTimeS * 1_000);
  }

  private stopListeners(inboundOnly: boolean): void {
    const names = this.plan?.names(inboundOnly) ?? [];
    this.pool.stopListening(names);
    this.listenerStats.stopped(names.length);
  }

  reopenLogs(): void {
    this.loggers.reopen();
    this.mainThread?.services.accessLogFiles.reopen();
    this.pool.broadcast({ type: 'reopen-logs' });
  }

  /** Ends gracefully: no new connections, requests in flight finish, at the latest after `graceS` seconds all is closed. */
  async shutdown(graceS: number): Promise<void> {
    if (this.ending !== null) return this.ending;
    this.log.log(LOG_INFO, 'shutting down server instance');
    if (graceS > 0 && this.phase === STATE_LIVE) {
      this.draining = true;
      await withDeadline(this.pool.shutdown(), graceS * 1_000, this.forced);
    }
    return this.stop();
  }

  /** Resolves the grace period early: a second signal. */
  forceStop(): void {
    this.force();
  }

  private force: () => void = () => {};
  private readonly forced = new Promise<void>((resolve) => (this.force = resolve));

  /** Ends now. Harmless when already ended. */
  stop(): Promise<void> {
    this.ending ??= this.terminate();
    return this.ending;
  }

  private async terminate(): Promise<void> {
    this.log.log(LOG_INFO, 'main dispatch loop exited');
    this.draining = true;
    this.flushTimer.disable();
    this.drainTimer.disable();
    this.compactTimer.disable();
    this.watchdog?.dispose();
    await this.openedAdmin?.server?.close();
    await this.pool.stop();
    this.stats.intervals.flush();
    this.mainThread?.dispose();
    this.dispatcher.dispose();
    this.log.log(LOG_INFO, 'exiting');
    this.onStopped();
  }
}
