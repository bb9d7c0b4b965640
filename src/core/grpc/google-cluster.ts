import { create, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { GoogleGrpcAddress, GoogleGrpcTarget } from '../../common/google-grpc.ts';
import { api } from '../../config/api/registry.ts';
import { msToDuration } from '../../config/duration.ts';
import { expectMessage } from '../../contract/message.ts';

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const STATIC = 0;
const STRICT_DNS = 1;
/** gRPC waits this long for a connection. */
const CONNECT_TIMEOUT_MS = 20_000;

/** The cluster behind a google_grpc target: HTTP/2 to its addresses, which nobody else can route to. */
export function googleCluster(name: string, target: GoogleGrpcTarget): Cluster {
  const { address } = target;
  const message = make(CLUSTER, {
    name,
    clusterDiscoveryType: { case: 'type', value: address.kind === 'dns' ? STRICT_DNS : STATIC },
    connectTimeout: msToDuration(CONNECT_TIMEOUT_MS),
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: addressesOf(address).map(endpointOf) }] },
    typedExtensionProtocolOptions: {
      [OPTIONS]: { typeUrl: `type.googleapis.com/${OPTIONS}`, value: toBinary(describe(OPTIONS), make(OPTIONS, http2Options(target))) },
    },
  });
  return expectMessage<Cluster>(message, CLUSTER);
}

function http2Options(target: GoogleGrpcTarget): Record<string, unknown> {
  const keepalive = target.keepaliveTime === 0 ? {} : {
    connectionKeepalive: { interval: msToDuration(target.keepaliveTime), timeout: msToDuration(target.keepaliveTimeout) },
  };
  return {
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: make(`${OPTIONS}.ExplicitHttpConfig`, {
        protocolConfig: { case: 'http2ProtocolOptions', value: make('envoy.config.core.v3.Http2ProtocolOptions', keepalive) },
      }),
    },
  };
}

function addressesOf(address: GoogleGrpcAddress): readonly Message[] {
  if (address.kind === 'pipe') return [make('envoy.config.core.v3.Address', { address: { case: 'pipe', value: make('envoy.config.core.v3.Pipe', { path: address.path }) } })];
  const places = address.kind === 'dns' ? [{ ip: address.host, port: address.port }] : address.addresses;
  return places.map(({ ip, port }) => make('envoy.config.core.v3.Address', {
    address: {
      case: 'socketAddress',
      value: make('envoy.config.core.v3.SocketAddress', { address: ip, portSpecifier: { case: 'portValue', value: port } }),
    },
  }));
}

function endpointOf(address: Message): Record<string, unknown> {
  return { hostIdentifier: { case: 'endpoint', value: make('envoy.config.endpoint.v3.Endpoint', { address }) } };
}

function describe(typeName: string): DescMessage {
  return api().message(typeName);
}

function make(typeName: string, fields: Record<string, unknown>): Message {
  return create(describe(typeName), fields);
}
