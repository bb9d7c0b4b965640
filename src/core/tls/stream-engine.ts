import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import type { Address } from '../../contract/address.ts';
import type { Transport, TransportEvents } from '../../contract/transport.ts';
import { WRITE_DONE, WRITE_PENDING } from '../../contract/transport.ts';
import type { TlsEvents, TlsParameters, TlsState, TlsTransportEngine } from './tls-engine.ts';
import { chainOf, OpenSslState, sessionIdOf } from './tls-state.ts';

/** Clear bytes that TLSSocket keeps before it asks to wait. */
const HIGH_WATERMARK = 65_536;

/** tls.TLSSocket over any transport: on runtimes without Node's own handles, and over transports that are no sockets. */
export class StreamTlsEngine implements TlsTransportEngine {
  readonly ssl = null;
  readonly failureReason = '';
  readonly state: TlsState;
  private readonly raw: Transport;
  private readonly wire: Wire;
  private readonly socket: tls.TLSSocket;
  private readonly tlsEvents: TlsEvents;
  private events: TransportEvents | null;
  private established: boolean;
  private closed: boolean;
  private pending: number;

  constructor(raw: Transport, parameters: TlsParameters, events: TlsEvents) {
    this.raw = raw;
    this.tlsEvents = events;
    this.events = null;
    this.established = false;
    this.closed = false;
    this.pending = 0;
    this.wire = new Wire(raw, (errno) => this.events?.onTransportError(errno));
    this.socket = parameters.isServer ? new tls.TLSSocket(this.wire, serverOptions(parameters)) : tls.connect(clientOptions(parameters, this.wire));
    this.listen(parameters);
    const { socket } = this;
    this.state = new OpenSslState(askable(socket), {
      peerChain: () => chainOf(socket.getPeerX509Certificate(), (each) => each.raw, (each) => each.issuerCertificate),
      verifyError: () => verifyCode(socket),
      alpn: () => socket.alpnProtocol || '',
      serverName: () => socketServerName(socket),
      sessionId: () => sessionIdOf(socket.getSession()),
      export: (length, label, context) => socket.exportKeyingMaterial(length, label, context),
    });
  }

  setEvents(events: TransportEvents): void {
    this.events = events;
  }

  start(received: Buffer): void {
    if (received.length > 0) this.wire.push(Buffer.from(received));
    this.raw.readStart();
    this.socket.resume();
  }

  readStart(): void {
    if (!this.closed) this.socket.resume();
  }

  readStop(): void {
    if (!this.closed) this.socket.pause();
  }

  get pendingBytes(): number {
    return this.pending + this.raw.pendingBytes;
  }

  writeBatch(items: readonly (string | Uint8Array)[]): number {
    if (this.closed || items.length === 0) return WRITE_DONE;
    const batch = Buffer.concat(items.map((each) => (typeof each === 'string' ? Buffer.from(each, 'latin1') : each)));
    this.pending += batch.length;
    this.socket.write(batch, () => {
      this.pending -= batch.length;
      if (!this.closed) this.events?.onTransportProgress();
    });
    return WRITE_PENDING;
  }

  shutdown(): void {
    if (!this.closed) this.socket.end();
  }

  notifyClose(): void {
    if (!this.closed && this.established) this.socket.end();
  }

  close(): void {
    this.stop();
    this.raw.close();
  }

  reset(): void {
    this.stop();
    this.raw.reset();
  }

  setNoDelay(on: boolean): void {
    this.raw.setNoDelay(on);
  }

  setKeepAlive(idleSeconds: number): void {
    this.raw.setKeepAlive(idleSeconds);
  }

  localAddress(): Address {
    return this.raw.localAddress();
  }

  remoteAddress(): Address {
    return this.raw.remoteAddress();
  }

  private stop(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = null;
    this.wire.release();
    this.socket.destroy();
  }

  private listen(parameters: TlsParameters): void {
    const { socket } = this;
    socket.on('secure', () => {
      if (this.established || this.closed) return;
      this.established = true;
      this.tlsEvents.onTlsHandshake();
    });
    socket.on('data', (data: Buffer) => this.events?.onTransportData(data));
    socket.on('end', () => this.events?.onTransportEnd());
    socket.on('error', (error: Error & { code?: string; reason?: string }) => {
      if (!this.closed) this.tlsEvents.onTlsFailure({ code: error.code ?? '', reason: error.reason ?? '', message: error.message });
    });
    if (parameters.keepSessions) socket.on('session', (session: Buffer) => this.tlsEvents.onTlsSession(session));
    if (parameters.keyLog) socket.on('keylog', (line: Buffer) => this.tlsEvents.onTlsKeyLog(line));
  }
}

/** The transport as a stream: what TLSSocket writes goes out at once, what comes in is pushed. */
class Wire extends Duplex implements TransportEvents {
  private readonly raw: Transport;
  private readonly onDead: (errno: number) => void;
  private released: boolean;
  private drained: (() => void) | null;

  constructor(raw: Transport, onDead: (errno: number) => void) {
    super({ allowHalfOpen: true, writableHighWaterMark: HIGH_WATERMARK });
    this.raw = raw;
    this.onDead = onDead;
    this.released = false;
    this.drained = null;
    raw.setEvents(this);
  }

  release(): void {
    this.released = true;
    this.drained = null;
  }

  override _read(): void {
    if (!this.released) this.raw.readStart();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const result = this.released ? WRITE_DONE : this.raw.writeBatch([chunk]);
    if (result === WRITE_PENDING) this.drained = done;
    else done(result < 0 ? new Error(`write failed: ${-result}`) : null);
  }

  override _final(done: () => void): void {
    if (!this.released) this.raw.shutdown();
    done();
  }

  onTransportConnect(): void {}

  onTransportData(data: Buffer): void {
    if (!this.push(Buffer.from(data))) this.raw.readStop();
  }

  onTransportEnd(): void {
    this.push(null);
  }

  onTransportError(errno: number): void {
    if (!this.released) this.onDead(errno);
  }

  onTransportProgress(): void {
    const { drained } = this;
    if (drained === null || this.raw.pendingBytes > 0) return;
    this.drained = null;
    drained();
  }
}

function serverOptions(parameters: TlsParameters): tls.TLSSocketOptions {
  const { context, requestCertificate, alpn, ocspResponse } = parameters;
  return {
    isServer: true,
    secureContext: context,
    requestCert: requestCertificate,
    rejectUnauthorized: false,
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
    ...(ocspResponse === null ? {} : { server: ocspServer(ocspResponse) }),
  };
}

function clientOptions(parameters: TlsParameters, wire: Duplex): tls.ConnectionOptions {
  const { context, alpn, serverName, session } = parameters;
  return {
    socket: wire,
    secureContext: context,
    rejectUnauthorized: false,
    // The judge above compares names.
    checkServerIdentity: () => undefined,
    ...(serverName === '' ? {} : { servername: serverName }),
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
    ...(session === null ? {} : { session }),
  };
}

/** TLSSocket asks "its server" for the OCSP answer. */
function ocspServer(response: Buffer): tls.Server {
  const server = new EventEmitter();
  server.on('OCSPRequest', (_certificate, _issuer, done: (error: null, response: Buffer) => void) => done(null, response));
  return server as tls.Server;
}

interface Internals {
  readonly ssl?: { verifyError(): { readonly code?: string } | null; getServername(): string | false } | null;
}

/** What TLSSocket has no public question for (a bare socket's verdict, the name that a client asked for). */
function internalsOf(socket: tls.TLSSocket): Internals {
  return socket as unknown as Internals;
}

function verifyCode(socket: tls.TLSSocket): string {
  return internalsOf(socket).ssl?.verifyError()?.code ?? '';
}

function socketServerName(socket: tls.TLSSocket): string {
  return internalsOf(socket).ssl?.getServername() || '';
}

function askable(socket: tls.TLSSocket): ConstructorParameters<typeof OpenSslState>[0] {
  return {
    getProtocol: () => socket.getProtocol(),
    getCipher: () => socket.getCipher(),
    getEphemeralKeyInfo: () => socket.getEphemeralKeyInfo(),
    getSharedSigalgs: () => socket.getSharedSigalgs(),
    isSessionReused: () => socket.isSessionReused(),
  };
}
