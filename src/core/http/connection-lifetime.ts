import type { Timer } from '../../base/timer-wheel.ts';
import type { ServerConnection } from '../../contract/codec.ts';
import type { TurnTask } from '../../contract/dispatcher.ts';
import { CLOSE_FLUSH_WRITE, CLOSE_FLUSH_WRITE_AND_DELAY } from '../../contract/network.ts';
import type { CloseType, DrainListener } from '../../contract/network.ts';
import { FLAG_DURATION_TIMEOUT } from '../../contract/response-flags.ts';
import { PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { ConnectionManagerConfig } from './conn-manager-config.ts';
import { IdleTimer } from './idle-timer.ts';

/** "No response flag". */
export const NO_FLAG = -1;

const DRAIN_NONE = 0;
/** Announced: streams are still taken (HTTP/2). */
const DRAIN_STARTED = 1;
/** The connection closes when its last stream is gone. */
const DRAIN_CLOSING = 2;
type DrainState = 0 | 1 | 2;

/** Long enough for a request that was on its way when the process began to end. */
const QUIET_BEFORE_CLOSE_MS = 100;
const DEFERRED_CLOSE = 'deferred_close_on_drained_connection';

/** The connection whose end is decided here. */
export interface LifetimeOwner {
  /** Null until the first byte has come. */
  readonly codec: ServerConnection | null;
  readonly streamCount: number;
  readonly closed: boolean;
  /** Ends all streams and closes. Harmless when closed. */
  closeConnection(type: CloseType, flag: number, details: string): void;
}

/**
 * When a downstream connection ends: idle timeout, greatest age, drain. HTTP/1 says so with its next response and closes after it; HTTP/2
 * sends GOAWAY twice, `drain_timeout` apart, and closes when its streams are done (RFC 9113 section 6.8).
 */
export class ConnectionLifetime implements DrainListener, TurnTask {
  private readonly config: ConnectionManagerConfig;
  private readonly owner: LifetimeOwner;
  private readonly idleTimer: IdleTimer | null;
  private durationTimer: Timer | null;
  private drainTimer: Timer | null;
  private quietTimer: Timer | null;
  private state: DrainState;
  /** max_connection_duration is over, and only a response may say so (`http1_safe_max_connection_duration`). */
  softDrain: boolean;
  private accumulatedRequests: number;
  private closeAsked: boolean;

  constructor(config: ConnectionManagerConfig, owner: LifetimeOwner) {
    this.config = config;
    this.owner = owner;
    this.idleTimer = config.idleTimeout > 0 ? new IdleTimer(config.dispatcher, () => this.onIdleTimeout()) : null;
    this.durationTimer = null;
    this.drainTimer = null;
    this.quietTimer = null;
    this.state = DRAIN_NONE;
    this.softDrain = false;
    this.accumulatedRequests = 0;
    this.closeAsked = false;
  }

  start(): void {
    this.config.drainDecision.addDrainListener(this);
    this.onIdle();
    const { maxConnectionDuration, maxConnectionDurationJitter, dispatcher } = this.config;
    if (maxConnectionDuration === 0) return;
    const jitter = maxConnectionDurationJitter === 0 ? 0 : dispatcher.random.float() * maxConnectionDurationJitter;
    this.durationTimer = dispatcher.createTimer(() => this.onDurationTimeout());
    this.durationTimer.enable(maxConnectionDuration * (1 + jitter));
  }

  /** No timer runs any more, but for the drain of the process: see `dispose`. */
  stopTimers(): void {
    this.idleTimer?.dispose();
    this.durationTimer?.disable();
    this.drainTimer?.disable();
    this.quietTimer?.disable();
  }

  dispose(): void {
    this.config.drainDecision.removeDrainListener(this);
  }

  /** The connection has no stream (any more). */
  onIdle(): void {
    this.idleTimer?.start(this.config.idleTimeout);
  }

  /** A stream begins. Returns whether the connection is to close after its response (HTTP/1). */
  onNewStream(): boolean {
    this.idleTimer?.stop();
    const most = this.config.maxRequestsPerConnection;
    let last = this.softDrain;
    if (most > 0 && ++this.accumulatedRequests >= most) {
      this.config.stats.cxMaxRequestsReached.inc();
      if (!this.isMultiplexed) last = true;
      else if (this.state === DRAIN_NONE) this.startDrain();
    }
    if (last) this.state = DRAIN_CLOSING;
    return last;
  }

  /** The connection is to close, now or later. */
  get draining(): boolean {
    return this.state !== DRAIN_NONE;
  }

  /** The connection closes as soon as it has no stream. */
  get closing(): boolean {
    return this.state === DRAIN_CLOSING;
  }

  /** HTTP/1: the present response is the last. */
  closeAfterStreams(): void {
    this.state = DRAIN_CLOSING;
  }

  /** Something asks for the connection to end after this response. */
  drainAfterStream(): void {
    if (this.state !== DRAIN_NONE) return;
    if (this.isMultiplexed) this.startDrain();
    else this.state = DRAIN_CLOSING;
  }

  /** Asked with every response: whether the server drains. */
  maybeStartDrain(): void {
    const decision = this.config.drainDecision;
    if (this.state !== DRAIN_NONE || !decision.drainClose()) return;
    // A process that is about to end does not wait for the client to close.
    if (decision.closeIdle && !this.isMultiplexed) this.state = DRAIN_CLOSING;
    else this.startDrain();
    this.config.stats.cxDrainClose.inc();
  }

  /**
   * The process is about to end: an HTTP/2 client is told at once; an HTTP/1 connection that stays quiet for a moment closes, and a request
   * under way says `connection: close` itself.
   */
  onDrainStart(): void {
    if (this.owner.closed || !this.config.drainDecision.closeIdle) return;
    if (this.isMultiplexed) {
      if (this.state === DRAIN_NONE) {
        this.startDrain();
        this.config.stats.cxDrainClose.inc();
      }
      return;
    }
    this.quietTimer ??= this.config.dispatcher.createTimer(() => this.onQuiet());
    this.quietTimer.enable(QUIET_BEFORE_CLOSE_MS);
  }

  /** Closes a connection that was only waiting for its streams. */
  checkForDeferredClose(skipDelay: boolean): void {
    const { owner } = this;
    if (this.state !== DRAIN_CLOSING || owner.streamCount > 0 || owner.closed) return;
    if (owner.codec?.wantsToWrite === true) {
      this.checkAtTurnEnd();
      return;
    }
    const optional = skipDelay && this.config.runtime.snapshot().getBoolean('http1.optionally_delay_close', true);
    owner.closeConnection(optional ? CLOSE_FLUSH_WRITE : CLOSE_FLUSH_WRITE_AND_DELAY, NO_FLAG, DEFERRED_CLOSE);
  }

  /** HTTP/2 writes what a turn has made when the turn ends: not before that is out can the connection close. */
  private checkAtTurnEnd(): void {
    if (this.closeAsked) return;
    this.closeAsked = true;
    this.config.dispatcher.atTurnEnd(this);
  }

  onTurnEnd(): void {
    this.checkForDeferredClose(false);
    // Only now: what the codec still holds waits for the client, whose next frame brings it on.
    this.closeAsked = false;
  }

  private get isMultiplexed(): boolean {
    const { codec } = this.owner;
    return codec !== null && codec.protocol >= PROTOCOL_HTTP2;
  }

  private startDrain(): void {
    const { config } = this;
    this.state = DRAIN_STARTED;
    this.owner.codec?.shutdownNotice();
    this.drainTimer = config.dispatcher.createTimer(() => this.onDrainTimeout());
    this.drainTimer.enable(this.drainTimeout());
  }

  /** Between the notice and the end. When the process ends, only as long as a request takes that is on its way. */
  private drainTimeout(): number {
    const { drainTimeout, drainTimeoutJitter, dispatcher, drainDecision } = this.config;
    if (drainDecision.closeIdle) return Math.min(drainTimeout, QUIET_BEFORE_CLOSE_MS);
    return drainTimeout * (1 + (drainTimeoutJitter === 0 ? 0 : dispatcher.random.float() * drainTimeoutJitter));
  }

  private onDrainTimeout(): void {
    this.owner.codec?.goAway();
    this.state = DRAIN_CLOSING;
    this.checkForDeferredClose(false);
  }

  private onQuiet(): void {
    if (this.owner.streamCount === 0) this.owner.closeConnection(CLOSE_FLUSH_WRITE_AND_DELAY, NO_FLAG, DEFERRED_CLOSE);
  }

  private onIdleTimeout(): void {
    this.config.stats.cxIdleTimeout.inc();
    if (this.owner.codec === null) this.owner.closeConnection(CLOSE_FLUSH_WRITE, NO_FLAG, 'on_idle_timeout');
    else if (this.state === DRAIN_NONE) this.startDrain();
  }

  private onDurationTimeout(): void {
    this.config.stats.cxMaxDurationReached.inc();
    if (this.owner.codec === null) this.owner.closeConnection(CLOSE_FLUSH_WRITE, FLAG_DURATION_TIMEOUT, 'duration_timeout');
    else if (this.state !== DRAIN_NONE) return;
    else if (this.config.http1SafeMaxConnectionDuration && !this.isMultiplexed) {
      this.config.stats.cxHttp1SoftDrain.inc();
      this.softDrain = true;
    } else this.startDrain();
  }
}
