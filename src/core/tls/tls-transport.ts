import type { Address } from '../../contract/address.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { Transport, TransportEvents } from '../../contract/transport.ts';
import { WRITE_DONE, WRITE_PENDING } from '../../contract/transport.ts';
import { TlsConnectionInfo } from './connection-info.ts';
import type { TlsEngineFactory, TlsEvents, TlsFailure, TlsParameters, TlsTransportEngine } from './tls-engine.ts';

/** What judges the handshakes of one configuration and counts them. */
export interface TlsJudge {
  /** The handshake is over, `info` knows its outcome: why the peer is refused, in Envoy's words, or empty. Counts what `ssl.*` counts. */
  onHandshake(info: TlsConnectionInfo): string;
  /** The handshake failed, or the connection later: the failure reason in Envoy's words. */
  onFailure(failure: TlsFailure, established: boolean): string;
  /** The peer went away during the handshake: the failure reason, mostly empty. */
  onPeerGone(): string;
  onSession(session: Buffer): void;
  onKeyLog(line: Buffer, local: Address, remote: Address): void;
}

type Item = string | Uint8Array;
const NOTHING = Buffer.alloc(0);

/**
 * TLS between a socket and its connection, both roles. Until the handshake is over and judged, output waits here and nothing is passed up; from then on
 * it only watches over pauses: decrypted bytes may come after the socket has stopped reading, since a record is decrypted whole.
 */
export abstract class TlsTransport implements Transport, TransportEvents, TlsEvents {
  /** There from the beginning: that a connection is encrypted is known before what it agrees on. */
  readonly ssl: TlsConnectionInfo;
  failureReason: string;
  protected readonly raw: Transport;
  protected readonly dispatcher: Dispatcher;
  private readonly judge: TlsJudge;
  private engine: TlsTransportEngine | null;
  private events: TransportEvents | null;
  private established: boolean;
  private closed: boolean;
  private reading: boolean;
  private shutdownAsked: boolean;
  private waiting: Item[];
  private waitingBytes: number;
  /** Decrypted while reading was off. */
  private held: Buffer[];
  private endHeld: boolean;

  constructor(raw: Transport, dispatcher: Dispatcher, judge: TlsJudge) {
    this.ssl = new TlsConnectionInfo();
    this.failureReason = '';
    this.raw = raw;
    this.dispatcher = dispatcher;
    this.judge = judge;
    this.engine = null;
    this.events = null;
    this.established = false;
    this.closed = false;
    this.reading = false;
    this.shutdownAsked = false;
    this.waiting = [];
    this.waitingBytes = 0;
    this.held = [];
    this.endHeld = false;
  }

  /** Called when the connection above listens: the handshake may begin. */
  protected abstract begin(): void;
  abstract onTransportConnect(): void;
  /** Bytes before the engine exists. */
  protected abstract onRawData(data: Buffer): void;

  setEvents(events: TransportEvents): void {
    this.events = events;
    if (this.engine === null) this.begin();
  }

  readStart(): void {
    if (this.reading || this.closed) return;
    this.reading = true;
    if (!this.established) return;
    if (this.held.length > 0 || this.endHeld) this.dispatcher.post(() => this.deliverHeld());
    else this.engine?.readStart();
  }

  readStop(): void {
    if (!this.reading || this.closed) return;
    this.reading = false;
    if (this.established) this.engine?.readStop();
  }

  get pendingBytes(): number {
    return this.waitingBytes + (this.engine?.pendingBytes ?? 0);
  }

  writeBatch(items: readonly Item[]): number {
    if (this.established && this.engine !== null) return this.engine.writeBatch(items);
    if (this.closed || items.length === 0) return WRITE_DONE;
    for (const item of items) {
      this.waiting.push(typeof item === 'string' ? item : Buffer.from(item));
      this.waitingBytes += item.length;
    }
    return WRITE_PENDING;
  }

  shutdown(): void {
    this.shutdownAsked = true;
    if (this.established) this.engine?.shutdown();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = null;
    this.held.length = 0;
    this.ssl.keep();
    if (this.established) this.engine?.notifyClose();
    this.bottom.close();
  }

  reset(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = null;
    this.held.length = 0;
    this.ssl.keep();
    this.bottom.reset();
  }

  setNoDelay(on: boolean): void {
    this.bottom.setNoDelay(on);
  }

  setKeepAlive(idleSeconds: number): void {
    this.bottom.setKeepAlive(idleSeconds);
  }

  localAddress(): Address {
    return this.bottom.localAddress();
  }

  remoteAddress(): Address {
    return this.bottom.remoteAddress();
  }

  onTransportData(data: Buffer): void {
    if (this.engine === null) this.onRawData(data);
    else if (this.reading && this.established && this.held.length === 0) this.events?.onTransportData(data);
    else this.held.push(Buffer.from(data));
  }

  onTransportEnd(): void {
    if (!this.established) this.fail(this.judge.onPeerGone());
    else if (this.held.length > 0) this.endHeld = true;
    else this.events?.onTransportEnd();
  }

  onTransportError(errno: number): void {
    if (!this.established && this.engine !== null) this.fail(this.judge.onPeerGone(), errno);
    else this.events?.onTransportError(errno);
  }

  onTransportProgress(): void {
    if (this.established) this.events?.onTransportProgress();
  }

  onTlsHandshake(): void {
    const { engine } = this;
    if (engine === null || this.closed) return;
    this.ssl.state = engine.state;
    const refusal = this.judge.onHandshake(this.ssl);
    if (refusal !== '') {
      this.fail(refusal);
      return;
    }
    this.established = true;
    this.ssl.handshakeComplete = this.dispatcher.now();
    if (!this.reading) engine.readStop();
    this.events?.onTransportConnect();
    if (!this.closed) this.flushWaiting(engine);
  }

  onTlsFailure(failure: TlsFailure): void {
    if (!this.closed) this.fail(this.judge.onFailure(failure, this.established));
  }

  onTlsSession(session: Buffer): void {
    this.judge.onSession(session);
  }

  onTlsKeyLog(line: Buffer): void {
    this.judge.onKeyLog(line, this.localAddress(), this.remoteAddress());
  }

  /** Puts TLS over the socket; `received` are bytes of the peer that were read before. */
  protected secure(factory: TlsEngineFactory, parameters: TlsParameters, received: Buffer): void {
    this.ssl.localCertificate = parameters.ownCertificate;
    const engine = factory(this.raw, parameters, this);
    this.engine = engine;
    engine.setEvents(this);
    engine.start(received);
  }

  protected fail(reason: string, errno = 0): void {
    this.failureReason = reason;
    this.events?.onTransportError(errno);
  }

  protected get isClosed(): boolean {
    return this.closed;
  }

  private get bottom(): Transport {
    return this.engine ?? this.raw;
  }

  private flushWaiting(engine: TlsTransportEngine): void {
    const items = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    const result = engine.writeBatch(items);
    if (result < 0) {
      this.events?.onTransportError(-result);
      return;
    }
    if (this.shutdownAsked) engine.shutdown();
    if (items.length > 0 && result === WRITE_DONE) this.events?.onTransportProgress();
  }

  private deliverHeld(): void {
    while (this.reading && this.held.length > 0) this.events?.onTransportData(this.held.shift() ?? NOTHING);
    if (!this.reading || this.closed) return;
    if (this.endHeld) {
      this.endHeld = false;
      this.events?.onTransportEnd();
    } else this.engine?.readStart();
  }
}
