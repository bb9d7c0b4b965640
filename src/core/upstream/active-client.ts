import type { Timer } from '../../base/timer-wheel.ts';
import type { Linked, LinkedList } from '../../base/linked-list.ts';
import type { Cancellable, PoolFailureReason } from '../../contract/upstream.ts';
import type { ConnPoolBase } from './conn-pool-base.ts';
import type { UpstreamHost } from './host.ts';

export const CLIENT_CONNECTING = 0;
export const CLIENT_READY = 1;
export const CLIENT_BUSY = 2;
/** Takes no new streams; closes when it has none left. */
export const CLIENT_DRAINING = 3;
export const CLIENT_CLOSED = 4;
export type ClientState = 0 | 1 | 2 | 3 | 4;

/** One connection of a pool. Subclasses own the socket and tell the pool of its events. */
export abstract class ActiveClient implements Linked<ActiveClient> {
  next: ActiveClient | null;
  previous: ActiveClient | null;
  list: LinkedList<ActiveClient> | null;
  readonly pool: ConnPoolBase;
  state: ClientState;
  /** Streams that it may still carry in its life. */
  remainingStreams: number;
  /** Streams at once; for HTTP/2 the peer's SETTINGS may change it. */
  concurrentStreamLimit: number;
  connected: boolean;
  timedOut: boolean;
  readonly createdAt: number;
  private connectTimer: Timer | null;
  private durationTimer: Timer | null;
  private released: boolean;

  constructor(pool: ConnPoolBase, lifetimeStreams: number, concurrentStreams: number) {
    this.next = null;
    this.previous = null;
    this.list = null;
    this.pool = pool;
    this.state = CLIENT_CONNECTING;
    this.remainingStreams = lifetimeStreams === 0 ? Infinity : lifetimeStreams;
    this.concurrentStreamLimit = concurrentStreams;
    this.connected = false;
    this.timedOut = false;
    this.createdAt = pool.dispatcher.now();
    this.released = false;
    this.durationTimer = null;
    this.connectTimer = pool.dispatcher.createTimer(() => this.onConnectTimeout());
    this.connectTimer.enable(pool.cluster.connectTimeout);
    const { stats, host } = pool;
    host.stats.cxTotal.add(1);
    host.stats.cxActive.hold(1);
    stats.upstreamCxTotal.inc();
    stats.upstreamCxActive.inc();
    pool.resources.connections.inc();
  }

  abstract close(): void;
  /** Streams that it carries now. */
  abstract readonly activeStreams: number;
  /** Whether it dies with a stream that is not complete. */
  abstract readonly closingWithIncompleteStream: boolean;
  /** The connection is gone: gives back the streams that are still counted. */
  abstract releaseStreams(): void;

  /** Streams that it can take now; negative when more are open than (now) allowed. */
  get unusedCapacity(): number {
    return Math.min(this.remainingStreams, this.concurrentStreamLimit - this.activeStreams);
  }

  stopConnectTimer(): void {
    this.connectTimer?.disable();
    this.connectTimer = null;
  }

  startDurationTimer(): void {
    const { maxConnectionDuration } = this.pool.cluster;
    if (maxConnectionDuration < 0) return;
    const jitter = this.pool.cluster.http.maxConnectionDurationJitter;
    const extra = jitter > 0 ? (maxConnectionDuration * jitter * this.pool.dispatcher.random.float()) / 100 : 0;
    this.durationTimer = this.pool.dispatcher.createTimer(() => this.onDurationTimeout());
    this.durationTimer.enable(maxConnectionDuration + extra);
  }

  /** Gives back what the connection counted. Once. */
  releaseResources(): void {
    if (this.released) return;
    this.released = true;
    this.durationTimer?.disable();
    const { stats, host, resources, dispatcher } = this.pool;
    stats.upstreamCxLengthMs.record(Math.round(dispatcher.now() - this.createdAt));
    stats.upstreamCxActive.dec();
    host.stats.cxActive.hold(-1);
    resources.connections.dec();
    this.releaseStreams();
  }

  private onConnectTimeout(): void {
    this.pool.stats.upstreamCxConnectTimeout.inc();
    this.timedOut = true;
    this.close();
  }

  private onDurationTimeout(): void {
    if (this.state === CLIENT_DRAINING || this.state === CLIENT_CLOSED) return;
    this.pool.stats.upstreamCxMaxDurationReached.inc();
    this.pool.transition(this, CLIENT_DRAINING);
    if (this.activeStreams === 0) this.close();
  }
}

/** A stream that waits for a connection. */
export abstract class PendingStream implements Cancellable, Linked<PendingStream> {
  next: PendingStream | null;
  previous: PendingStream | null;
  list: LinkedList<PendingStream> | null;
  private readonly pool: ConnPoolBase;

  constructor(pool: ConnPoolBase) {
    this.next = null;
    this.previous = null;
    this.list = null;
    this.pool = pool;
  }

  abstract fail(reason: PoolFailureReason, transportFailure: string, host: UpstreamHost | null): void;

  cancel(closeConnection: boolean): void {
    if (this.list !== null) this.pool.cancelPending(this, closeConnection);
  }
}
