import type { Message } from '@bufbuild/protobuf';
import type { FilterConfig, FilterConfigPerRoute } from '#api/envoy/extensions/filters/http/grpc_http1_reverse_bridge/v3/config_pb.js';
import { asciiLowerCase, toByteString } from '../../../../common/byte-string.ts';
import { expectMessage } from '../../../../contract/message.ts';

export const REVERSE_BRIDGE = 'envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig';
export const REVERSE_BRIDGE_PER_ROUTE = 'envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfigPerRoute';

export interface ReverseBridgeConfig {
  /** What the upstream is sent and must answer. */
  readonly contentType: string;
  /** The upstream sees bare messages, without gRPC's frame header. */
  readonly withholdFrames: boolean;
  /** Lower-case name of the response header that says how long the message is; empty = there is none. Matters with `withholdFrames` only. */
  readonly sizeHeader: string;
}

export interface ReverseBridgeRoute {
  readonly disabled: boolean;
}

export function reverseBridgeConfig(config: Message): ReverseBridgeConfig {
  const message = expectMessage<FilterConfig>(config, REVERSE_BRIDGE);
  return Object.freeze({
    contentType: toByteString(message.contentType),
    withholdFrames: message.withholdGrpcFrames,
    sizeHeader: asciiLowerCase(message.responseSizeHeader),
  });
}

export function reverseBridgeRoute(config: Message): ReverseBridgeRoute {
  return Object.freeze({ disabled: expectMessage<FilterConfigPerRoute>(config, REVERSE_BRIDGE_PER_ROUTE).disabled });
}
