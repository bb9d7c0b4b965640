import { chmodSync } from 'node:fs';
import type { Address } from '../../../contract/address.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import type { SslConnectionInfo } from '../../../contract/network.ts';
import { ipAddress, systemPath, UNNAMED_PIPE } from '../address.ts';
import type { Bindings, ConnectRequest, PipeHandle, SocketName, StreamHandle, TcpHandle, WriteRequest } from './bindings.ts';
import { EOF, SERVER, SOCKET, STATE_ASYNC, STATE_READ } from './bindings.ts';
import { errnoOfCode } from './errno.ts';
import { Output } from './output.ts';
import type { ReadBuffer } from './read-buffers.ts';
import { ReadBuffers } from './read-buffers.ts';
import type { Transport, TransportEvents } from '../../../contract/transport.ts';
import type { Acceptor, AcceptOptions, ConnectOptions, ConnectResult, IoBackend } from './transport.ts';
import { WRITE_DONE, WRITE_PENDING } from '../../../contract/transport.ts';

/**
 * Transports over libuv handles without net.Socket between: reads go to a shared buffer, writes are tried at once, and no stream state
 * machine, event emitter or per-write request is in the way. Needs Node's own bindings (bindings.ts).
 *
 * More than 300 lines would hide nothing here: the file is one class and its callbacks, which V8 sees as one unit.
 */
export class HandleBackend implements IoBackend {
  readonly name = 'handle';
  private readonly thread: HandleThread;

  constructor(bindings: Bindings) {
    this.thread = new HandleThread(bindings);
  }

  listen(options: AcceptOptions): Promise<Acceptor | number> {
    return Promise.resolve(options.address.kind === 'pipe' ? listenPipe(this.thread, options) : listenTcp(this.thread, options));
  }

  connect(options: ConnectOptions): ConnectResult {
    return options.address.kind === 'pipe' ? connectPipe(this.thread, options) : connectTcp(this.thread, options);
  }
}

/** What all handles of one thread share. */
export class HandleThread {
  readonly bindings: Bindings;
  readonly state: Int32Array;
  readonly buffers: ReadBuffers;
  readonly output: Output;
  /** Reused for every write that the kernel takes at once. */
  request: WriteRequest;

  constructor(bindings: Bindings) {
    this.bindings = bindings;
    this.state = bindings.state;
    this.buffers = new ReadBuffers();
    this.output = new Output(this.buffers);
    this.request = newWriteRequest(bindings);
  }
}

function newWriteRequest(bindings: Bindings): WriteRequest {
  const request = new bindings.WriteWrap();
  request.oncomplete = onWriteComplete;
  request.transport = null;
  request.held = null;
  return request;
}

/** A write on its way: memory to keep alive and read buffers to unpin after it. */
interface Held {
  readonly segments: readonly Uint8Array[];
  readonly pins: readonly ReadBuffer[];
}

/** A connection over its libuv handle, or over a handle that Node has put on top of it (TLS). */
export class HandleTransport implements Transport {
  readonly handle: StreamHandle;
  /** The socket at the bottom; the same as `handle` unless TLS lies between. */
  readonly socket: StreamHandle;
  readonly thread: HandleThread;
  readonly dispatcher: Dispatcher;
  events: TransportEvents | null;
  closed: boolean;
  /** Bytes of the asynchronous write that the kernel has not taken; 0 = none on its way. */
  inflight: number;
  readBuffer: ReadBuffer;
  calmReads: number;
  /** Result of the read being delivered. */
  readResult: number;
  private reading: boolean;
  private backlog: (string | Uint8Array)[];
  private backlogBytes: number;
  private backlogPins: ReadBuffer[];
  private shutdownAsked: boolean;

  constructor(handle: StreamHandle, thread: HandleThread, dispatcher: Dispatcher, socket: StreamHandle = handle) {
    this.handle = handle;
    this.socket = socket;
    this.thread = thread;
    this.dispatcher = dispatcher;
    this.events = null;
    this.closed = false;
    this.inflight = 0;
    this.readBuffer = thread.buffers.shared;
    this.calmReads = 0;
    this.readResult = 0;
    this.reading = false;
    this.backlog = NO_BACKLOG;
    this.backlogBytes = 0;
    this.backlogPins = NO_PINS;
    this.shutdownAsked = false;
    handle.owner = this;
    handle.onread = onRead;
    handle.useUserBuffer(this.readBuffer.bytes);
  }

  /** A plain socket has neither. */
  get ssl(): SslConnectionInfo | null {
    return null;
  }

  get failureReason(): string {
    return '';
  }

  setEvents(events: TransportEvents): void {
    this.events = events;
  }

  readStart(): void {
    if (this.reading || this.closed) return;
    this.reading = true;
    this.handle.readStart();
  }

  readStop(): void {
    if (!this.reading || this.closed) return;
    this.reading = false;
    this.handle.readStop();
  }

  get pendingBytes(): number {
    return this.inflight + this.backlogBytes;
  }

  writeBatch(items: readonly (string | Uint8Array)[]): number {
    if (this.closed || items.length === 0) return WRITE_DONE;
    if (this.inflight > 0) {
      this.queue(items);
      return WRITE_PENDING;
    }
    const small = this.thread.output.staged(items);
    if (small !== null) return this.writeSmall(small);
    const text = this.thread.output.text(items);
    return text === null ? this.writeSegments(items, false, NO_PINS) : this.writeText(text);
  }

  shutdown(): void {
    if (this.closed || this.shutdownAsked) return;
    this.shutdownAsked = true;
    // libuv waits for the write on its way; only the backlog is ours to wait for.
    if (this.backlog.length === 0) this.shutdownNow();
  }

  close(): void {
    if (!this.beginClose()) return;
    this.socket.close(this.afterClose);
  }

  reset(): void {
    if (!this.beginClose()) return;
    const failed = this.socket.reset === undefined || this.socket.reset(this.afterClose ?? ignore) !== 0;
    if (failed) this.socket.close(this.afterClose);
  }

  setNoDelay(on: boolean): void {
    if (!this.closed) this.socket.setNoDelay?.(on);
  }

  setKeepAlive(idleSeconds: number): void {
    if (!this.closed) this.socket.setKeepAlive?.(idleSeconds > 0, idleSeconds);
  }

  localAddress(): Address {
    const name: SocketName = {};
    if (this.closed || this.socket.getsockname === undefined || this.socket.getsockname(name) !== 0) return UNNAMED_PIPE;
    return addressOfName(name);
  }

  remoteAddress(): Address {
    const name: SocketName = {};
    if (this.closed || this.socket.getpeername === undefined || this.socket.getpeername(name) !== 0) return UNNAMED_PIPE;
    return addressOfName(name);
  }

  /** The asynchronous write ended: sends what has queued up behind it. Returns a negative errno or 0. */
  writeBacklog(): number {
    const items = this.backlog;
    if (items.length === 0) return WRITE_DONE;
    const pins = this.backlogPins;
    this.backlog = NO_BACKLOG;
    this.backlogPins = NO_PINS;
    this.backlogBytes = 0;
    const result = this.writeSegments(items, true, pins);
    if (result >= 0 && this.shutdownAsked && this.backlog.length === 0) this.shutdownNow();
    return result;
  }

  private shutdownNow(): void {
    const request: ConnectRequest = new this.thread.bindings.ShutdownWrap();
    request.oncomplete = ignore;
    this.handle.shutdown(request);
  }

  /** Another handle goes on top of this one: no events any more. MUST have nothing pending; the socket stays open. */
  handOver(): void {
    this.readStop();
    this.beginClose();
  }

  /** What is to be done when the socket is closed; outside of whatever called `close`. */
  protected get afterClose(): (() => void) | undefined {
    return undefined;
  }

  private beginClose(): boolean {
    if (this.closed) return false;
    this.closed = true;
    this.events = null;
    this.thread.buffers.release(this.readBuffer);
    for (const pin of this.backlogPins) this.thread.buffers.unpin(pin);
    this.backlog = NO_BACKLOG;
    this.backlogPins = NO_PINS;
    this.backlogBytes = 0;
    return true;
  }

  private writeText(text: string): number {
    const thread = this.thread;
    const error = this.handle.writeLatin1String(thread.request, text);
    if (error !== 0) return error;
    if (thread.state[STATE_ASYNC] === 0) return WRITE_DONE;
    this.wait(NO_SEGMENTS, NO_PINS);
    return WRITE_PENDING;
  }

  private writeSmall(bytes: Uint8Array): number {
    const thread = this.thread;
    const error = this.handle.writeBuffer(thread.request, bytes);
    if (error !== 0) return error;
    if (thread.state[STATE_ASYNC] === 0) return WRITE_DONE;
    this.wait([bytes], NO_PINS);
    thread.output.abandonStaging();
    return WRITE_PENDING;
  }

  private writeSegments(items: readonly (string | Uint8Array)[], owned: boolean, pins: readonly ReadBuffer[]): number {
    const thread = this.thread;
    const output = thread.output;
    output.gather(items, owned);
    const segments = output.segments;
    const error =
      segments.length === 1
        ? this.handle.writeBuffer(thread.request, segments[0])
        : this.handle.writev(thread.request, segments, true);
    if (error === 0 && thread.state[STATE_ASYNC] !== 0) {
      for (const pin of output.pinned) pin.pins++;
      this.wait(segments.slice(), output.pinned.length === 0 ? pins : pins.concat(output.pinned));
      output.abandonStaging();
      return WRITE_PENDING;
    }
    for (const pin of pins) thread.buffers.unpin(pin);
    return error;
  }

  /** The write just made goes on in the background with the thread's request. */
  private wait(segments: readonly Uint8Array[], pins: readonly ReadBuffer[]): void {
    const thread = this.thread;
    const held: Held = { segments, pins };
    thread.request.transport = this;
    thread.request.held = held;
    thread.request = newWriteRequest(thread.bindings);
    // At least 1, so that "on its way" and "bytes left" cannot disagree.
    this.inflight = Math.max(1, this.handle.writeQueueSize);
  }

  private queue(items: readonly (string | Uint8Array)[]): void {
    const output = this.thread.output;
    if (this.backlog === NO_BACKLOG) this.backlog = [];
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      this.backlogBytes += item.length;
      if (typeof item === 'string') {
        this.backlog.push(item);
        continue;
      }
      output.pinned.length = 0;
      this.backlog.push(output.keep(item));
      if (output.pinned.length > 0) {
        if (this.backlogPins === NO_PINS) this.backlogPins = [];
        output.pinned[0].pins++;
        this.backlogPins.push(output.pinned[0]);
      }
    }
  }
}

/** Shared empties: never written to (queue makes fresh ones). */
const NO_BACKLOG: (string | Uint8Array)[] = [];
const NO_PINS: ReadBuffer[] = [];
const NO_SEGMENTS: readonly Uint8Array[] = [];

function ignore(): void {}

function onRead(this: StreamHandle): Uint8Array | undefined {
  const transport = this.owner as HandleTransport;
  const thread = transport.thread;
  const length = thread.state[STATE_READ];
  if (transport.closed || length === 0) return undefined;
  transport.readResult = length;
  if (length < 0) {
    transport.dispatcher.runInTurn(deliverEnd, transport);
    return undefined;
  }
  const buffer = transport.readBuffer;
  if (buffer !== thread.buffers.shared) thread.buffers.delivering = buffer;
  transport.dispatcher.runInTurn(deliverData, transport);
  thread.buffers.delivering = null;
  if (transport.closed) return undefined;
  transport.calmReads = thread.buffers.calm(length, transport.calmReads);
  const next = thread.buffers.next(buffer, length, transport.calmReads);
  if (next === buffer) return undefined;
  transport.readBuffer = next;
  return next.bytes;
}

function deliverData(transport: HandleTransport): void {
  transport.events?.onTransportData(transport.thread.buffers.view(transport.readBuffer, transport.readResult));
}

function deliverEnd(transport: HandleTransport): void {
  if (transport.readResult === EOF) transport.events?.onTransportEnd();
  else transport.events?.onTransportError(-transport.readResult);
}

function onWriteComplete(this: WriteRequest, status: number): void {
  const transport = this.transport as HandleTransport;
  const held = this.held as Held;
  this.transport = null;
  this.held = null;
  for (const pin of held.pins) transport.thread.buffers.unpin(pin);
  transport.inflight = 0;
  if (transport.closed) return;
  transport.readResult = status;
  transport.dispatcher.runInTurn(deliverWritten, transport);
}

function deliverWritten(transport: HandleTransport): void {
  let status = transport.readResult;
  if (status === 0) status = transport.writeBacklog();
  if (status < 0) transport.events?.onTransportError(-status);
  else transport.events?.onTransportProgress();
}

const MAPPED = '::ffff:';

/** IPv4 peers of a dual-stack socket are shown as IPv4, as Envoy does. */
function addressOfName(name: SocketName): Address {
  const ip = name.address ?? '';
  const port = name.port ?? 0;
  return ip.startsWith(MAPPED) && ip.indexOf('.') > 0 ? ipAddress(ip.slice(MAPPED.length), port) : ipAddress(ip, port);
}

function listenTcp(thread: HandleThread, options: AcceptOptions): Acceptor | number {
  const { bindings } = thread;
  const { address } = options;
  const handle = new bindings.TCP(SERVER);
  const reuse = options.reusePort ? bindings.reusePortFlag : 0;
  const error =
    address.family === 6
      ? handle.bind6(address.ip, address.port, reuse | (options.ipv4Compat ? 0 : bindings.ipv6OnlyFlag))
      : handle.bind(address.ip, address.port, reuse);
  const failed = error !== 0 ? error : startListening(thread, handle, options);
  if (failed !== 0) {
    handle.close();
    return -failed;
  }
  const name: SocketName = {};
  handle.getsockname(name);
  return { address: ipAddress(address.ip, name.port ?? address.port), close: () => handle.close() };
}

function listenPipe(thread: HandleThread, options: AcceptOptions): Acceptor | number {
  const handle = new thread.bindings.Pipe(SERVER);
  let error = handle.bind(systemPath(options.address));
  if (error === 0) error = startListening(thread, handle, options);
  if (error === 0 && options.pipeMode !== 0) error = chmodPipe(options.address, options.pipeMode);
  if (error !== 0) {
    handle.close();
    return -error;
  }
  return { address: options.address, close: () => handle.close() };
}

/** Abstract sockets have no file. */
function chmodPipe(address: Address, mode: number): number {
  if (address.ip.startsWith('@')) return 0;
  try {
    chmodSync(address.ip, mode);
    return 0;
  } catch (error) {
    return -errnoOfCode(error instanceof Error && 'code' in error ? String(error.code) : undefined);
  }
}

function startListening(thread: HandleThread, handle: TcpHandle | PipeHandle, options: AcceptOptions): number {
  handle.onconnection = (status, client) => {
    if (client === undefined) options.dispatcher.runInTurn(options.onAcceptError, -status);
    else options.dispatcher.runInTurn(options.onAccept, new HandleTransport(client, thread, options.dispatcher));
  };
  return handle.listen(options.backlog);
}

function connectTcp(thread: HandleThread, options: ConnectOptions): ConnectResult {
  const { bindings } = thread;
  const { address, source } = options;
  const handle = new bindings.TCP(SOCKET);
  if (source !== null) {
    const error = source.family === 6 ? handle.bind6(source.ip, source.port, 0) : handle.bind(source.ip, source.port, 0);
    if (error !== 0) return refuse(handle, error, 'bind');
  }
  const transport = new HandleTransport(handle, thread, options.dispatcher);
  const request = connectRequest(new bindings.TCPConnectWrap(), transport);
  const error = address.family === 6 ? handle.connect6(request, address.ip, address.port) : handle.connect(request, address.ip, address.port);
  return error === 0 ? { transport } : refuse(handle, error, 'connect');
}

function connectPipe(thread: HandleThread, options: ConnectOptions): ConnectResult {
  const handle = new thread.bindings.Pipe(SOCKET);
  const transport = new HandleTransport(handle, thread, options.dispatcher);
  const error = handle.connect(connectRequest(new thread.bindings.PipeConnectWrap(), transport), systemPath(options.address));
  return error === 0 || error === undefined ? { transport } : refuse(handle, error, 'connect');
}

function refuse(handle: StreamHandle, error: number, step: 'bind' | 'connect'): ConnectResult {
  handle.close();
  return { transport: null, errno: -error, step };
}

function connectRequest(request: ConnectRequest, transport: HandleTransport): ConnectRequest {
  request.oncomplete = (status) => {
    if (transport.closed) return;
    transport.readResult = status;
    transport.dispatcher.runInTurn(deliverConnect, transport);
  };
  return request;
}

function deliverConnect(transport: HandleTransport): void {
  if (transport.readResult < 0) transport.events?.onTransportError(-transport.readResult);
  else transport.events?.onTransportConnect();
}
