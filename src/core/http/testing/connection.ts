import type { Address } from '../../../contract/address.ts';
import { CLOSE_FLUSH_WRITE_AND_DELAY, EVENT_LOCAL_CLOSE, EVENT_REMOTE_CLOSE, STATE_CLOSED, STATE_OPEN } from '../../../contract/network.ts';
import type { CloseType, Connection, ConnectionCallbacks, ConnectionState, ReadFilter, WriteFilter } from '../../../contract/network.ts';
import { PROTOCOL_NONE, StreamInfo } from '../../../contract/stream-info.ts';
import type { ThreadDispatcher } from '../../dispatcher/dispatcher.ts';
import { ipAddress } from '../../network/address.ts';

/** A connection without a network: what is written is kept as text, what the peer sends is handed in. For tests. */
export class MemoryConnection implements Connection {
  readonly id: number;
  readonly dispatcher: ThreadDispatcher;
  readonly streamInfo: StreamInfo;
  state: ConnectionState = STATE_OPEN;
  readonly remoteAddress: Address;
  readonly localAddress: Address;
  localCloseReason = '';
  readonly remoteReset = false;
  readonly transportFailureReason = '';
  readonly pendingWriteBytes = 0;
  readonly ssl = null;
  bufferLimit = 1024 * 1024;
  /** Everything written and not yet taken by the test, one character a byte. */
  output = '';
  closeType: CloseType | -1 = -1;
  pauses = 0;
  delayedCloseTimeout = -1;
  private readonly callbacks: ConnectionCallbacks[] = [];
  private readonly filters: ReadFilter[] = [];

  constructor(dispatcher: ThreadDispatcher, id = 1, remote = '10.1.2.3') {
    this.id = id;
    this.dispatcher = dispatcher;
    this.remoteAddress = ipAddress(remote, 5_000);
    this.localAddress = ipAddress('10.0.0.1', 8_080);
    this.streamInfo = new StreamInfo(PROTOCOL_NONE, dispatcher.clock.wall(), dispatcher.now(), this.remoteAddress, this.localAddress);
  }

  write(data: Uint8Array | string, _endStream: boolean): void {
    if (this.state !== STATE_OPEN) return;
    this.output += typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
  }

  gatherOutput(): void {}

  flush(): void {}

  close(type: CloseType, reason: string): void {
    if (this.state === STATE_CLOSED) return;
    this.state = STATE_CLOSED;
    this.closeType = type;
    this.localCloseReason = reason;
    for (const each of this.callbacks.slice()) each.onEvent(EVENT_LOCAL_CLOSE);
  }

  readDisable(disable: boolean): void {
    this.pauses += disable ? 1 : -1;
  }

  get readEnabled(): boolean {
    return this.pauses === 0;
  }

  addConnectionCallbacks(callbacks: ConnectionCallbacks): void {
    this.callbacks.push(callbacks);
  }

  removeConnectionCallbacks(callbacks: ConnectionCallbacks): void {
    const at = this.callbacks.indexOf(callbacks);
    if (at >= 0) this.callbacks.splice(at, 1);
  }

  setBufferLimit(bytes: number): void {
    this.bufferLimit = bytes;
  }

  enableHalfClose(_enabled: boolean): void {}

  setDelayedCloseTimeout(ms: number): void {
    this.delayedCloseTimeout = ms;
  }

  setNoDelay(_on: boolean): void {}

  setConnectionStats(): void {}

  addReadFilter(filter: ReadFilter): void {
    this.filters.push(filter);
    filter.initializeReadFilterCallbacks({ connection: this, continueReading: () => {}, injectReadDataToFilterChain: () => {} });
  }

  addWriteFilter(_filter: WriteFilter): void {}

  // The test's side.

  /** The peer sends `text`. */
  receive(text: string): void {
    this.dispatcher.runInTurn((bytes: Buffer) => {
      for (const filter of this.filters) filter.onData(bytes, false);
    }, Buffer.from(text, 'latin1'));
    this.dispatcher.runPosted();
  }

  /** What was written since the last call. */
  take(): string {
    const taken = this.output;
    this.output = '';
    return taken;
  }

  remoteClose(): void {
    if (this.state === STATE_CLOSED) return;
    this.state = STATE_CLOSED;
    this.dispatcher.runInTurn(() => {
      for (const each of this.callbacks.slice()) each.onEvent(EVENT_REMOTE_CLOSE);
    }, undefined);
  }

  /** The socket's buffer is full, or has room again. */
  setBackedUp(full: boolean): void {
    for (const each of this.callbacks.slice()) {
      if (full) each.onAboveWriteBufferHighWatermark();
      else each.onBelowWriteBufferLowWatermark();
    }
  }

  get closedWithDelay(): boolean {
    return this.closeType === CLOSE_FLUSH_WRITE_AND_DELAY;
  }
}
