import type { Message } from '@bufbuild/protobuf';
import type { Buffer, BufferPerRoute } from '#api/envoy/extensions/filters/http/buffer/v3/buffer_pb.js';
import { ConfigError } from '../../../../contract/errors.ts';
import { expectMessage } from '../../../../contract/message.ts';

export const BUFFER = 'envoy.extensions.filters.http.buffer.v3.Buffer';
export const BUFFER_PER_ROUTE = 'envoy.extensions.filters.http.buffer.v3.BufferPerRoute';

/** Settings of the filter, from its own configuration or from a route's. */
export interface BufferSettings {
  readonly disabled: boolean;
  /** Bytes of a request body that are held; more is answered with 413. */
  readonly maxRequestBytes: number;
}

export function bufferSettings(config: Message): BufferSettings {
  return settingsOf(expectMessage<Buffer>(config, BUFFER));
}

export function bufferRouteSettings(config: Message): BufferSettings {
  const message = expectMessage<BufferPerRoute>(config, BUFFER_PER_ROUTE);
  const override = message.override;
  if (override.case === 'buffer') return settingsOf(override.value);
  return Object.freeze({ disabled: override.case === 'disabled' && override.value, maxRequestBytes: 0 });
}

function settingsOf(message: Buffer): BufferSettings {
  const max = message.maxRequestBytes;
  if (max === undefined || max === 0) {
    throw new ConfigError('max_request_bytes must be greater than 0', { path: 'max_request_bytes' });
  }
  return Object.freeze({ disabled: false, maxRequestBytes: max });
}
