import type { Counter, Gauge, Scope } from '../contract/stats.ts';

/** `listener_manager.*` for static listeners. */
export class ListenerManagerStats {
  private readonly added: Counter;
  private readonly createSuccess: Counter;
  private readonly stoppedCount: Counter;
  private readonly active: Gauge;
  private readonly workersStarted: Gauge;

  constructor(scope: Scope) {
    this.added = scope.counter('listener_added');
    this.createSuccess = scope.counter('listener_create_success');
    this.stoppedCount = scope.counter('listener_stopped');
    this.active = scope.gauge('total_listeners_active');
    this.workersStarted = scope.gauge('workers_started');
    for (const name of ['listener_create_failure', 'listener_in_place_updated', 'listener_modified', 'listener_removed']) scope.counter(name);
    for (const name of ['total_filter_chains_draining', 'total_listeners_draining', 'total_listeners_warming', 'workers_pinned']) scope.gauge(name);
  }

  /** Workers accept on this many listeners, on `workers` workers. */
  started(listeners: number, workers: number): void {
    this.added.add(listeners);
    this.createSuccess.add(listeners * workers);
    this.active.set(listeners);
    this.workersStarted.set(1);
  }

  stopped(listeners: number): void {
    this.stoppedCount.add(listeners);
    this.active.sub(listeners);
  }
}
