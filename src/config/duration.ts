import { create } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import { api } from './api/registry.ts';

/** Milliseconds of a Duration, fractions kept; undefined when it is unset. */
export function durationToMs(duration: { readonly seconds: bigint; readonly nanos: number } | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1000 + duration.nanos / 1_000_000;
}

/** A Duration of so many milliseconds. */
export function msToDuration(milliseconds: number): Duration {
  const seconds = Math.trunc(milliseconds / 1000);
  const nanos = Math.round((milliseconds - seconds * 1000) * 1_000_000);
  return create(api().message<Duration>('google.protobuf.Duration'), { seconds: BigInt(seconds), nanos }) as Duration;
}
