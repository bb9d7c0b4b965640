import type { Timer } from '../../base/timer-wheel.ts';
import {
  HOST_ACTIVE_HC_TIMEOUT, HOST_DEGRADED_ACTIVE_HC, HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL, HOST_FAILED_ACTIVE_HC, HOST_PENDING_ACTIVE_HC,
} from '../../contract/upstream.ts';
import type { SharedCell } from '../../contract/shared-cells.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import { clearFlag, hasFlag, setFlag } from './health-flags.ts';
import type { HealthChecker } from './health-checker.ts';

/** envoy.data.core.v3.HealthCheckFailureType */
export const FAILURE_ACTIVE = 0;
export const FAILURE_PASSIVE = 1;
export const FAILURE_NETWORK = 2;
export const FAILURE_NETWORK_TIMEOUT = 3;
export type HealthFailure = 0 | 1 | 2 | 3;

/** What a check has changed. */
export const TRANSITION_UNCHANGED = 0;
export const TRANSITION_CHANGED = 1;
/** One more of the same, or some more, and the host changes. */
export const TRANSITION_CHANGE_PENDING = 2;
export type HealthTransition = 0 | 1 | 2;

/**
 * The checks of one host, one after the other: `onInterval` begins one, and its end is `handleSuccess` or `handleFailure`. Thresholds,
 * flags, statistics, events and the next interval are decided here (Envoy's ActiveHealthCheckSession).
 */
export abstract class HealthSession {
  readonly host: UpstreamHost;
  /** What this check thinks of the host. */
  readonly flags: SharedCell;
  protected readonly checker: HealthChecker;
  private readonly intervalTimer: Timer;
  private readonly timeoutTimer: Timer;
  private successes: number;
  private failures: number;
  private first: boolean;
  protected disposed: boolean;

  constructor(checker: HealthChecker, host: UpstreamHost) {
    this.host = host;
    this.flags = checker.flagsOf(host);
    this.checker = checker;
    this.intervalTimer = checker.dispatcher.createTimer(() => this.check());
    this.timeoutTimer = checker.dispatcher.createTimer(() => this.onTimeoutTimer());
    this.successes = 0;
    this.failures = 0;
    this.first = true;
    this.disposed = false;
    if (!hasFlag(this.flags, HOST_FAILED_ACTIVE_HC)) checker.stats.healthy.inc();
    if (hasFlag(this.flags, HOST_DEGRADED_ACTIVE_HC)) checker.stats.degraded.inc();
  }

  /** Begins a check. */
  protected abstract onInterval(): void;
  /** The check takes too long: what is under way is given up; its failure is counted by the caller. */
  protected abstract onTimeout(): void;
  /** The host is gone. */
  protected abstract onDispose(): void;

  start(): void {
    const { initialJitter } = this.checker.config;
    if (initialJitter === 0) this.check();
    else this.intervalTimer.enable(this.checker.withJitter(0, initialJitter));
  }

  /** Whether no check has ended yet. */
  get firstCheck(): boolean {
    return this.first;
  }

  /** Ends the checks; numbers that count this host are taken back. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.intervalTimer.disable();
    this.timeoutTimer.disable();
    if (!hasFlag(this.flags, HOST_FAILED_ACTIVE_HC)) this.checker.stats.healthy.dec();
    if (hasFlag(this.flags, HOST_DEGRADED_ACTIVE_HC)) this.checker.stats.degraded.dec();
    this.onDispose();
  }

  private check(): void {
    this.onInterval();
    this.timeoutTimer.enable(this.checker.config.timeout);
    this.checker.stats.attempt.inc();
  }

  private onTimeoutTimer(): void {
    this.onTimeout();
    this.handleFailure(FAILURE_NETWORK_TIMEOUT, false);
  }

  protected handleSuccess(degraded: boolean): void {
    if (this.disposed) return;
    const { checker, host } = this;
    this.failures = 0;
    let transition: HealthTransition = TRANSITION_UNCHANGED;
    if (hasFlag(this.flags, HOST_FAILED_ACTIVE_HC)) {
      // The first check of all decides at once, so that a start is quick.
      if (this.first || ++this.successes === checker.config.healthyThreshold) {
        clearFlag(this.flags, HOST_ACTIVE_HC_TIMEOUT | HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL | HOST_FAILED_ACTIVE_HC);
        checker.stats.healthy.inc();
        transition = TRANSITION_CHANGED;
        checker.events?.addHealthy(host, this.first);
      } else transition = TRANSITION_CHANGE_PENDING;
    }
    if (transition !== TRANSITION_CHANGED && checker.config.alwaysLogSuccess) checker.events?.success(host);
    transition = this.settleDegraded(degraded, this.clearPending(transition));
    checker.stats.success.inc();
    this.first = false;
    checker.onChecked(this, transition);
    this.scheduleNext(true, transition);
  }

  private settleDegraded(degraded: boolean, transition: HealthTransition): HealthTransition {
    const { checker, host } = this;
    if (degraded === hasFlag(this.flags, HOST_DEGRADED_ACTIVE_HC)) return transition;
    if (degraded) {
      setFlag(this.flags, HOST_DEGRADED_ACTIVE_HC);
      checker.stats.degraded.inc();
      checker.events?.degraded(host);
    } else {
      checker.events?.noLongerDegraded(host);
      clearFlag(this.flags, HOST_DEGRADED_ACTIVE_HC);
      checker.stats.degraded.dec();
    }
    return transition === TRANSITION_UNCHANGED ? TRANSITION_CHANGED : transition;
  }

  /**
   * The host is unhealthy by this check; a failure that `retriable` or the network excuses counts against the threshold. `httpStatus`: of the
   * answer that failed, for the event.
   */
  protected handleFailure(failure: HealthFailure, retriable: boolean, httpStatus = 0): void {
    if (this.disposed) return;
    const transition = this.setUnhealthy(failure, retriable, httpStatus);
    this.scheduleNext(false, transition);
  }

  /** As `handleFailure`, from outside of a check (a request of the data path was told so): the next check comes when it would have. */
  setUnhealthy(failure: HealthFailure, retriable: boolean, httpStatus = 0): HealthTransition {
    const { checker, host } = this;
    const network = failure === FAILURE_NETWORK || failure === FAILURE_NETWORK_TIMEOUT;
    this.successes = 0;
    let transition: HealthTransition = TRANSITION_UNCHANGED;
    if (!hasFlag(this.flags, HOST_FAILED_ACTIVE_HC)) {
      if ((!network && !retriable) || ++this.failures === checker.config.unhealthyThreshold) {
        setFlag(this.flags, HOST_FAILED_ACTIVE_HC);
        checker.stats.healthy.dec();
        transition = TRANSITION_CHANGED;
        checker.events?.ejectUnhealthy(host, failure, httpStatus);
      } else transition = TRANSITION_CHANGE_PENDING;
    }
    const timedOut = failure === FAILURE_NETWORK_TIMEOUT && hasFlag(this.flags, HOST_FAILED_ACTIVE_HC);
    if (timedOut) setFlag(this.flags, HOST_ACTIVE_HC_TIMEOUT);
    else clearFlag(this.flags, HOST_ACTIVE_HC_TIMEOUT);
    transition = this.clearPending(transition);
    if (this.first || checker.config.alwaysLogFailures) checker.events?.failure(host, failure, this.first, httpStatus);
    checker.stats.failure.inc();
    if (network) checker.stats.networkFailure.inc();
    else if (failure === FAILURE_PASSIVE) checker.stats.passiveFailure.inc();
    this.first = false;
    checker.onChecked(this, transition);
    return transition;
  }

  /** A host that waited for its first check is excluded no longer: the host sets change. */
  private clearPending(transition: HealthTransition): HealthTransition {
    if (!hasFlag(this.flags, HOST_PENDING_ACTIVE_HC)) return transition;
    clearFlag(this.flags, HOST_PENDING_ACTIVE_HC);
    return TRANSITION_CHANGED;
  }

  private scheduleNext(healthy: boolean, transition: HealthTransition): void {
    // The change may have taken the host out of the cluster.
    if (this.disposed) return;
    this.timeoutTimer.disable();
    this.intervalTimer.enable(this.checker.nextInterval(this.host, healthy, transition));
  }
}
