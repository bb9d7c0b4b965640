import { chmodSync } from 'node:fs';
import * as net from 'node:net';
import type { Address } from '../../../contract/address.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import { ipAddress, systemPath, UNNAMED_PIPE } from '../address.ts';
import { errnoOfCode } from './errno.ts';
import type { Transport, TransportEvents } from '../../../contract/transport.ts';
import type { Acceptor, AcceptOptions, ConnectOptions, ConnectResult, IoBackend } from './transport.ts';
import { WRITE_DONE, WRITE_PENDING } from '../../../contract/transport.ts';

/** Transports over net.Socket: works on every runtime. Listening is asynchronous there, so a refused address comes later, as an error event. */
export class NetBackend implements IoBackend {
  readonly name = 'net';

  listen(options: AcceptOptions): Promise<Acceptor | number> {
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: false });
    server.on('connection', (socket) => options.dispatcher.runInTurn(options.onAccept, new NetTransport(socket, options.dispatcher)));
    return new Promise((resolve) => {
      let settled = false;
      server.on('error', (error) => {
        if (settled) options.dispatcher.runInTurn(options.onAcceptError, errnoOfError(error));
        else resolve(errnoOfError(error));
        settled = true;
      });
      server.on('listening', () => {
        settled = true;
        resolve(acceptorOf(server, options));
      });
      listenOn(server, options);
    });
  }

  connect(options: ConnectOptions): ConnectResult {
    const { address, source } = options;
    const socket = new net.Socket({ allowHalfOpen: true });
    const transport = new NetTransport(socket, options.dispatcher);
    socket.once('connect', () => transport.connected());
    if (address.kind === 'pipe') socket.connect({ path: systemPath(address) });
    else {
      socket.connect({
        host: address.ip,
        port: address.port,
        ...(source === null ? {} : { localAddress: source.ip, localPort: source.port }),
      });
    }
    return { transport };
  }
}

function listenOn(server: net.Server, options: AcceptOptions): void {
  const { address, backlog } = options;
  if (address.kind === 'pipe') server.listen({ path: systemPath(address), backlog });
  else {
    server.listen({
      host: address.ip,
      port: address.port,
      backlog,
      exclusive: true,
      reusePort: options.reusePort,
      ipv6Only: address.family === 6 && !options.ipv4Compat,
    });
  }
}

function acceptorOf(server: net.Server, options: AcceptOptions): Acceptor {
  const { address } = options;
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  if (address.kind === 'pipe' && options.pipeMode !== 0 && !address.ip.startsWith('@')) chmodSync(address.ip, options.pipeMode);
  return { address: address.kind === 'pipe' ? address : ipAddress(address.ip, port), close: () => server.close(ignore) };
}

function ignore(): void {}

function errnoOfError(error: Error): number {
  return errnoOfCode('code' in error ? String(error.code) : undefined);
}

class NetTransport implements Transport {
  private readonly socket: net.Socket;
  private readonly dispatcher: Dispatcher;
  private events: TransportEvents | null;
  private closed: boolean;
  private written: number;
  private pending: number;
  private reading: boolean;
  private data: Buffer;
  private errno: number;

  constructor(socket: net.Socket, dispatcher: Dispatcher) {
    this.socket = socket;
    this.dispatcher = dispatcher;
    this.events = null;
    this.closed = false;
    this.written = 0;
    this.pending = 0;
    this.reading = false;
    this.data = NOTHING;
    this.errno = 0;
    socket.on('error', (error) => this.failed(errnoOfError(error)));
    socket.on('end', () => this.dispatcher.runInTurn(deliverEnd, this));
    socket.on('close', () => {
      // Destroyed from below without an error event of its own.
      if (!this.closed) this.failed(ECONNABORTED);
    });
    socket.pause();
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
    if (this.closed || this.reading) return;
    this.reading = true;
    if (this.socket.listenerCount('data') === 0) this.socket.on('data', (data: Buffer) => this.onData(data));
    this.socket.resume();
  }

  readStop(): void {
    if (this.closed || !this.reading) return;
    this.reading = false;
    this.socket.pause();
  }

  get pendingBytes(): number {
    return this.pending;
  }

  writeBatch(items: readonly (string | Uint8Array)[]): number {
    if (this.closed || items.length === 0) return WRITE_DONE;
    const socket = this.socket;
    let total = 0;
    socket.cork();
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      total += item.length;
      // Node keeps what it cannot send; the caller may reuse its buffer.
      if (typeof item === 'string') socket.write(item, 'latin1');
      else socket.write(Buffer.from(item));
    }
    this.pending += total;
    this.written += total;
    const mark = this.written;
    // One callback a batch: what is queued before it has left when it is called.
    socket.write(NOTHING, (error) => this.progress(error, mark));
    socket.uncork();
    if (socket.writableLength === 0) this.pending = 0;
    return this.pending === 0 ? WRITE_DONE : WRITE_PENDING;
  }

  shutdown(): void {
    if (!this.closed) this.socket.end();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = null;
    this.socket.destroy();
  }

  reset(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = null;
    this.socket.resetAndDestroy();
  }

  setNoDelay(on: boolean): void {
    if (!this.closed) this.socket.setNoDelay(on);
  }

  setKeepAlive(idleSeconds: number): void {
    if (!this.closed) this.socket.setKeepAlive(idleSeconds > 0, idleSeconds * 1_000);
  }

  localAddress(): Address {
    return addressOf(this.socket.localAddress, this.socket.localPort);
  }

  remoteAddress(): Address {
    return addressOf(this.socket.remoteAddress, this.socket.remotePort);
  }

  connected(): void {
    this.dispatcher.runInTurn(deliverConnect, this);
  }

  private onData(data: Buffer): void {
    this.data = data;
    this.dispatcher.runInTurn(deliverData, this);
  }

  private progress(error: Error | null | undefined, mark: number): void {
    if (this.closed || (error !== null && error !== undefined)) return;
    const before = this.pending;
    this.pending = Math.min(before, this.written - mark);
    if (this.pending < before) this.dispatcher.runInTurn(deliverProgress, this);
  }

  /** Once: the socket's close event follows its error. */
  private failed(errno: number): void {
    if (this.errno !== 0) return;
    this.errno = errno;
    if (!this.closed) this.dispatcher.runInTurn(deliverError, this);
  }

  /** The receivers of a turn; events is null once closed. */
  take(kind: 0 | 1 | 2 | 3 | 4): void {
    const events = this.events;
    if (events === null) return;
    if (kind === 0) events.onTransportData(this.data);
    else if (kind === 1) events.onTransportEnd();
    else if (kind === 2) events.onTransportError(this.errno);
    else if (kind === 3) events.onTransportConnect();
    else events.onTransportProgress();
  }
}

const NOTHING = Buffer.alloc(0);
const ECONNABORTED = 103;

function deliverData(transport: NetTransport): void {
  transport.take(0);
}
function deliverEnd(transport: NetTransport): void {
  transport.take(1);
}
function deliverError(transport: NetTransport): void {
  transport.take(2);
}
function deliverConnect(transport: NetTransport): void {
  transport.take(3);
}
function deliverProgress(transport: NetTransport): void {
  transport.take(4);
}

function addressOf(ip: string | undefined, port: number | undefined): Address {
  if (ip === undefined) return UNNAMED_PIPE;
  return ip.startsWith('::ffff:') && ip.indexOf('.') > 0 ? ipAddress(ip.slice(7), port ?? 0) : ipAddress(ip, port ?? 0);
}
