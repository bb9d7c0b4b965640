import type { Message } from '@bufbuild/protobuf';
import type { FilterConfig } from '#api/envoy/extensions/filters/http/connect_grpc_bridge/v3/config_pb.js';
import { expectMessage } from '../../../../contract/message.ts';

export const CONNECT_GRPC_BRIDGE = 'envoy.extensions.filters.http.connect_grpc_bridge.v3.FilterConfig';

/** The filter has nothing to configure; anything else is an error of the loader. */
export function checkConnectGrpcBridgeConfig(config: Message): void {
  expectMessage<FilterConfig>(config, CONNECT_GRPC_BRIDGE);
}
