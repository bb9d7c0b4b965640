import { unlinkSync } from 'node:fs';
import type { Timer } from '../../base/timer-wheel.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { Address } from '../../contract/address.ts';
import { LOG_DEBUG, LOG_WARNING } from '../../contract/logger.ts';
import type { ConnectionCallbacks, ConnectionEvent, CloseType } from '../../contract/network.ts';
import { CLOSE_NO_FLUSH, EVENT_CONNECTED, STATE_CLOSED, STATE_OPEN } from '../../contract/network.ts';
import { FLAG_NO_ROUTE_FOUND } from '../../contract/response-flags.ts';
import type { SharedCell } from '../../contract/shared-cells.ts';
import { PROTOCOL_NONE, StreamInfo } from '../../contract/stream-info.ts';
import { ioBackend } from './io/backend.ts';
import { errnoText, EACCES, EADDRINUSE, EADDRNOTAVAIL } from './io/errno.ts';
import type { Transport } from '../../contract/transport.ts';
import type { Acceptor } from './io/transport.ts';
import type { SocketOwner } from './active-socket.ts';
import { ActiveSocket } from './active-socket.ts';
import { NetworkConnection } from './connection.ts';
import { NO_BYTES } from './read-filter-chain.ts';
import type { ActiveFilterChain, ListenAddress, ListenerConfig } from './listener-config.ts';
import { ListenerStats } from './listener-stats.ts';

/** Runtime key of the limit on all downstream connections of the process. */
const GLOBAL_LIMIT_KEY = 'overload.global_downstream_max_connections';
/** getInteger's "no limit". */
const UNLIMITED = Number.MAX_SAFE_INTEGER;
/** What an unencrypted connection counts as, and one that no listener filter has looked at. */
const RAW_BUFFER = 'raw_buffer';
const NO_PROTOCOLS: readonly string[] = [];

/** A listener at work on one thread: accepts, picks the chain, owns the connections. */
export class ActiveListener implements SocketOwner {
  readonly config: ListenerConfig;
  readonly stats: ListenerStats;
  readonly dispatcher: Dispatcher;
  private readonly acceptors: Acceptor[];
  private readonly live: Set<ServerConnection>;
  /** Under their listener filters. */
  private readonly inspected: Set<ActiveSocket>;
  /** Open connections of this listener, and of all listeners, over all threads. */
  private readonly ownCount: SharedCell;
  private readonly globalCount: SharedCell;
  private readonly limitKey: string;
  private stopped: boolean;

  constructor(config: ListenerConfig) {
    const { context } = config;
    this.config = config;
    this.dispatcher = context.dispatcher;
    this.stats = new ListenerStats(context.listenerScope, context.dispatcher.name);
    this.acceptors = [];
    this.live = new Set();
    this.inspected = new Set();
    this.ownCount = context.sharedCells.cell(`listener.${config.name}.connections`);
    this.globalCount = context.sharedCells.cell('listeners.connections');
    this.limitKey = `envoy.resource_limits.listener.${config.name}.connection_limit`;
    this.stopped = false;
  }

  /** Opens the sockets. Rejects with a ConfigError when an address cannot be had; then nothing stays open. */
  async start(): Promise<void> {
    if (!this.config.bindToPort) return;
    for (const [i, each] of this.config.addresses.entries()) {
      const result = await this.listen(each);
      if (typeof result !== 'number') {
        this.acceptors.push(result);
        if (this.stopped) result.close();
        continue;
      }
      this.stopListening();
      throw bindError(each.address, result, i);
    }
  }

  /** Addresses as bound (real ports where 0 was asked for). */
  get localAddresses(): readonly Address[] {
    return this.acceptors.map((each) => each.address);
  }

  get connectionCount(): number {
    return this.live.size + this.inspected.size;
  }

  /** Accepts no more; live connections go on. */
  stopListening(): void {
    this.stopped = true;
    for (const acceptor of this.acceptors) acceptor.close();
    this.acceptors.length = 0;
  }

  /** Closes what lives: at the end of a drain. */
  closeConnections(type: CloseType, reason: string): void {
    for (const each of [...this.inspected]) each.abandon();
    for (const each of [...this.live]) each.connection.close(type, reason);
  }

  /** Called by each connection as it closes. */
  removed(connection: ServerConnection): void {
    if (this.live.delete(connection)) this.release();
  }

  private listen(address: ListenAddress): Promise<Acceptor | number> {
    removeStaleSocket(address.address);
    return ioBackend().listen({
      address: address.address,
      backlog: this.config.backlog,
      reusePort: this.config.reusePort && address.address.kind === 'ip',
      ipv4Compat: address.ipv4Compat,
      pipeMode: address.pipeMode,
      dispatcher: this.dispatcher,
      onAccept: (transport) => this.onAccept(transport, address),
      onAcceptError: (errno) => this.onAcceptError(errno),
    });
  }

  private onAcceptError(errno: number): void {
    this.config.context.loggers.get('connection').log(LOG_WARNING, `listener accept failure: ${errnoText(errno)}`);
  }

  private onAccept(transport: Transport, from: ListenAddress): void {
    this.stats.connectionsAcceptedPerSocketEvent.record(1);
    const runtime = this.config.context.runtime.snapshot();
    if (!this.config.ignoreGlobalConnLimit && this.globalCount.load() >= runtime.getInteger(GLOBAL_LIMIT_KEY, UNLIMITED)) {
      this.stats.downstreamGlobalCxOverflow.inc();
      transport.close();
      return;
    }
    if (this.ownCount.load() >= runtime.getInteger(this.limitKey, UNLIMITED)) {
      this.stats.downstreamCxOverflow.inc();
      transport.close();
      return;
    }
    const bound = from.address;
    const local = bound.kind === 'ip' ? (isWildcard(bound) ? transport.localAddress() : this.boundAddress(from)) : bound;
    // The client's end of a unix socket has no name; Envoy gives it ours.
    const remote = bound.kind === 'ip' ? transport.remoteAddress() : bound;
    if (from.tuning.keepAliveSeconds > 0) transport.setKeepAlive(from.tuning.keepAliveSeconds);
    const streamInfo = new StreamInfo(PROTOCOL_NONE, this.dispatcher.clock.wall(), this.dispatcher.now(), remote, local);
    streamInfo.listenerName = this.config.name;
    this.ownCount.hold(1);
    this.globalCount.hold(1);
    const { listenerFilters } = this.config;
    if (listenerFilters === null) {
      this.connect(transport, streamInfo, RAW_BUFFER, NO_PROTOCOLS, NO_BYTES);
      return;
    }
    const socket = new ActiveSocket(this, transport, streamInfo, listenerFilters);
    this.inspected.add(socket);
    socket.start(listenerFilters.timeout);
  }

  private boundAddress(from: ListenAddress): Address {
    if (from.address.port !== 0) return from.address;
    return this.acceptors[this.config.addresses.indexOf(from)]?.address ?? from.address;
  }

  socketReady(socket: ActiveSocket, peeked: Buffer): void {
    this.inspected.delete(socket);
    this.connect(socket.transport, socket.streamInfo, socket.transportProtocol || RAW_BUFFER, socket.applicationProtocols, peeked);
  }

  socketGone(socket: ActiveSocket): void {
    this.inspected.delete(socket);
    this.release();
    this.logAccess(socket.streamInfo);
  }

  /** From an accepted socket, which is counted, to a connection with its filters. */
  private connect(transport: Transport, streamInfo: StreamInfo, transportProtocol: string, applicationProtocols: readonly string[], peeked: Buffer): void {
    const chain = this.config.matcher.single ?? this.findChain(streamInfo, transportProtocol, applicationProtocols);
    if (chain === null) {
      this.release();
      this.rejectWithoutChain(transport, streamInfo);
      return;
    }
    const { dispatcher } = this;
    streamInfo.filterChainName = chain.name;
    transport.setNoDelay(true);
    const socket = chain.transportSocket;
    const wrapped = socket === null ? transport : socket.wrap(transport, { dispatcher, streamInfo, peeked });
    if (wrapped === null) {
      this.release();
      transport.close();
      return;
    }
    const { downstreamRemoteAddress: remoteAddress, downstreamLocalAddress: localAddress } = streamInfo;
    const connection = new NetworkConnection({ dispatcher, transport: wrapped, remoteAddress, localAddress, connecting: false, streamInfo });
    if (socket === null && peeked.length > 0) connection.setUnread(peeked);
    connection.setBufferLimit(this.config.bufferLimit);
    const active = new ServerConnection(this, connection);
    this.live.add(active);
    connection.addConnectionCallbacks(active);
    this.stats.downstreamCxTotal.inc();
    this.stats.downstreamCxActive.inc();
    this.stats.workerCxTotal.inc();
    this.stats.workerCxActive.inc();
    if (chain.connectTimeout > 0 && socket?.secure === true) active.limitHandshake(chain.connectTimeout);
    this.openFilters(connection, chain);
  }

  private findChain(streamInfo: StreamInfo, transportProtocol: string, applicationProtocols: readonly string[]): ActiveFilterChain | null {
    return this.config.matcher.find({
      localAddress: streamInfo.downstreamLocalAddress,
      remoteAddress: streamInfo.downstreamRemoteAddress,
      directRemoteAddress: streamInfo.downstreamDirectRemoteAddress,
      serverName: streamInfo.requestedServerName,
      transportProtocol,
      applicationProtocols,
    });
  }

  private release(): void {
    this.ownCount.hold(-1);
    this.globalCount.hold(-1);
  }

  private openFilters(connection: NetworkConnection, chain: ActiveFilterChain): void {
    if (chain.filters.length === 0) {
      this.config.context.loggers.get('connection').log(LOG_DEBUG, `[C${connection.id}] closing connection: no filters`);
      connection.close(CLOSE_NO_FLUSH, 'no_filters');
      return;
    }
    for (let i = 0; i < chain.filters.length && connection.state === STATE_OPEN; i++) chain.filters[i](connection);
    if (connection.state !== STATE_CLOSED) connection.start();
  }

  private rejectWithoutChain(transport: Transport, streamInfo: StreamInfo): void {
    this.stats.noFilterChainMatch.inc();
    streamInfo.setResponseFlag(FLAG_NO_ROUTE_FOUND);
    streamInfo.responseCodeDetails = 'filter_chain_not_found';
    this.logAccess(streamInfo);
    transport.close();
  }

  logAccess(streamInfo: StreamInfo): void {
    const logs = this.config.accessLogs;
    if (logs.length === 0) return;
    const now = this.dispatcher.now();
    streamInfo.requestComplete = now;
    const context = {
      requestHeaders: null,
      responseHeaders: null,
      responseTrailers: null,
      streamInfo,
      localReplyBody: '',
      type: 'NotSet' as const,
      now,
    };
    for (const log of logs) log.log(context);
  }
}

/** Bookkeeping of one accepted connection. */
class ServerConnection implements ConnectionCallbacks {
  readonly connection: NetworkConnection;
  private readonly listener: ActiveListener;

  private handshakeTimer: Timer | null;

  constructor(listener: ActiveListener, connection: NetworkConnection) {
    this.listener = listener;
    this.connection = connection;
    this.handshakeTimer = null;
  }

  /** The transport socket must be connected within so many milliseconds. */
  limitHandshake(timeout: number): void {
    this.handshakeTimer = this.connection.dispatcher.createTimer(() => this.onHandshakeTimeout());
    this.handshakeTimer.enable(timeout);
  }

  private onHandshakeTimeout(): void {
    const { connection } = this;
    this.listener.stats.downstreamCxTransportSocketConnectTimeout.inc();
    connection.streamInfo.connectionTerminationDetails = 'transport socket timeout was reached';
    connection.close(CLOSE_NO_FLUSH, 'transport_socket_timeout');
  }

  onEvent(event: ConnectionEvent): void {
    this.handshakeTimer?.disable();
    this.handshakeTimer = null;
    if (event === EVENT_CONNECTED) return;
    const { stats } = this.listener;
    const { streamInfo } = this.connection;
    const { transportFailureReason } = this.connection;
    if (transportFailureReason !== '') streamInfo.downstreamTransportFailureReason = transportFailureReason;
    this.listener.logAccess(streamInfo);
    stats.downstreamCxActive.dec();
    stats.downstreamCxDestroy.inc();
    stats.workerCxActive.dec();
    stats.downstreamCxLengthMs.record(Math.round(this.connection.dispatcher.now() - streamInfo.startTime));
    this.listener.removed(this);
  }

  onAboveWriteBufferHighWatermark(): void {}

  onBelowWriteBufferLowWatermark(): void {}
}

function isWildcard(address: Address): boolean {
  return address.ip === '0.0.0.0' || address.ip === '::';
}

/** A socket file that a dead process left; as Envoy, without looking who made it. */
function removeStaleSocket(address: Address): void {
  if (address.kind !== 'pipe' || address.ip.startsWith('@')) return;
  try {
    unlinkSync(address.ip);
  } catch {
    // It was not there, or bind will say what is wrong.
  }
}

function bindError(address: Address, errno: number, index: number): ConfigError {
  return new ConfigError(`cannot bind '${address.text}': ${errnoText(errno)}`, {
    path: index === 0 ? 'address' : `additional_addresses[${index - 1}].address`,
    hint: BIND_HINTS.get(errno) ?? '',
  });
}

const BIND_HINTS: ReadonlyMap<number, string> = new Map([
  [EADDRINUSE, 'another process listens there: stop it or choose another port_value'],
  [EACCES, 'ports below 1024 need root or the capability CAP_NET_BIND_SERVICE'],
  [EADDRNOTAVAIL, 'the address belongs to none of the interfaces of this machine; 0.0.0.0 means all of them'],
]);
