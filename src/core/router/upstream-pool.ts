import { isConnectUdp } from '../../common/http/connect.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Connection } from '../../contract/network.ts';
import type { RouteEntry } from '../../contract/route.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { HttpConnectionPool, LoadBalancerContext, ThreadLocalCluster } from '../../contract/upstream.ts';
import type { RouterConfig } from './router-config.ts';
import { TcpUpstreamPool } from './tcp-upstream.ts';
import { UdpUpstreamPool } from './udp-upstream.ts';

/**
 * Picks a host and gives what carries the request there: streams of HTTP, or, where the route ends tunnels (`connect_config`), bare TCP for
 * CONNECT (and POST, where allowed) and UDP for CONNECT-UDP. Null when no host may take it.
 */
export function upstreamPool(
  config: RouterConfig, cluster: ThreadLocalCluster, entry: RouteEntry, headers: HeaderMap, protocol: Protocol,
  downstream: Connection | null, context: LoadBalancerContext,
): HttpConnectionPool | null {
  const connect = entry.connectConfig;
  if (connect === null) return cluster.httpPool(entry.priority, protocol, context);
  if (isConnectUdp(headers)) {
    const host = cluster.loadBalancer.chooseHost(context);
    return host === null ? null : new UdpUpstreamPool(host, config.dispatcher);
  }
  const method = headers.get(':method');
  if (method !== 'CONNECT' && !(connect.allowPost && method === 'POST')) return cluster.httpPool(entry.priority, protocol, context);
  const pool = cluster.tcpPool(entry.priority, context);
  return pool === null ? null : new TcpUpstreamPool(pool, { connect, downstream, halfClose: config.upstreamHalfClose });
}
