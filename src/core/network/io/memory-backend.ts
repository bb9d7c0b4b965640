import type { Address } from '../../../contract/address.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import { ipAddress } from '../address.ts';
import { ECONNREFUSED } from './errno.ts';
import type { Transport, TransportEvents } from '../../../contract/transport.ts';
import type { Acceptor, AcceptOptions, ConnectOptions, ConnectResult, IoBackend } from './transport.ts';
import { WRITE_DONE, WRITE_PENDING } from '../../../contract/transport.ts';

/**
 * Sockets in memory for unit tests: the test plays the kernel and the peer. Nothing happens by itself; every event is a call of the test's.
 */
export class MemoryBackend implements IoBackend {
  readonly name = 'net';
  /** Every connect, in order. */
  readonly connects: MemoryTransport[] = [];
  /** Set to refuse the next connects at once with this errno. */
  refuse: { readonly errno: number; readonly step: 'bind' | 'connect' } | null = null;

  /** Every listen that is open. */
  readonly listens: AcceptOptions[] = [];
  /** Set to refuse the next listens. */
  refuseListen = 0;

  listen(options: AcceptOptions): Promise<Acceptor | number> {
    if (this.refuseListen !== 0) return Promise.resolve(this.refuseListen);
    this.listens.push(options);
    const close = (): void => {
      this.listens.splice(this.listens.indexOf(options), 1);
    };
    return Promise.resolve({ address: options.address, close });
  }

  /** A peer connects to the `index`th open listen. */
  accept(remote: Address, index = 0): MemoryTransport {
    const options = this.listens[index];
    const transport = new MemoryTransport(options.dispatcher, remote);
    options.dispatcher.runInTurn(options.onAccept, transport);
    return transport;
  }

  connect(options: ConnectOptions): ConnectResult {
    if (this.refuse !== null) return { transport: null, ...this.refuse };
    const transport = new MemoryTransport(options.dispatcher, options.address);
    this.connects.push(transport);
    return { transport };
  }

  /** The newest connect. */
  get last(): MemoryTransport {
    const last = this.connects.at(-1);
    if (last === undefined) throw new Error('nothing has connected');
    return last;
  }
}

export class MemoryTransport implements Transport {
  readonly remote: Address;
  events: TransportEvents | null = null;
  reading = false;
  closed: 'no' | 'closed' | 'reset' = 'no';
  shutdownSeen = false;
  noDelay = false;
  /** Batches as they came; a new one for each writeBatch. */
  readonly batches: string[] = [];
  /** Bytes that the kernel takes before it is full. */
  room = Infinity;
  /** Result of the next writes, when negative. */
  writeError = 0;
  private readonly dispatcher: Dispatcher;
  private pending = 0;

  constructor(dispatcher: Dispatcher, remote: Address = ipAddress('192.0.2.1', 80)) {
    this.dispatcher = dispatcher;
    this.remote = remote;
  }

  /** A plain socket has neither. */
  get ssl(): null {
    return null;
  }

  get failureReason(): string {
    return '';
  }

  setEvents(events: TransportEvents): void {
    this.events = events;
  }

  readStart(): void {
    this.reading = true;
  }

  readStop(): void {
    this.reading = false;
  }

  get pendingBytes(): number {
    return this.pending;
  }

  writeBatch(items: readonly (string | Uint8Array)[]): number {
    if (this.writeError < 0) return this.writeError;
    const text = items.map((item) => (typeof item === 'string' ? item : Buffer.from(item).toString('latin1'))).join('');
    this.batches.push(text);
    const taken = Math.min(this.room, text.length);
    this.room -= taken;
    this.pending += text.length - taken;
    return this.pending > 0 ? WRITE_PENDING : WRITE_DONE;
  }

  shutdown(): void {
    this.shutdownSeen = true;
  }

  close(): void {
    if (this.closed === 'no') this.closed = 'closed';
    this.events = null;
  }

  reset(): void {
    if (this.closed === 'no') this.closed = 'reset';
    this.events = null;
  }

  setNoDelay(on: boolean): void {
    this.noDelay = on;
  }

  setKeepAlive(): void {}

  localAddress(): Address {
    return ipAddress('192.0.2.254', 40_000);
  }

  remoteAddress(): Address {
    return this.remote;
  }

  /** Everything written so far. */
  get written(): string {
    return this.batches.join('');
  }

  /** The peer accepts. */
  connected(): void {
    this.turn((events) => events.onTransportConnect());
  }

  refused(errno = ECONNREFUSED): void {
    this.turn((events) => events.onTransportError(errno));
  }

  /** The peer sends. */
  receive(text: string): void {
    this.turn((events) => events.onTransportData(Buffer.from(text, 'latin1')));
  }

  /** The peer half-closes. */
  end(): void {
    this.turn((events) => events.onTransportEnd());
  }

  fail(errno: number): void {
    this.turn((events) => events.onTransportError(errno));
  }

  /** The kernel takes `bytes` of what is pending. */
  drain(bytes = Infinity): void {
    this.pending = Math.max(0, this.pending - bytes);
    this.turn((events) => events.onTransportProgress());
  }

  private turn(run: (events: TransportEvents) => void): void {
    this.dispatcher.runInTurn(() => {
      if (this.events !== null) run(this.events);
    }, undefined);
  }
}
