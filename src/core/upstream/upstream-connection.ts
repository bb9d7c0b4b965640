import type { Address } from '../../contract/address.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { EVENT_LOCAL_CLOSE, EVENT_REMOTE_CLOSE } from '../../contract/network.ts';
import { PROTOCOL_NONE, StreamInfo, UpstreamInfo } from '../../contract/stream-info.ts';
import type { UpstreamSocketOptions } from '../../contract/transport-socket.ts';
import { NetworkConnection } from '../network/connection.ts';
import { ipAddress, UNNAMED_PIPE } from '../network/address.ts';
import { ioBackend } from '../network/io/backend.ts';
import { errnoText } from '../network/io/errno.ts';
import { NullTransport } from '../network/io/null-transport.ts';
import type { ClusterInfoImpl } from './cluster-info.ts';
import type { UpstreamHost } from './host.ts';

/**
 * Begins a connection to `host` (or another address of it). Its outcome is an event in a later turn, also where the platform refuses at once, so the caller has time
 * to add its callbacks.
 */
export function connectToHost(host: UpstreamHost, cluster: ClusterInfoImpl, dispatcher: Dispatcher, address: Address = host.address, options: UpstreamSocketOptions | null = null): NetworkConnection {
  const source = cluster.sourceAddressFor(address);
  const result = ioBackend().connect({ address, source, dispatcher });
  const localAddress = source ?? unboundAddress(address);
  const streamInfo = new StreamInfo(PROTOCOL_NONE, dispatcher.clock.wall(), dispatcher.now(), address, localAddress);
  let transport = result.transport;
  let ready = true;
  if (transport !== null && cluster.transportSocket !== null) {
    const wrapped = cluster.transportSocket.wrap(transport, { dispatcher, host, streamInfo, options });
    if (wrapped === null) transport.close();
    ready = wrapped !== null;
    transport = wrapped;
  }
  const connection = new NetworkConnection({
    dispatcher, transport: transport ?? new NullTransport(), remoteAddress: address, localAddress, connecting: true, streamInfo,
  });
  connection.setBufferLimit(cluster.perConnectionBufferLimit);
  connection.setNoDelay(true);
  if (cluster.keepAliveSeconds > 0) connection.setKeepAlive(cluster.keepAliveSeconds);
  const info = new UpstreamInfo();
  info.host = host;
  info.remoteAddress = address;
  info.connectionId = connection.id;
  info.timing.connectStart = dispatcher.now();
  connection.streamInfo.upstream = info;
  if (!ready) dispatcher.post(() => connection.fail(EVENT_LOCAL_CLOSE, ''));
  if (result.transport === null) failLater(connection, result.errno, result.step, address, source, cluster);
  return connection;
}

function failLater(
  connection: NetworkConnection,
  errno: number,
  step: 'socket' | 'bind' | 'connect',
  address: Address,
  source: Address | null,
  cluster: ClusterInfoImpl,
): void {
  connection.dispatcher.post(() => {
    if (step === 'bind') {
      cluster.stats.bindErrors.inc();
      connection.fail(EVENT_LOCAL_CLOSE, `failed to bind to ${source?.text ?? ''}: ${errnoText(errno)}`);
    } else connection.fail(EVENT_REMOTE_CLOSE, `immediate connect error: ${errnoText(errno)}|remote address:${address.text}`);
  });
}

function unboundAddress(remote: Address): Address {
  if (remote.kind !== 'ip') return UNNAMED_PIPE;
  return ipAddress(remote.family === 6 ? '::' : '0.0.0.0', 0);
}
