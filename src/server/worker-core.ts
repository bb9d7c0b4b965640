import type { Timer } from '../base/timer-wheel.ts';
import { CLOSE_NO_FLUSH } from '../contract/network.ts';
import { ThreadDispatcher } from '../core/dispatcher/dispatcher.ts';
import type { ActiveListener } from '../core/network/active-listener.ts';
import { ipAddress } from '../core/network/address.ts';
import type { ListenerConfig } from '../core/network/listener-config.ts';
import type { StatsDefinition } from '../core/stats/store.ts';
import { StatsStore } from '../core/stats/store.ts';
import { afterStart } from './after-start.ts';
import { logBugs } from './bug-log.ts';
import { configErrorText } from './error-text.ts';
import type { ProcessLoggers } from './logger.ts';
import type { WorkerHost } from './worker-config.ts';
import { WorkerConfig } from './worker-config.ts';
import type { ConfigureMessage, ListenOrder, ToMain, ToWorker } from './worker-messages.ts';

/** How often a worker that is shutting down looks whether connections are left. */
const DRAIN_POLL_MS = 5;
/** The start is over by then, on this thread and on main. */
const COMPACT_AFTER_MS = 200;

/** What a worker does, wherever it runs. Hears main through `handle`, answers through `post`. */
export class WorkerCore {
  private readonly post: (message: ToMain) => void;
  private readonly loggers: ProcessLoggers;
  private readonly dispatcher: ThreadDispatcher;
  private readonly host: WorkerHost | null;
  private readonly stats: StatsStore;
  /** Definitions made in this turn; they travel together. */
  private pendingStats: StatsDefinition[] = [];
  private config: WorkerConfig | null = null;
  private readonly listeners = new Map<string, ActiveListener>();
  private readonly drainTimer: Timer;
  private readonly compactTimer: Timer;
  private stopped = false;

  /** `host`: null on a thread of its own. */
  constructor(index: number, loggers: ProcessLoggers, post: (message: ToMain) => void, host: WorkerHost | null = null) {
    this.post = post;
    this.loggers = loggers;
    this.host = host;
    this.dispatcher = host?.dispatcher ?? new ThreadDispatcher({ name: `worker_${index}` });
    this.stats = new StatsStore((definition) => this.define(definition));
    if (host === null) {
      const failures = this.stats.root().scope('server').counter('envoy_bug_failures');
      logBugs(loggers, () => failures.inc());
    }
    this.drainTimer = this.dispatcher.createTimer(() => this.checkDrained());
    this.compactTimer = this.dispatcher.createTimer(() => this.compact());
  }

  handle(message: ToWorker): void {
    if (this.stopped) return;
    switch (message.type) {
      case 'configure':
        this.configure(message);
        return;
      case 'listen':
        for (const order of message.listeners) void this.listen(order);
        return;
      case 'stop-listening':
        for (const name of message.listeners) this.listeners.get(name)?.stopListening();
        return;
      case 'runtime':
        this.config?.runtime.update(message.values);
        return;
      case 'health':
        this.config?.setFailedHealth(message.failed);
        return;
      case 'drain':
        this.config?.drain.start(message.inboundOnly, message.immediate);
        return;
      case 'shutdown':
        this.shutdown();
        return;
      case 'stop':
        void this.stop();
        return;
      case 'reopen-logs':
        if (this.host === null) this.loggers.reopen();
        this.config?.services.accessLogFiles.reopen();
        return;
      case 'cluster-hosts':
        this.config?.applyHostUpdate(message.update);
        return;
      case 'host-failed':
        this.config?.applyHostFailure(message.failure);
        return;
    }
  }

  /** Connections of all listeners. */
  get connectionCount(): number {
    let count = 0;
    for (const listener of this.listeners.values()) count += listener.connectionCount;
    return count;
  }

  private configure(message: ConfigureMessage): void {
    try {
      this.config = new WorkerConfig(message, this.dispatcher, this.stats.root(), this.loggers, this.host, (failure) => this.post({ type: 'host-unhealthy', failure }));
    } catch (error) {
      this.answer({ type: 'configure-failed', message: configErrorText(error) });
      return;
    }
    this.answer({ type: 'configured', version: message.version });
    if (this.host === null) this.compactTimer.enable(COMPACT_AFTER_MS);
  }

  private compact(): void {
    afterStart(this.connectionCount === 0);
  }

  private async listen(order: ListenOrder): Promise<void> {
    const path = this.config?.listeners.get(order.name);
    if (path === undefined) {
      this.answer({ type: 'listen-failed', listener: order.name, message: `no listener ${order.name}` });
      return;
    }
    const listener = path.open(withPorts(path.config, order.ports));
    this.listeners.set(order.name, listener);
    try {
      await listener.start();
    } catch (error) {
      this.listeners.delete(order.name);
      this.answer({ type: 'listen-failed', listener: order.name, message: configErrorText(error) });
      return;
    }
    const addresses = listener.localAddresses.map((address) => ({
      ip: address.kind === 'ip' ? address.ip : '',
      port: address.port,
      path: address.kind === 'ip' ? '' : address.text,
    }));
    this.answer({ type: 'listening', listener: order.name, addresses });
  }

  private shutdown(): void {
    for (const listener of this.listeners.values()) listener.stopListening();
    this.config?.drain.shutdown();
    this.checkDrained();
  }

  private checkDrained(): void {
    if (this.connectionCount === 0) this.answer({ type: 'drained' });
    else this.drainTimer.enable(DRAIN_POLL_MS);
  }

  private async stop(): Promise<void> {
    this.stopped = true;
    this.drainTimer.disable();
    this.compactTimer.disable();
    for (const listener of this.listeners.values()) {
      listener.stopListening();
      listener.closeConnections(CLOSE_NO_FLUSH, 'server_shutdown');
    }
    this.listeners.clear();
    await this.config?.dispose();
    this.answer({ type: 'stopped' });
    if (this.host === null) this.dispatcher.dispose();
  }

  /** What main hears refers to statistics that it must know by then. */
  private answer(message: ToMain): void {
    this.sendStats();
    this.post(message);
  }

  private define(definition: StatsDefinition): void {
    if (this.pendingStats.length === 0) this.dispatcher.post(() => this.sendStats());
    this.pendingStats.push(definition);
  }

  private sendStats(): void {
    if (this.pendingStats.length === 0) return;
    const definitions = this.pendingStats;
    this.pendingStats = [];
    this.post({ type: 'stats', definitions });
  }
}

/** The same listener on other ports: statistics and filters keep the configured address. */
function withPorts(config: ListenerConfig, ports: readonly (number | null)[]): ListenerConfig {
  if (ports.every((port) => port === null)) return config;
  const addresses = config.addresses.map((each, i) => {
    const port = ports[i] ?? null;
    return port === null || each.address.kind !== 'ip' ? each : { ...each, address: ipAddress(each.address.ip, port) };
  });
  return { ...config, addresses };
}
