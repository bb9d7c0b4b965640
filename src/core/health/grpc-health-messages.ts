import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Messages of grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): one field each. */

/** There is no response, or none that can be read. */
export const HEALTH_NO_RESPONSE = -1;
export const HEALTH_SERVING = 1;
const STATUS_TEXTS = ['unknown', 'serving', 'not_serving', 'service_unknown'];
const FIELD = 1;
const NOTHING = new Uint8Array(0);

/** HealthCheckRequest{service}. */
export function encodeHealthRequest(service: string): Uint8Array {
  return service === '' ? NOTHING : new BinaryWriter().tag(FIELD, WireType.LengthDelimited).string(service).finish();
}

/** `status` of a HealthCheckResponse (0 when absent), or HEALTH_NO_RESPONSE for bytes that are none. */
export function decodeHealthResponse(bytes: Uint8Array): number {
  let status = 0;
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === FIELD && type === WireType.Varint) status = reader.int32();
      else reader.skip(type, field);
    }
  } catch {
    // The library's way of saying that a peer's bytes are no protobuf; a check happens rarely.
    return HEALTH_NO_RESPONSE;
  }
  return status < 0 ? STATUS_TEXTS.length : status;
}

export function healthStatusText(status: number): string {
  return status === HEALTH_NO_RESPONSE ? 'rpc_error' : (STATUS_TEXTS[status] ?? 'unknown_healthcheck_response');
}
