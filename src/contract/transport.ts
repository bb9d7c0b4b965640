import type { Address } from './address.ts';
import type { SslConnectionInfo } from './network.ts';

/**
 * The seam between the engine and the platform's sockets. Everything above sees bytes in, batches out and the events below; two
 * implementations stand behind it (net.Socket, and the connection's libuv handle directly), under one test suite.
 *
 * All events of one transport come inside `dispatcher.runInTurn`, never during a call into the transport, and never after `close` or `reset`.
 */
export interface TransportEvents {
  /**
   * Once: a client's peer accepted; behind a transport socket with a handshake, on both sides, the handshake is over as well. A server's plain
   * socket never says it.
   */
  onTransportConnect(): void;
  /** Bytes from the peer; `data` is only valid during the call. */
  onTransportData(data: Buffer): void;
  /** The peer half-closed; no more data. */
  onTransportEnd(): void;
  /** The connection is dead; `errno` is a positive Linux number, or 0 when `failureReason` says all. The receiver MUST call `close`. */
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
  /** What TLS has agreed on, from the end of the handshake on; null without TLS. */
  readonly ssl: SslConnectionInfo | null;
  /** Why the transport socket failed, in Envoy's words (`TLS_error:|…`); empty when it did not, or for a plain socket. */
  readonly failureReason: string;
}
