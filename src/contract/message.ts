import type { Message } from '@bufbuild/protobuf';
import { ConfigError } from './errors.ts';

/**
 * Narrows a decoded configuration message to its generated type by its full name. The one place where a message's static type is
 * asserted: `expectMessage<Buffer>(config, 'envoy.extensions.filters.http.buffer.v3.Buffer')`.
 */
export function expectMessage<T extends Message>(message: Message, typeName: T['$typeName']): T {
  if (message.$typeName !== typeName) {
    throw new ConfigError(`expected a ${typeName}, found a ${message.$typeName}`);
  }
  return message as T;
}

/** Milliseconds of a google.protobuf.Duration, or `fallback` when unset. Fractions of a millisecond are kept. */
export function durationMs(duration: { readonly seconds: bigint; readonly nanos: number } | undefined, fallback: number): number {
  return duration === undefined ? fallback : Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}
