import type { Message } from '@bufbuild/protobuf';
import type { GrpcWeb } from '#api/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.js';
import { expectMessage } from '../../../../contract/message.ts';

export const GRPC_WEB = 'envoy.extensions.filters.http.grpc_web.v3.GrpcWeb';

/** The filter has nothing to configure; anything else is an error of the loader. */
export function checkGrpcWebConfig(config: Message): void {
  expectMessage<GrpcWeb>(config, GRPC_WEB);
}
