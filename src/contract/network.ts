import type { Address } from './address.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Counter, Gauge } from './stats.ts';
import type { NetworkFilterStatus } from './status.ts';
import type { StreamInfo } from './stream-info.ts';

/** How to close. */
/** Write what is buffered, then close. */
export const CLOSE_FLUSH_WRITE = 0;
/**
 * Write what is buffered, then wait for the peer's close or for `delayed_close_timeout` before closing (avoids RST losing data). No FIN
 * is sent before, as in Envoy: a client that waits for the end of the connection waits as long.
 */
export const CLOSE_FLUSH_WRITE_AND_DELAY = 1;
/** Close now, drop what is buffered. */
export const CLOSE_NO_FLUSH = 2;
/** Close now with RST. */
export const CLOSE_ABORT_RESET = 3;
export type CloseType = 0 | 1 | 2 | 3;

/** Connection events. */
export const EVENT_CONNECTED = 0;
/** The peer closed or reset, or the network failed. */
export const EVENT_REMOTE_CLOSE = 1;
/** This side closed. */
export const EVENT_LOCAL_CLOSE = 2;
export type ConnectionEvent = 0 | 1 | 2;

export const STATE_OPEN = 0;
/** Flushing before close; nothing is read any more. */
export const STATE_CLOSING = 1;
export const STATE_CLOSED = 2;
export type ConnectionState = 0 | 1 | 2;

export interface ConnectionCallbacks {
  /** Called once for CONNECTED (clients) and once for the close. After a close event nothing else is called. */
  onEvent(event: ConnectionEvent): void;
  /** Unsent bytes rose over the buffer limit: stop producing. */
  onAboveWriteBufferHighWatermark(): void;
  /** Unsent bytes fell under half the limit: go on. */
  onBelowWriteBufferLowWatermark(): void;
}

/**
 * A byte stream with a peer: transport socket, read and write filters, buffering, watermarks. Lives on one dispatcher.
 */
export interface Connection {
  readonly id: number;
  readonly dispatcher: Dispatcher;
  /** Of the connection: addresses, start time, TLS; requests copy from it. */
  readonly streamInfo: StreamInfo;
  readonly state: ConnectionState;
  readonly remoteAddress: Address;
  readonly localAddress: Address;
  /** Why it closed, for `%CONNECTION_TERMINATION_DETAILS%` and logs; empty while open. */
  readonly localCloseReason: string;
  /** Whether the peer ended the connection with RST (tcp_proxy passes that on). */
  readonly remoteReset: boolean;
  /** Error text of a failed connect or handshake, else empty: `delayed connect error: Connection refused`. */
  readonly transportFailureReason: string;
  /** Bytes accepted by `write` and not yet taken by the kernel. */
  readonly pendingWriteBytes: number;

  /**
   * Queues bytes; they leave at the end of the turn. A string holds one byte a character (Latin-1). The connection does not change a
   * buffer, and copies what it must keep after the turn: the caller may reuse a buffer once the turn has ended, but MUST NOT
   * change it before. `endStream` half-closes after the bytes. No-op when closing or closed.
   */
  write(data: Uint8Array | string, endStream: boolean): void;
  /**
   * Whether output of less than 8 KiB a turn waits until the loop has handled everything that is ready. Whoever turns this on MUST write only
   * memory that nobody changes later, but for pieces of 8 KiB and more, which leave with their turn.
   */
  gatherOutput(on: boolean): void;
  /** Puts queued output to the kernel now instead of at the end of the turn. */
  flush(): void;
  close(type: CloseType, reason: string): void;
  /**
   * Pauses or resumes reading; calls nest (two disables need two enables). While paused no onData comes, the kernel's window fills and
   * the peer slows down. A peer's close is noticed only when reading goes on (or a write fails): the platform tells it with reads alone.
   * Whoever pauses MUST have a timer or a write that ends the wait.
   */
  readDisable(disable: boolean): void;
  readonly readEnabled: boolean;
  addConnectionCallbacks(callbacks: ConnectionCallbacks): void;
  removeConnectionCallbacks(callbacks: ConnectionCallbacks): void;
  /** Limit in bytes on unsent output (and on what filters buffer); 0 = none. */
  setBufferLimit(bytes: number): void;
  readonly bufferLimit: number;
  /** Whether the peer's half close is passed on as `onData(…, true)` (tcp_proxy) instead of closing (HTTP). */
  enableHalfClose(enabled: boolean): void;
  /** Milliseconds that FLUSH_WRITE_AND_DELAY waits. */
  setDelayedCloseTimeout(ms: number): void;
  setNoDelay(on: boolean): void;
  /** Network filters, in order of the chain. Read filters run first to last, write filters last to first. */
  addReadFilter(filter: ReadFilter): void;
  addWriteFilter(filter: WriteFilter): void;
  /** Name and verdicts of TLS, or null on a plain connection. */
  readonly ssl: SslConnectionInfo | null;
  /** Statistics that the connection keeps for its owner (connection manager, tcp_proxy, cluster); null = none. */
  setConnectionStats(stats: ConnectionStats | null): void;
}

/** Bytes of a connection as its owner counts them. */
export interface ConnectionStats {
  readonly readTotal: Counter;
  /** Always 0 here: a connection keeps nothing that it has read. Present because Envoy has the gauge. */
  readonly readCurrent: Gauge;
  readonly writeTotal: Counter;
  /** Unsent bytes. */
  readonly writeCurrent: Gauge;
  readonly bindErrors: Counter | null;
  readonly delayedCloseTimeouts: Counter | null;
}

/** A certificate as logs, headers and matchers see it. Names and values are byte strings; all are computed when first read. */
export interface CertificateInfo {
  readonly der: Buffer;
  /** As RFC 2253 writes names: `CN=a,O=b`; bytes outside ASCII as `\\C3\\A9`. */
  readonly subject: string;
  readonly issuer: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** Milliseconds since the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
  /** Digests of the DER, lower-case hex. */
  readonly sha256: string;
  readonly sha1: string;
  readonly pem: string;
  /** The PEM with `%0A` and so on, as `x-forwarded-client-cert` has it. */
  readonly urlEncodedPem: string;
  /** Subject alternative names, in order. */
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  readonly ipSans: readonly string[];
  readonly emailSans: readonly string[];
  readonly otherNameSans: readonly string[];
}

/** What is known of a TLS connection; filled in by the TLS transport socket. Empty until the handshake is over. */
export interface SslConnectionInfo {
  readonly peerPresented: boolean;
  readonly peerValidated: boolean;
  readonly requestedServerName: string;
  readonly alpn: string;
  /** `TLSv1.3` */
  readonly tlsVersion: string;
  /** `TLS_AES_128_GCM_SHA256`, `ECDHE-RSA-AES128-GCM-SHA256` */
  readonly cipherName: string;
  /** IANA's number, 0xffff = unknown. */
  readonly cipherId: number;
  /** Group of the key exchange: `X25519MLKEM768`; empty where the platform does not tell (servers). */
  readonly group: string;
  /** Lower-case hex; empty where there is none (TLS 1.3, tickets at a server). */
  readonly sessionId: string;
  /** What the peer sent, its own first. After the connection's close only when `sslRetention` asks for it. */
  readonly peerChain: readonly CertificateInfo[];
  readonly localCertificate: CertificateInfo | null;
  /** Monotonic milliseconds, NaN = not yet: the socket was connected; keys were agreed on and the peer accepted. */
  readonly handshakeStart: number;
  readonly handshakeComplete: number;
}

export interface ReadFilterCallbacks {
  readonly connection: Connection;
  /** Goes on with the filters after this one, for a filter that stopped in onNewConnection or onData. */
  continueReading(): void;
  /** Hands bytes to the filters after this one. */
  injectReadDataToFilterChain(data: Uint8Array, endStream: boolean): void;
}

/** Reads what the peer sends. */
export interface ReadFilter {
  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void;
  /** Called once before the first byte. STOP holds the filters after this one until `continueReading`. */
  onNewConnection(): NetworkFilterStatus;
  /**
   * Bytes from the peer. `data` is only valid during the call: whoever keeps bytes copies them. With STOP_ITERATION the bytes are this
   * filter's own affair (it has consumed or copied them). `endStream` comes once, with half close enabled.
   */
  onData(data: Buffer, endStream: boolean): NetworkFilterStatus;
}

/** Sees and may hold what is written to the peer. */
export interface WriteFilter {
  onWrite(data: Uint8Array | string, endStream: boolean): NetworkFilterStatus;
}

/** Called for every accepted connection: adds the filters of the chain. Returns false when the chain is empty (the connection is closed). */
export type NetworkFilterChainFactory = (connection: Connection) => boolean;
/** One filter of the chain. */
export type NetworkFilterFactoryCb = (connection: Connection) => void;

/** Watches for drain: `Connection: close`, GOAWAY. */
export interface DrainDecision {
  /** Whether a connection should be closed at its next chance; draws at random during a gradual drain. */
  drainClose(): boolean;
  /** True from the beginning of a drain on: nothing is ever going to undo it. */
  readonly draining: boolean;
  /**
   * True when the process is about to end: a connection without a request SHOULD close after a short quiet time (a request may be on its way),
   * others after the requests that they have.
   */
  readonly closeIdle: boolean;
  /** The listener hears of every drain that begins; connections add themselves while they live. Harmless when added already. */
  addDrainListener(listener: DrainListener): void;
  removeDrainListener(listener: DrainListener): void;
}

export interface DrainListener {
  /** A drain of this kind of listener has begun, or the process is about to end; MUST NOT throw. */
  onDrainStart(): void;
}
