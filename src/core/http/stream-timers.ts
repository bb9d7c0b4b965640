import type { Timer } from '../../base/timer-wheel.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { IdleTimer } from './idle-timer.ts';

/** What a stream's timers do. */
export interface StreamTimerOwner {
  onStreamIdleTimeout(): void;
  onRequestTimeout(): void;
  onRequestHeadersTimeout(): void;
  onMaxStreamDuration(): void;
  onAccessLogInterval(): void;
  onFlushTimeout(): void;
}

/**
 * The timers of one stream. A connection keeps a set for its next stream, so that a request makes neither timers nor closures.
 * Durations are milliseconds.
 */
export class StreamTimers {
  private readonly dispatcher: Dispatcher;
  private owner: StreamTimerOwner | null;
  readonly idle: IdleTimer;
  private request: Timer | null;
  private headers: Timer | null;
  private duration: Timer | null;
  private accessLog: Timer | null;
  private flush: Timer | null;

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
    this.owner = null;
    this.idle = new IdleTimer(dispatcher, () => this.owner?.onStreamIdleTimeout());
    this.request = null;
    this.headers = null;
    this.duration = null;
    this.accessLog = null;
    this.flush = null;
  }

  attach(owner: StreamTimerOwner): void {
    this.owner = owner;
  }

  /** Stops everything; the set may serve another stream. */
  detach(): void {
    this.owner = null;
    this.stopAll();
    this.flush?.disable();
  }

  /** Stops all but the flush timer: the stream is over but for bytes on their way. */
  stopAll(): void {
    this.idle.stop();
    this.request?.disable();
    this.headers?.disable();
    this.duration?.disable();
    this.accessLog?.disable();
  }

  dispose(): void {
    this.detach();
    this.idle.dispose();
  }

  startRequest(ms: number): void {
    this.request ??= this.dispatcher.createTimer(() => this.owner?.onRequestTimeout());
    this.request.enable(ms);
  }

  stopRequest(): void {
    this.request?.disable();
  }

  startHeaders(ms: number): void {
    this.headers ??= this.dispatcher.createTimer(() => this.owner?.onRequestHeadersTimeout());
    this.headers.enable(ms);
  }

  stopHeaders(): void {
    this.headers?.disable();
  }

  startDuration(ms: number): void {
    this.duration ??= this.dispatcher.createTimer(() => this.owner?.onMaxStreamDuration());
    this.duration.enable(ms);
  }

  stopDuration(): void {
    this.duration?.disable();
  }

  get durationRunning(): boolean {
    return this.duration?.enabled ?? false;
  }

  startAccessLog(ms: number): void {
    this.accessLog ??= this.dispatcher.createTimer(() => this.owner?.onAccessLogInterval());
    this.accessLog.enable(ms);
  }

  startFlush(ms: number): void {
    this.flush ??= this.dispatcher.createTimer(() => this.owner?.onFlushTimeout());
    this.flush.enable(ms);
  }
}
