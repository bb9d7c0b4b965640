import { FLAG_STREAM_IDLE_TIMEOUT, FLAG_UPSTREAM_REQUEST_TIMEOUT } from '../../contract/response-flags.ts';
import type { Host } from '../../contract/upstream.ts';
import { UpstreamRequestFlow } from './upstream-request-flow.ts';

/** Time limits of one attempt: per try, per try idle, and the cluster's max_stream_duration. */
export abstract class UpstreamRequestTimers extends UpstreamRequestFlow {
  setupPerTryTimeout(): void {
    const { timeouts, config } = this.parent;
    if (timeouts.perTry > 0) {
      this.perTryTimer = config.dispatcher.createTimer(() => this.onPerTryTimeout());
      this.perTryTimer.enable(timeouts.perTry);
    }
    if (timeouts.perTryIdle > 0) {
      this.perTryIdleTimer = config.dispatcher.createTimer(() => this.onPerTryIdleTimeout());
      this.perTryIdleTimer.enable(timeouts.perTryIdle);
    }
  }

  onRequestComplete(): void {
    if (this.createPerTryOnComplete && this.perTryTimer === null) this.setupPerTryTimeout();
  }

  /** The upgrade has succeeded: its tunnel may live as long as it likes. */
  protected stopPerTryTimeouts(): void {
    this.perTryTimer?.disable();
    this.perTryIdleTimer?.disable();
    this.perTryIdleTimer = null;
  }

  protected touchPerTryIdle(): void {
    if (this.perTryIdleTimer !== null) this.perTryIdleTimer.enable(this.parent.timeouts.perTryIdle);
  }

  private onPerTryTimeout(): void {
    this.perTryIdleTimer?.disable();
    this.perTryIdleTimer = null;
    if (this.parent.responseStarted) return;
    this.logInfo?.setResponseFlag(FLAG_UPSTREAM_REQUEST_TIMEOUT);
    this.tellPerTryTimeout();
  }

  private onPerTryIdleTimeout(): void {
    this.perTryTimer?.disable();
    this.logInfo?.setResponseFlag(FLAG_STREAM_IDLE_TIMEOUT);
    this.tellPerTryIdleTimeout();
  }

  protected startDurationTimer(host: Host): void {
    const asked = this.parent.dynamicMaxStreamDuration;
    const duration = asked >= 0 ? asked : host.cluster.maxStreamDuration;
    if (duration <= 0) return;
    this.durationTimer = this.parent.config.dispatcher.createTimer(() => {
      host.cluster.stats.upstreamRqMaxDurationReached.inc();
      this.tellMaxStreamDuration();
    });
    this.durationTimer.enable(duration);
  }

  protected stopTimers(): void {
    this.perTryTimer?.disable();
    this.perTryIdleTimer?.disable();
    this.durationTimer?.disable();
    this.logTimer?.disable();
  }

  protected abstract tellPerTryTimeout(): void;
  protected abstract tellPerTryIdleTimeout(): void;
  protected abstract tellMaxStreamDuration(): void;
}
