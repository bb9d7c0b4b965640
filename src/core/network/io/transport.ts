import type { Address } from '../../../contract/address.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';

/**
 * The seam between the engine and the platform's sockets. Everything above sees bytes in, batches out and the events below; two
 * implementations stand behind it (net.Socket, and the connection's libuv handle directly), under one test suite.
 *
 * All events of one transport come inside `dispatcher.runInTurn`, never during a call into the transport, and never after `close` or `reset`.
 */
export interface TransportEvents {
  /** Clients only, once: the peer accepted. */
  onTransportConnect(): void;
  /** Bytes from the peer; `data` is only valid during the call. */
  onTransportData(data: Buffer): void;
  /** The peer half-closed; no more data. */
  onTransportEnd(): void;
  /** The connection is dead; `errno` is a positive Linux number. The receiver MUST call `close`. */
  onTransportError(errno: number): void;
  /** `pendingBytes` fell. */
  onTransportProgress(): void;
}

/** Result of `writeBatch`: a negative errno, or one of these. */
export const WRITE_DONE = 0;
/** Some bytes wait for the kernel; `onTransportProgress` follows. */
export const WRITE_PENDING = 1;

export interface Transport {
  setEvents(events: TransportEvents): void;
  readStart(): void;
  readStop(): void;
  /**
   * Writes `items` (Latin-1 strings and bytes) in order, in as few system calls as it can. Takes everything: what the kernel does not
   * take now is kept (copied where it is not the transport's own) and sent later. `items` may be reused by the caller afterwards.
   * Returns WRITE_DONE, WRITE_PENDING or a negative errno, after which the connection is dead.
   */
  writeBatch(items: readonly (string | Uint8Array)[]): number;
  /** Bytes taken by writeBatch that the kernel has not. */
  readonly pendingBytes: number;
  /** Half-closes after everything written before. */
  shutdown(): void;
  /** Closes at once; what is pending is dropped. Idempotent. */
  close(): void;
  /** Closes at once with RST where the platform can. Idempotent. */
  reset(): void;
  setNoDelay(on: boolean): void;
  /** Seconds of idleness before the first probe; 0 = off. */
  setKeepAlive(idleSeconds: number): void;
  localAddress(): Address;
  remoteAddress(): Address;
}

/** Accepts connections on one address. */
export interface Acceptor {
  /** As bound: the real port where 0 was asked for. */
  readonly address: Address;
  /** Stops accepting and frees the address; open connections live on. */
  close(): void;
}

export interface AcceptOptions {
  readonly address: Address;
  readonly backlog: number;
  readonly reusePort: boolean;
  /** IPv6 socket that takes IPv4 peers too. */
  readonly ipv4Compat: boolean;
  /** File mode of a unix socket; 0 = as the umask says. */
  readonly pipeMode: number;
  readonly dispatcher: Dispatcher;
  /** Called in a turn for every connection. Reading is off until `readStart`. */
  readonly onAccept: (transport: Transport) => void;
  /** `accept` failed (no descriptors, …); the listener lives on. */
  readonly onAcceptError: (errno: number) => void;
}

export interface ConnectOptions {
  readonly address: Address;
  /** Source address to bind, or null. */
  readonly source: Address | null;
  readonly dispatcher: Dispatcher;
}

/** A client transport on its way, or why there is none: a positive errno and what failed. */
export type ConnectResult =
  | { readonly transport: Transport }
  | { readonly transport: null; readonly errno: number; readonly step: 'socket' | 'bind' | 'connect' };

/** One implementation of the seam. */
export interface IoBackend {
  readonly name: 'handle' | 'net';
  /** Begins listening; gives a positive errno when the platform refuses. */
  listen(options: AcceptOptions): Promise<Acceptor | number>;
  /** Begins connecting; the outcome is onTransportConnect or onTransportError, never during this call. */
  connect(options: ConnectOptions): ConnectResult;
}
