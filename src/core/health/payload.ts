import type { HealthCheck_Payload } from '#api/envoy/config/core/v3/health_check_pb.js';
import { ConfigError } from '../../contract/errors.ts';

/** Bytes of a payload: `text` is hexadecimal. */
export function readPayload(payload: HealthCheck_Payload, path: string): Buffer {
  const { case: kind, value } = payload.payload;
  if (kind === undefined) throw new ConfigError('one of text, binary is required', { path });
  if (kind === 'binary') return Buffer.from(value);
  if (value === '' || !/^(?:[0-9a-f]{2})+$/i.test(value)) {
    throw new ConfigError(`invalid hex string '${value}'`, { path: `${path}.text`, hint: 'two hexadecimal digits a byte, such as 50494e47' });
  }
  return Buffer.from(value, 'hex');
}

/** A list of payloads; empty ones mean nothing. */
export function readPayloads(payloads: readonly HealthCheck_Payload[], path: string): readonly Buffer[] {
  return payloads.map((each, i) => readPayload(each, `${path}[${i}]`)).filter((each) => each.length > 0);
}

/** Whether `data` has all of `expected`, in their order, with anything between. */
export function matchesPayloads(expected: readonly Buffer[], data: Buffer): boolean {
  let from = 0;
  for (const segment of expected) {
    const at = data.indexOf(segment, from);
    if (at < 0) return false;
    from = at + segment.length;
  }
  return true;
}
