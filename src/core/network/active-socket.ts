import type { Timer } from '../../base/timer-wheel.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { ListenerFilter, ListenerFilterBuffer, ListenerFilterCallbacks } from '../../contract/listener-filter.ts';
import { LISTENER_FILTER_CONTINUE, LISTENER_FILTER_STOP_ITERATION } from '../../contract/listener-filter.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { Transport, TransportEvents } from '../../contract/transport.ts';
import type { ListenerFilters } from './listener-filters.ts';
import type { ListenerStats } from './listener-stats.ts';
import { NO_BYTES } from './read-filter-chain.ts';

/** Bytes that are read while a filter waits for something other than bytes: reading is how the peer's close is noticed. */
const IDLE_READ_LIMIT = 65_536;

/** Who accepted the socket. */
export interface SocketOwner {
  readonly stats: ListenerStats;
  readonly dispatcher: Dispatcher;
  /** The filters are through; `peeked` are bytes that none of them consumed, owned by whom they are given to. */
  socketReady(socket: ActiveSocket, peeked: Buffer): void;
  /** The socket is closed and never becomes a connection. */
  socketGone(socket: ActiveSocket): void;
}

/**
 * A connection under its listener filters. Reads from the socket whatever they want to see and keeps it: what they have not consumed is handed on
 * (Envoy peeks in the kernel instead; nobody can tell the difference).
 */
export class ActiveSocket implements TransportEvents, ListenerFilterCallbacks, ListenerFilterBuffer {
  readonly transport: Transport;
  readonly streamInfo: StreamInfo;
  transportProtocol: string;
  applicationProtocols: readonly string[];
  bytes: Buffer;
  private readonly owner: SocketOwner;
  private readonly filters: readonly ListenerFilter[];
  private readonly continueOnTimeout: boolean;
  private received: Buffer;
  /** How many bytes the filter at work has seen. */
  private seen: number;
  private index: number;
  /** The filter at `index` has said STOP in onAccept. */
  private waiting: boolean;
  private closed: boolean;
  private done: boolean;
  private timer: Timer | null;

  constructor(owner: SocketOwner, transport: Transport, streamInfo: StreamInfo, config: ListenerFilters) {
    this.transport = transport;
    this.streamInfo = streamInfo;
    this.transportProtocol = '';
    this.applicationProtocols = NO_PROTOCOLS;
    this.bytes = NO_BYTES;
    this.owner = owner;
    this.filters = config.create(streamInfo.downstreamLocalAddress);
    this.continueOnTimeout = config.continueOnTimeout;
    this.received = NO_BYTES;
    this.seen = 0;
    this.index = -1;
    this.waiting = false;
    this.closed = false;
    this.done = false;
    this.timer = null;
  }

  get dispatcher(): Dispatcher {
    return this.owner.dispatcher;
  }

  /** Runs the filters; `timeout` in milliseconds, 0 = none, limits how long they wait. */
  start(timeout: number): void {
    this.transport.setEvents(this);
    this.owner.stats.downstreamPreCxActive.inc();
    this.advance();
    if (this.done || timeout <= 0) return;
    this.timer = this.owner.dispatcher.createTimer(() => this.onTimeout());
    this.timer.enable(timeout);
  }

  /** By the filter at work. */
  close(): void {
    this.closed = true;
  }

  /** Closes from outside of the filters: the listener goes. */
  abandon(): void {
    this.fail();
  }

  drain(length: number): void {
    this.received = this.received.subarray(length);
    this.bytes = this.bytes.subarray(length);
    this.seen = 0;
  }

  continueFilterChain(success: boolean): void {
    if (this.done || !this.waiting) return;
    if (success && !this.closed) this.advance();
    else this.fail();
  }

  onTransportConnect(): void {}

  onTransportData(data: Buffer): void {
    this.received = this.received.length === 0 ? Buffer.from(data) : Buffer.concat([this.received, data]);
    this.offer();
  }

  onTransportEnd(): void {
    this.owner.stats.downstreamListenerFilterRemoteClose.inc();
    this.gone();
  }

  onTransportError(): void {
    this.owner.stats.downstreamListenerFilterError.inc();
    this.gone();
  }

  onTransportProgress(): void {}

  private gone(): void {
    if (this.waiting) this.filters[this.index].onClose();
    this.fail();
  }

  /** Goes on with the filter after the present one, until one waits. */
  private advance(): void {
    this.waiting = false;
    while (++this.index < this.filters.length) {
      this.seen = 0;
      const status = this.filters[this.index].onAccept(this);
      if (this.closed) {
        this.fail();
        return;
      }
      if (status === LISTENER_FILTER_STOP_ITERATION) {
        this.waiting = true;
        this.offer();
        return;
      }
    }
    this.succeed();
  }

  /** Shows the waiting filter what it has not seen, and reads on when it wants more. */
  private offer(): void {
    const filter = this.filters[this.index];
    for (;;) {
      const size = Math.min(this.received.length, filter.maxReadBytes);
      if (size === 0 || size === this.seen) break;
      this.seen = size;
      this.bytes = this.received.subarray(0, size);
      const status = filter.onData(this);
      this.bytes = NO_BYTES;
      if (this.closed) {
        this.fail();
        return;
      }
      if (status === LISTENER_FILTER_CONTINUE) {
        this.advance();
        return;
      }
    }
    if (this.received.length < (filter.maxReadBytes || IDLE_READ_LIMIT)) this.transport.readStart();
    else this.transport.readStop();
  }

  private onTimeout(): void {
    this.timer = null;
    this.owner.stats.downstreamPreCxTimeout.inc();
    if (this.continueOnTimeout) this.succeed();
    else this.fail();
  }

  private succeed(): void {
    if (!this.finish()) return;
    const { received } = this;
    this.received = NO_BYTES;
    this.transport.readStop();
    this.owner.socketReady(this, received);
    this.owner.stats.downstreamPreCxActive.dec();
  }

  private fail(): void {
    if (!this.finish()) return;
    this.received = NO_BYTES;
    this.transport.close();
    this.owner.socketGone(this);
    this.owner.stats.downstreamPreCxActive.dec();
  }

  private finish(): boolean {
    if (this.done) return false;
    this.done = true;
    this.waiting = false;
    this.timer?.disable();
    this.timer = null;
    return true;
  }
}

const NO_PROTOCOLS: readonly string[] = [];
