import { threadId } from 'node:worker_threads';
import type { Timer } from '../../base/timer-wheel.ts';
import type { Address } from '../../contract/address.ts';
import type { Dispatcher, LoopTask, TurnTask } from '../../contract/dispatcher.ts';
import type {
  CloseType,
  Connection,
  ConnectionCallbacks,
  ConnectionEvent,
  ConnectionState,
  ConnectionStats,
  ReadFilter,
  SslConnectionInfo,
  WriteFilter,
} from '../../contract/network.ts';
import {
  CLOSE_ABORT_RESET,
  CLOSE_FLUSH_WRITE_AND_DELAY,
  CLOSE_NO_FLUSH,
  EVENT_CONNECTED,
  EVENT_LOCAL_CLOSE,
  EVENT_REMOTE_CLOSE,
  STATE_CLOSED,
  STATE_CLOSING,
  STATE_OPEN,
} from '../../contract/network.ts';
import { NETWORK_STOP_ITERATION } from '../../contract/status.ts';
import { PROTOCOL_NONE, StreamInfo } from '../../contract/stream-info.ts';
import { ECONNRESET, errnoText } from './io/errno.ts';
import type { Transport, TransportEvents } from '../../contract/transport.ts';
import { NO_BYTES, ReadFilterChain } from './read-filter-chain.ts';

/** What a connection starts with. */
export interface ConnectionOptions {
  readonly dispatcher: Dispatcher;
  readonly transport: Transport;
  readonly remoteAddress: Address;
  readonly localAddress: Address;
  /** True for a client whose transport is not connected yet. */
  readonly connecting: boolean;
  /** Made before the connection where its transport socket needs it; otherwise the connection makes it. */
  readonly streamInfo?: StreamInfo;
}

/** Envoy's default, `per_connection_buffer_limit_bytes`. */
export const DEFAULT_BUFFER_LIMIT = 1_048_576;
/** Local close reason when a delayed close ran out of patience (Envoy's LocalCloseReasons). */
const DELAYED_CLOSE_REASON = 'triggered_delayed_close_timeout';

/** Ids are unique in the process: every thread counts in a range of its own. */
let lastId = threadId * 2 ** 32;

type OutputItem = string | Uint8Array;
/** Marks "nothing queued"; never written to. */
const NO_OUTPUT: OutputItem[] = [];
/** Lists given back by flushes, so that a busy thread allocates none. */
const spareLists: OutputItem[][] = [];
const MAX_SPARE_LISTS = 64;
/** Output of one turn that may wait for the loop's end: see Connection.gatherOutput. */
const MAX_HELD_TURN = 8_192;
/** Output of all turns that waits; more goes at once. */
const MAX_HELD = 65_536;

/**
 * A connection over a Transport: filters, merged output, watermarks, the ways to close.
 *
 * It keeps no read buffer: what is read is consumed in the same call. Output of one turn waits in `output` and goes down in one batch at
 * the turn's end. More than 300 lines: one state machine, whose parts make no sense alone.
 */
export class NetworkConnection implements Connection, TransportEvents, TurnTask, LoopTask {
  readonly id: number;
  readonly dispatcher: Dispatcher;
  readonly streamInfo: StreamInfo;
  readonly remoteAddress: Address;
  localAddress: Address;
  state: ConnectionState;
  localCloseReason: string;
  remoteReset: boolean;
  transportFailureReason: string;
  bufferLimit: number;
  private readonly transport: Transport;
  private readonly readFilters: ReadFilterChain;
  private writeFilters: WriteFilter[] | null;
  private callbacks: ConnectionCallbacks[];
  private output: OutputItem[];
  private outputBytes: number;
  private stats: ConnectionStats | null;
  /** Bytes ever given to the transport, and how many of them the counter has. */
  private written: number;
  private counted: number;
  private bufferedShown: number;
  private readDisables: number;
  private connecting: boolean;
  private started: boolean;
  /** Read before the connection was made; the filters get it before anything else. */
  private unread: Buffer | null;
  private aboveHighWatermark: boolean;
  private halfCloseEnabled: boolean;
  private readEnded: boolean;
  private writeEnded: boolean;
  private shutdownSent: boolean;
  private flushAsked: boolean;
  /** Small output waits for the loop's end, `heldBytes` of it do now. */
  private gathering: boolean;
  private heldBytes: number;
  /** While CLOSING: wait for the peer after the flush. */
  private delayAfterFlush: boolean;
  private delayedCloseTimeout: number;
  private delayedCloseTimer: Timer | null;

  constructor(options: ConnectionOptions) {
    const { dispatcher } = options;
    this.id = ++lastId;
    this.dispatcher = dispatcher;
    this.streamInfo = options.streamInfo ?? new StreamInfo(PROTOCOL_NONE, dispatcher.clock.wall(), dispatcher.now(), options.remoteAddress, options.localAddress);
    this.streamInfo.connectionId = this.id;
    this.remoteAddress = options.remoteAddress;
    this.localAddress = options.localAddress;
    this.state = STATE_OPEN;
    this.localCloseReason = '';
    this.remoteReset = false;
    this.transportFailureReason = '';
    this.bufferLimit = DEFAULT_BUFFER_LIMIT;
    this.transport = options.transport;
    this.readFilters = new ReadFilterChain(this);
    this.writeFilters = null;
    this.callbacks = [];
    this.output = NO_OUTPUT;
    this.outputBytes = 0;
    this.stats = null;
    this.written = 0;
    this.counted = 0;
    this.bufferedShown = 0;
    this.readDisables = 0;
    this.connecting = options.connecting;
    this.started = false;
    this.unread = null;
    this.aboveHighWatermark = false;
    this.halfCloseEnabled = false;
    this.readEnded = false;
    this.writeEnded = false;
    this.shutdownSent = false;
    this.flushAsked = false;
    this.gathering = false;
    this.heldBytes = 0;
    this.delayAfterFlush = false;
    this.delayedCloseTimeout = 0;
    this.delayedCloseTimer = null;
    this.transport.setEvents(this);
  }

  /** Greets the filters and begins to read; servers after the chain is built, clients by themselves when connected. */
  start(): void {
    if (this.started || this.state !== STATE_OPEN) return;
    this.started = true;
    this.readFilters.run(0, NO_BYTES, false);
    if (this.unread === null) this.updateReading();
    else this.deliverUnread();
  }

  /** Bytes that listener filters read and left; the connection owns them from now on. Before `start`. */
  setUnread(bytes: Buffer): void {
    this.unread = bytes;
  }

  get ssl(): SslConnectionInfo | null {
    return this.transport.ssl;
  }

  get readFilterCount(): number {
    return this.readFilters.size;
  }

  get pendingWriteBytes(): number {
    return this.outputBytes + this.transport.pendingBytes;
  }

  get readEnabled(): boolean {
    return this.readDisables === 0;
  }

  write(data: Uint8Array | string, endStream: boolean): void {
    if (this.state !== STATE_OPEN || this.writeEnded) return;
    if (this.writeFilters !== null && !this.passWriteFilters(data, endStream)) return;
    if (data.length > 0) {
      if (this.output === NO_OUTPUT) this.output = spareLists.pop() ?? [];
      this.output.push(data);
      this.outputBytes += data.length;
      this.streamInfo.bytesSent += data.length;
    }
    if (endStream) this.writeEnded = true;
    if (!this.flushAsked) {
      this.flushAsked = true;
      this.dispatcher.atTurnEnd(this);
    }
    if (!this.aboveHighWatermark && this.bufferLimit > 0) this.checkHighWatermark();
  }

  flush(): void {
    if (this.state === STATE_CLOSED) return;
    if (this.connecting) {
      this.ownOutput();
      return;
    }
    if (this.outputBytes > 0 && !this.flushOutput()) return;
    if (this.writeEnded && !this.shutdownSent) {
      this.shutdownSent = true;
      this.transport.shutdown();
    }
    this.afterProgress();
  }

  onTurnEnd(): void {
    this.flushAsked = false;
    if (this.gathering && this.mayHold()) this.hold();
    else this.flush();
  }

  onLoopEnd(): void {
    if (this.heldBytes > 0) this.flush();
  }

  gatherOutput(on: boolean): void {
    this.gathering = on;
  }

  /** Whether what the turn wrote is so little that its memory must be its own, and all of it no burden. */
  private mayHold(): boolean {
    if (this.state !== STATE_OPEN || this.writeEnded || this.connecting) return false;
    return this.outputBytes - this.heldBytes < MAX_HELD_TURN && this.outputBytes < MAX_HELD;
  }

  private hold(): void {
    if (this.heldBytes === 0 && this.outputBytes > 0) this.dispatcher.atLoopEnd(this);
    this.heldBytes = this.outputBytes;
  }

  close(type: CloseType, reason: string): void {
    if (this.state === STATE_CLOSED) return;
    if (this.localCloseReason === '') this.localCloseReason = reason;
    if (type === CLOSE_ABORT_RESET) {
      this.transport.reset();
      this.finish(EVENT_LOCAL_CLOSE);
      return;
    }
    if (type === CLOSE_NO_FLUSH || this.connecting) {
      this.closeWithoutFlush();
      return;
    }
    const delay = type === CLOSE_FLUSH_WRITE_AND_DELAY && this.delayedCloseTimeout > 0;
    if (this.state === STATE_CLOSING) {
      this.delayAfterFlush = delay;
      if (!delay && this.pendingWriteBytes === 0) this.finish(EVENT_LOCAL_CLOSE);
      return;
    }
    if (!delay && this.pendingWriteBytes === 0) {
      this.finish(EVENT_LOCAL_CLOSE);
      return;
    }
    this.beginDelayedClose(delay);
  }

  readDisable(disable: boolean): void {
    if (disable) this.readDisables++;
    else if (this.readDisables > 0) this.readDisables--;
    if (this.readDisables <= 1) this.updateReading();
  }

  addConnectionCallbacks(callbacks: ConnectionCallbacks): void {
    this.callbacks.push(callbacks);
  }

  removeConnectionCallbacks(callbacks: ConnectionCallbacks): void {
    const index = this.callbacks.indexOf(callbacks);
    // A fresh list, so that whoever is calling the old one goes on undisturbed.
    if (index >= 0) this.callbacks = this.callbacks.filter((each) => each !== callbacks);
  }

  setBufferLimit(bytes: number): void {
    this.bufferLimit = bytes;
  }

  enableHalfClose(enabled: boolean): void {
    this.halfCloseEnabled = enabled;
  }

  get isHalfCloseEnabled(): boolean {
    return this.halfCloseEnabled;
  }

  setDelayedCloseTimeout(ms: number): void {
    this.delayedCloseTimeout = ms;
  }

  setNoDelay(on: boolean): void {
    if (this.remoteAddress.kind === 'ip') this.transport.setNoDelay(on);
  }

  /** Seconds of idleness before the first probe. */
  setKeepAlive(idleSeconds: number): void {
    if (this.remoteAddress.kind === 'ip') this.transport.setKeepAlive(idleSeconds);
  }

  setConnectionStats(stats: ConnectionStats | null): void {
    this.stats = stats;
  }

  addReadFilter(filter: ReadFilter): void {
    this.readFilters.add(filter);
  }

  addWriteFilter(filter: WriteFilter): void {
    (this.writeFilters ??= []).push(filter);
  }

  onTransportConnect(): void {
    // A server's transport socket says so when its handshake is over; only a client learns its address then.
    if (this.connecting) this.localAddress = this.transport.localAddress();
    this.connecting = false;
    this.raise(EVENT_CONNECTED);
    if (this.state !== STATE_OPEN) return;
    this.start();
    this.flush();
  }

  onTransportData(data: Buffer): void {
    if (this.stats !== null) this.stats.readTotal.add(data.length);
    // While closing, what still comes is read to see the peer's close, and dropped.
    if (this.state !== STATE_OPEN) return;
    this.streamInfo.bytesReceived += data.length;
    this.readFilters.run(0, data, false);
  }

  onTransportEnd(): void {
    if (this.state !== STATE_OPEN || !this.halfCloseEnabled) {
      this.finish(EVENT_REMOTE_CLOSE);
      return;
    }
    if (this.readEnded) return;
    this.readEnded = true;
    this.readFilters.run(0, NO_BYTES, true);
    this.closeIfBothEnded(EVENT_REMOTE_CLOSE);
  }

  onTransportError(errno: number): void {
    const { failureReason } = this.transport;
    if (failureReason !== '') this.transportFailureReason = failureReason;
    else if (this.connecting) this.transportFailureReason = this.connectFailure(errno);
    else this.remoteReset = errno === ECONNRESET;
    this.finish(EVENT_REMOTE_CLOSE);
  }

  onTransportProgress(): void {
    if (this.delayedCloseTimer !== null) this.delayedCloseTimer.enable(this.delayedCloseTimeout);
    this.afterProgress();
  }

  /** Unix sockets connect or fail at once; the platform only tells it later. */
  private connectFailure(errno: number): string {
    const { kind, text } = this.remoteAddress;
    if (kind === 'pipe') return `immediate connect error: ${errnoText(errno)}|remote address:${text}`;
    return `delayed connect error: ${errnoText(errno)}`;
  }

  /** Dies without a transport event: a client whose connect was refused at once. */
  fail(event: ConnectionEvent, reason: string): void {
    this.transportFailureReason = reason;
    this.finish(event);
  }

  private passWriteFilters(data: Uint8Array | string, endStream: boolean): boolean {
    const filters = this.writeFilters ?? [];
    for (let i = filters.length - 1; i >= 0; i--) {
      if (filters[i].onWrite(data, endStream) === NETWORK_STOP_ITERATION || this.state !== STATE_OPEN) return false;
    }
    return true;
  }

  /** Gives the batch to the transport. False when the connection died of it. */
  private flushOutput(): boolean {
    const items = this.output;
    this.written += this.outputBytes;
    this.output = NO_OUTPUT;
    this.outputBytes = 0;
    this.heldBytes = 0;
    const result = this.transport.writeBatch(items);
    // Setting `length` is a call into the runtime.
    while (items.length > 0) items.pop();
    if (spareLists.length < MAX_SPARE_LISTS) spareLists.push(items);
    if (result >= 0) return true;
    this.remoteReset = result === -ECONNRESET;
    this.finish(EVENT_REMOTE_CLOSE);
    return false;
  }

  /** Output was queued before the connection is there: the turn ends, so borrowed buffers must be copied. */
  private ownOutput(): void {
    for (let i = 0; i < this.output.length; i++) {
      const item = this.output[i];
      if (typeof item !== 'string') this.output[i] = Uint8Array.prototype.slice.call(item);
    }
  }

  /** Whatever the kernel has taken shows in statistics, watermarks, and ends of flushes. */
  private afterProgress(): void {
    if (this.stats !== null) this.countWritten(this.stats);
    if (this.aboveHighWatermark && this.pendingWriteBytes * 2 <= this.bufferLimit) this.raiseLowWatermark();
    if (this.state === STATE_CLOSING) this.continueClosing();
    else this.closeIfBothEnded(EVENT_LOCAL_CLOSE);
  }

  private countWritten(stats: ConnectionStats): void {
    const pending = this.transport.pendingBytes;
    const taken = this.written - pending;
    if (taken > this.counted) stats.writeTotal.add(taken - this.counted);
    this.counted = taken;
    if (pending !== this.bufferedShown) {
      if (pending > this.bufferedShown) stats.writeCurrent.add(pending - this.bufferedShown);
      else stats.writeCurrent.sub(this.bufferedShown - pending);
      this.bufferedShown = pending;
    }
  }

  private checkHighWatermark(): void {
    if (this.pendingWriteBytes <= this.bufferLimit) return;
    this.aboveHighWatermark = true;
    const callbacks = this.callbacks;
    for (let i = 0; i < callbacks.length; i++) callbacks[i].onAboveWriteBufferHighWatermark();
  }

  private raiseLowWatermark(): void {
    this.aboveHighWatermark = false;
    const callbacks = this.callbacks;
    for (let i = 0; i < callbacks.length && this.state === STATE_OPEN; i++) callbacks[i].onBelowWriteBufferLowWatermark();
  }

  private closeWithoutFlush(): void {
    // One try, as Envoy: what the kernel takes now still leaves.
    if (!this.connecting && this.outputBytes > 0 && !this.flushOutput()) return;
    this.finish(EVENT_LOCAL_CLOSE);
  }

  private beginDelayedClose(delay: boolean): void {
    this.state = STATE_CLOSING;
    this.delayAfterFlush = delay;
    if (this.delayedCloseTimeout > 0) {
      this.delayedCloseTimer = this.dispatcher.createTimer(() => this.onDelayedCloseTimeout());
      this.delayedCloseTimer.enable(this.delayedCloseTimeout);
    }
    this.updateReading();
    if (!this.flushAsked) {
      this.flushAsked = true;
      this.dispatcher.atTurnEnd(this);
    }
  }

  private continueClosing(): void {
    if (this.pendingWriteBytes > 0) return;
    // With a delay nothing is sent, not even FIN: Envoy waits for the peer's or for the timeout (oracle: errors/delayed-close).
    if (!this.delayAfterFlush) this.finish(EVENT_LOCAL_CLOSE);
  }

  private onDelayedCloseTimeout(): void {
    this.stats?.delayedCloseTimeouts?.inc();
    this.localCloseReason = DELAYED_CLOSE_REASON;
    this.finish(EVENT_LOCAL_CLOSE);
  }

  private closeIfBothEnded(event: ConnectionEvent): void {
    if (this.readEnded && this.writeEnded && this.state === STATE_OPEN && this.pendingWriteBytes === 0) this.finish(event);
  }

  private updateReading(): void {
    if (!this.started || this.state === STATE_CLOSED) return;
    if (this.unread !== null) this.dispatcher.post(() => this.deliverUnread());
    else if (this.readDisables === 0 || this.state === STATE_CLOSING) this.transport.readStart();
    else this.transport.readStop();
  }

  private deliverUnread(): void {
    const { unread } = this;
    if (unread === null || this.state === STATE_CLOSED || (this.readDisables > 0 && this.state === STATE_OPEN)) return;
    this.unread = null;
    this.onTransportData(unread);
    this.updateReading();
  }

  private raise(event: ConnectionEvent): void {
    const callbacks = this.callbacks;
    for (let i = 0; i < callbacks.length; i++) callbacks[i].onEvent(event);
  }

  private finish(event: ConnectionEvent): void {
    if (this.state === STATE_CLOSED) return;
    if (this.stats !== null) this.countWritten(this.stats);
    this.transport.close();
    this.state = STATE_CLOSED;
    this.delayedCloseTimer?.disable();
    this.delayedCloseTimer = null;
    this.output = NO_OUTPUT;
    this.outputBytes = 0;
    if (this.stats !== null && this.bufferedShown > 0) this.stats.writeCurrent.sub(this.bufferedShown);
    this.bufferedShown = 0;
    this.raise(event);
    this.callbacks = [];
  }
}
