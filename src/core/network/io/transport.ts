import type { Address } from '../../../contract/address.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import type { Transport } from '../../../contract/transport.ts';

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

/** One implementation of the seam of contract/transport.ts. */
export interface IoBackend {
  readonly name: 'handle' | 'net';
  /** Begins listening; gives a positive errno when the platform refuses. */
  listen(options: AcceptOptions): Promise<Acceptor | number>;
  /** Begins connecting; the outcome is onTransportConnect or onTransportError, never during this call. */
  connect(options: ConnectOptions): ConnectResult;
}
