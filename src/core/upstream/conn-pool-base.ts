import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { ConnectionEvent } from '../../contract/network.ts';
import { EVENT_CONNECTED, EVENT_REMOTE_CLOSE } from '../../contract/network.ts';
import type { ResourcePriority } from '../../contract/route.ts';
import type { PoolFailureReason } from '../../contract/upstream.ts';
import { POOL_FAILURE_LOCAL_CONNECTION, POOL_FAILURE_OVERFLOW, POOL_FAILURE_REMOTE_CONNECTION, POOL_FAILURE_TIMEOUT } from '../../contract/upstream.ts';
import { LinkedList } from '../../base/linked-list.ts';
import { CLIENT_BUSY, CLIENT_CLOSED, CLIENT_CONNECTING, CLIENT_DRAINING, CLIENT_READY } from './active-client.ts';
import type { ActiveClient, ClientState, PendingStream } from './active-client.ts';
import type { ClusterInfoImpl } from './cluster-info.ts';
import { coarseHealth, HEALTH_HEALTHY } from './host.ts';
import type { UpstreamHost } from './host.ts';
import type { BoundClusterStats } from './cluster-stats.ts';
import type { CircuitBreakers } from './resource-manager.ts';

/** Connections opened at once for one new stream: preconnect ratios are at most 3. */
const MAX_CONNECTS_AT_ONCE = 3;

export interface PoolOptions {
  readonly host: UpstreamHost;
  readonly cluster: ClusterInfoImpl;
  readonly priority: ResourcePriority;
  readonly dispatcher: Dispatcher;
}

/**
 * Connections to one host for one thread and priority, and the streams that wait for them. Envoy's ConnPoolImplBase: the connection that
 * became free last is used first, waiting streams are served in their order, and how many connections are opened follows from the
 * capacity under way.
 *
 * Longer than 300 lines: lists, capacity and statistics change together at every step.
 */
export abstract class ConnPoolBase {
  readonly host: UpstreamHost;
  readonly cluster: ClusterInfoImpl;
  readonly stats: BoundClusterStats;
  readonly resources: CircuitBreakers;
  readonly dispatcher: Dispatcher;
  private pending: LinkedList<PendingStream>;
  private readonly ready: LinkedList<ActiveClient>;
  /** Busy and draining ones. */
  private readonly busy: LinkedList<ActiveClient>;
  private readonly connecting: LinkedList<ActiveClient>;
  private activeStreamCount: number;
  /** Streams that connections under way can take once they are there. */
  private connectingCapacity: number;
  /** The same, with those that are there. */
  private totalCapacity: number;
  private draining: boolean;
  private readyScheduled: boolean;
  private onIdle: (() => void) | null;

  constructor(options: PoolOptions) {
    this.host = options.host;
    this.cluster = options.cluster;
    this.stats = options.cluster.stats;
    this.resources = options.cluster.resourceManager(options.priority);
    this.dispatcher = options.dispatcher;
    this.pending = new LinkedList();
    this.ready = new LinkedList();
    this.busy = new LinkedList();
    this.connecting = new LinkedList();
    this.activeStreamCount = 0;
    this.connectingCapacity = 0;
    this.totalCapacity = 0;
    this.draining = false;
    this.readyScheduled = false;
    this.onIdle = null;
  }

  /** Opens a connection. */
  protected abstract createClient(): ActiveClient;
  /** Whether max_requests holds for this pool (not for TCP). */
  protected abstract readonly enforceMaxRequests: boolean;
  /** Whether a stream that waits gets a connection that became free only in the next round of the loop. */
  protected readonly attachesLater: boolean = false;
  /** Hands the stream over: to `client`, for a stream that waited. */
  protected abstract attachPending(stream: PendingStream, client: ActiveClient): void;

  get hasActiveConnections(): boolean {
    return this.pending.size > 0 || this.activeStreamCount > 0;
  }

  get isIdle(): boolean {
    return this.pending.size + this.ready.size + this.busy.size + this.connecting.size === 0;
  }

  /** Connections by state, for tests and admin. */
  get counts(): { readonly ready: number; readonly busy: number; readonly connecting: number; readonly pending: number } {
    return { ready: this.ready.size, busy: this.busy.size, connecting: this.connecting.size, pending: this.pending.size };
  }

  /** The host is gone: finishes what runs, closes everything, then calls `done`. */
  drainAndDelete(done: () => void): void {
    this.draining = true;
    this.onIdle = done;
    this.closeIdleForDrain();
    this.checkIdle();
  }

  /** Uses the present connections for no new streams. */
  drainConnections(): void {
    this.closeIdleForDrain();
    for (const client of this.busy.toArray()) if (client.state !== CLIENT_DRAINING) this.transition(client, CLIENT_DRAINING);
  }

  /** Closes every connection at once; streams are reset. */
  closeConnections(): void {
    for (const list of [this.ready, this.busy, this.connecting]) for (const client of list.toArray()) client.close();
  }

  /** A connection that can take a stream now, or null. */
  protected takeReady(): ActiveClient | null {
    return this.ready.front;
  }

  /** Whether one more stream may wait; counts the overflow when not. */
  protected mayQueue(): boolean {
    if (this.resources.pendingRequests.canCreate()) return true;
    this.stats.upstreamRqPendingOverflow.inc();
    return false;
  }

  protected queue(stream: PendingStream): void {
    this.pending.pushFront(stream);
    this.cluster.connectivity.pendingStreams++;
    this.stats.upstreamRqPendingTotal.inc();
    this.stats.upstreamRqPendingActive.inc();
    this.host.stats.rqPendingActive.hold(1);
    this.resources.pendingRequests.inc();
    this.createConnections();
  }

  /** Counts a stream in on `client`. False = over max_requests: the caller fails the stream. */
  protected beginStream(client: ActiveClient): boolean {
    if (this.enforceMaxRequests && !this.resources.requests.canCreate()) {
      this.stats.upstreamRqActiveOverflow.inc();
      return false;
    }
    const capacity = client.unusedCapacity;
    client.remainingStreams--;
    if (client.remainingStreams === 0) {
      this.stats.upstreamCxMaxRequests.inc();
      this.transition(client, CLIENT_DRAINING);
    } else if (capacity === 1) this.transition(client, CLIENT_BUSY);
    this.removeCapacity(1, client);
    this.activeStreamCount++;
    this.cluster.connectivity.activeStreams++;
    this.host.stats.rqTotal.add(1);
    this.host.stats.rqActive.hold(1);
    this.stats.upstreamRqTotal.inc();
    this.stats.upstreamRqActive.inc();
    this.resources.requests.inc();
    return true;
  }

  /** A stream ended; `client` does not count it among its active ones any more. Waiting streams get the connection in the next round. */
  onStreamClosed(client: ActiveClient): void {
    this.activeStreamCount--;
    this.cluster.connectivity.activeStreams--;
    this.host.stats.rqActive.hold(-1);
    this.stats.upstreamRqActive.dec();
    this.resources.requests.dec();
    const limitedByConcurrency = client.remainingStreams > client.concurrentStreamLimit - client.activeStreams - 1;
    if (client.state === CLIENT_CLOSED) return;
    if (limitedByConcurrency) this.addCapacity(1, client);
    if (client.state === CLIENT_DRAINING && client.activeStreams === 0) client.close();
    else if (client.state === CLIENT_BUSY && client.unusedCapacity > 0) {
      this.transition(client, CLIENT_READY);
      if (this.attachesLater) this.scheduleReady();
      else this.serveWaiting();
    }
  }

  /**
   * How many streams a connection takes at once has changed (SETTINGS): what it can take more, or less, moves the pool's capacity. A client
   * may have more open than is allowed now.
   */
  setConcurrentLimit(client: ActiveClient, limit: number): void {
    const before = client.unusedCapacity;
    client.concurrentStreamLimit = limit;
    const change = client.unusedCapacity - before;
    if (client.state === CLIENT_READY && client.unusedCapacity <= 0) this.transition(client, CLIENT_BUSY);
    else if (client.state === CLIENT_BUSY && client.unusedCapacity > 0) {
      this.transition(client, CLIENT_READY);
      this.scheduleReady();
    }
    this.totalCapacity += change;
    this.cluster.connectivity.capacity += change;
  }

  /** Opens connections as long as waiting (and, by preconnect, expected) streams ask for more. */
  protected createConnections(): void {
    for (let i = 0; i < MAX_CONNECTS_AT_ONCE; i++) if (!this.createConnection(0)) return;
  }

  /** A stream of the cluster's is expected here soon (`predictive_preconnect_ratio`). Returns whether that opened a connection. */
  maybePreconnect(ratio: number): boolean {
    return this.createConnection(ratio);
  }

  transition(client: ActiveClient, state: ClientState): void {
    const from = this.listOf(client.state);
    const to = this.listOf(state);
    if (state === CLIENT_DRAINING && client.state !== CLIENT_DRAINING) {
      const unused = client.unusedCapacity;
      client.remainingStreams = 0;
      if (unused > 0) this.removeCapacity(unused, client);
    }
    client.state = state;
    if (from !== to) {
      from.remove(client);
      to.pushFront(client);
    }
  }

  onConnectionEvent(client: ActiveClient, failure: string, event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED) this.onConnected(client);
    else this.onClosed(client, failure, event);
  }

  cancelPending(stream: PendingStream, closeConnection: boolean): void {
    stream.list?.remove(stream);
    this.pendingGone();
    if (closeConnection) {
      const newest = this.connecting.front;
      if (newest !== null && this.isExcess(newest)) {
        this.transition(newest, CLIENT_DRAINING);
        newest.close();
      }
    }
    this.stats.upstreamRqCancelled.inc();
    this.checkDrained();
  }

  /** After a stream ended normally. */
  checkDrained(): void {
    if (this.draining) this.closeIdleForDrain();
    this.checkIdle();
  }

  /** `predictive`: the ratio of a stream that is only expected, 0 = none is. */
  private createConnection(predictive: number): boolean {
    if (!this.shouldConnect(predictive)) return false;
    const { host, resources } = this;
    const allowed = resources.connections.canCreate() && host.stats.cxActive.load() < resources.maxConnectionsPerHost;
    if (!allowed) this.stats.upstreamCxOverflow.inc();
    // A host without any connection may always open one, else its waiting streams would wait for ever.
    if (!allowed && this.ready.size + this.busy.size + this.connecting.size > 0) return false;
    const client = this.createClient();
    this.addCapacity(client.unusedCapacity, client);
    this.connecting.pushFront(client);
    return allowed;
  }

  private shouldConnect(predictive: number): boolean {
    if (this.draining && this.pending.size === 0) return false;
    const ratio = predictive === 0 ? this.cluster.preconnectRatio : predictive;
    if (ratio !== 1 && coarseHealth(this.host.flags(false)) !== HEALTH_HEALTHY) return this.pending.size > this.connectingCapacity;
    return wantsConnection(this.pending.size, this.activeStreamCount, this.totalCapacity, ratio, predictive === 0 ? 0 : 1);
  }

  private isExcess(client: ActiveClient): boolean {
    const wanted = (this.pending.size + this.activeStreamCount) * this.cluster.preconnectRatio;
    return wanted <= this.connectingCapacity - client.unusedCapacity + this.activeStreamCount;
  }

  private onConnected(client: ActiveClient): void {
    client.stopConnectTimer();
    this.connectingCapacity -= client.unusedCapacity;
    client.connected = true;
    this.stats.upstreamCxConnectMs.record(Math.round(this.dispatcher.now() - client.createdAt));
    if (client.state === CLIENT_CONNECTING) this.transition(client, client.unusedCapacity > 0 ? CLIENT_READY : CLIENT_BUSY);
    client.startDurationTimer();
    if (client.state === CLIENT_READY) this.serveWaiting();
    this.checkDrained();
  }

  private onClosed(client: ActiveClient, failure: string, event: ConnectionEvent): void {
    client.stopConnectTimer();
    const unused = client.unusedCapacity;
    if (client.state !== CLIENT_DRAINING) this.removeCapacity(unused, client);
    client.remainingStreams = 0;
    this.countDestroy(event, client.closingWithIncompleteStream);
    if (!client.connected) this.onConnectFailed(client, failure, event);
    const list = this.listOf(client.state);
    client.state = CLIENT_CLOSED;
    list.remove(client);
    client.releaseResources();
    this.checkIdle();
    if (this.pending.size > 0) this.createConnections();
  }

  private onConnectFailed(client: ActiveClient, failure: string, event: ConnectionEvent): void {
    client.connected = true;
    this.stats.upstreamCxConnectFail.inc();
    this.host.stats.cxConnectFail.add(1);
    let reason: PoolFailureReason = POOL_FAILURE_LOCAL_CONNECTION;
    if (client.timedOut) reason = POOL_FAILURE_TIMEOUT;
    else if (event === EVENT_REMOTE_CLOSE) reason = POOL_FAILURE_REMOTE_CONNECTION;
    this.purgePending(failure, reason);
    if (!this.draining) this.createConnections();
  }

  /** Whoever waits is told, so that it can try elsewhere instead of waiting for a host that does not answer. */
  private purgePending(failure: string, reason: PoolFailureReason): void {
    // Streams that are queued meanwhile (retries) go to a list of their own and stay.
    const purged = this.pending;
    this.pending = new LinkedList();
    for (let stream = purged.front; stream !== null; stream = purged.front) {
      purged.remove(stream);
      this.pendingGone();
      this.stats.upstreamRqPendingFailureEject.inc();
      stream.fail(reason, failure, this.host);
    }
  }

  private countDestroy(event: ConnectionEvent, withRequest: boolean): void {
    const { stats } = this;
    const remote = event === EVENT_REMOTE_CLOSE;
    stats.upstreamCxDestroy.inc();
    if (remote) stats.upstreamCxDestroyRemote.inc();
    else stats.upstreamCxDestroyLocal.inc();
    if (withRequest) this.countDestroyWithRequest(event);
  }

  countDestroyWithRequest(event: ConnectionEvent): void {
    const { stats } = this;
    stats.upstreamCxDestroyWithActiveRq.inc();
    if (event === EVENT_REMOTE_CLOSE) stats.upstreamCxDestroyRemoteWithActiveRq.inc();
    else stats.upstreamCxDestroyLocalWithActiveRq.inc();
  }

  /** Gives free connections to the streams that wait, oldest first. */
  private serveWaiting(): void {
    for (;;) {
      const stream = this.pending.back;
      const client = this.ready.front;
      if (stream === null || client === null) break;
      this.pending.remove(stream);
      this.pendingGone();
      if (this.beginStream(client)) this.attachPending(stream, client);
      else stream.fail(POOL_FAILURE_OVERFLOW, '', this.host);
    }
    if (this.pending.size > 0) this.createConnections();
  }

  /** Not at once: a connection that the server is closing right after its response shows it in this round of the loop. */
  private scheduleReady(): void {
    if (this.pending.size === 0 || this.readyScheduled) return;
    this.readyScheduled = true;
    this.dispatcher.post(() => {
      this.readyScheduled = false;
      this.serveWaiting();
    });
  }

  private pendingGone(): void {
    this.cluster.connectivity.pendingStreams--;
    this.stats.upstreamRqPendingActive.dec();
    this.host.stats.rqPendingActive.hold(-1);
    this.resources.pendingRequests.dec();
  }

  private closeIdleForDrain(): void {
    for (const client of this.ready.toArray()) if (client.activeStreams === 0) client.close();
    if (this.pending.size === 0) for (const client of this.connecting.toArray()) client.close();
  }

  private checkIdle(): void {
    if (this.onIdle === null || !this.isIdle) return;
    const done = this.onIdle;
    this.onIdle = null;
    done();
  }

  private listOf(state: ClientState): LinkedList<ActiveClient> {
    if (state === CLIENT_CONNECTING) return this.connecting;
    return state === CLIENT_READY ? this.ready : this.busy;
  }

  private addCapacity(amount: number, client: ActiveClient): void {
    this.totalCapacity += amount;
    this.cluster.connectivity.capacity += amount;
    if (!client.connected) this.connectingCapacity += amount;
  }

  private removeCapacity(amount: number, client: ActiveClient): void {
    this.totalCapacity -= amount;
    this.cluster.connectivity.capacity -= amount;
    if (!client.connected) this.connectingCapacity -= amount;
  }
}

/**
 * Whether the capacity that is there or under way is less than what waits, runs and is expected times `ratio`. With 1 and nothing expected:
 * whether more wait than connections under way can take.
 */
export function wantsConnection(pending: number, active: number, capacity: number, ratio: number, expected: number): boolean {
  return (pending + active + expected) * ratio > capacity + active;
}
