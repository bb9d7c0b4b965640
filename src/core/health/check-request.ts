import type { Dispatcher } from '../../contract/dispatcher.ts';
import { PROTOCOL_HTTP11, StreamInfo, UpstreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import { ipAddress } from '../network/address.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import type { CodecClient } from './codec-client.ts';

const LOOPBACK = ipAddress('127.0.0.1', 0);

/** The name that a check asks for: the endpoint's for health checks, what the check says, else the cluster's name. */
export function checkHostname(host: UpstreamHost, configured: string, cluster: ClusterInfo): string {
  if (host.healthCheckHostname !== '') return host.healthCheckHostname;
  return configured === '' ? cluster.name : configured;
}

/** What header values of a check are formatted from. */
export function checkStreamInfo(host: UpstreamHost, client: CodecClient, dispatcher: Dispatcher): StreamInfo {
  const info = new StreamInfo(client.protocol < PROTOCOL_HTTP11 ? PROTOCOL_HTTP11 : client.protocol, dispatcher.clock.wall(), dispatcher.now(), LOOPBACK, LOOPBACK);
  info.upstream = new UpstreamInfo();
  info.upstream.host = host;
  info.upstream.remoteAddress = host.healthCheckAddress;
  return info;
}
