import type { Message } from '@bufbuild/protobuf';
import type { Config } from '#api/envoy/extensions/filters/http/grpc_http1_bridge/v3/config_pb.js';
import { expectMessage } from '../../../../contract/message.ts';

export const GRPC_HTTP1_BRIDGE = 'envoy.extensions.filters.http.grpc_http1_bridge.v3.Config';

export interface GrpcHttp1BridgeConfig {
  /** Requests of `application/x-protobuf` are framed and sent as gRPC. */
  readonly upgradeProtobuf: boolean;
  /** The query of a bridged request is dropped. */
  readonly ignoreQuery: boolean;
}

export function grpcHttp1BridgeConfig(config: Message): GrpcHttp1BridgeConfig {
  const message = expectMessage<Config>(config, GRPC_HTTP1_BRIDGE);
  return Object.freeze({ upgradeProtobuf: message.upgradeProtobufToGrpc, ignoreQuery: message.ignoreQueryParameters });
}
