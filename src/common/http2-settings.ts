import type { Http2ProtocolOptions, KeepaliveSettings as KeepaliveMessage } from '#api/envoy/config/core/v3/protocol_pb.js';
import { DEFAULT_HTTP2_SETTINGS, http2Settings } from '../codec/http2/index.ts';
import type { Http2Settings, KeepaliveSettings, SettingsParameter } from '../codec/http2/index.ts';
import { ConfigError } from '../contract/errors.ts';
import { durationMs } from '../contract/message.ts';

/** What surrounds the options. */
export interface Http2Surroundings {
  /** `stream_error_on_invalid_http_message` of a connection manager; undefined = not said (or a cluster, which has none). */
  readonly streamErrorOnInvalidHttpMessage?: boolean | undefined;
  /** Runtime `envoy.reloadable_features.safe_http2_options`: false brings back the defaults of before 1.36. */
  readonly safeDefaults: boolean;
}

/** Guard of the defaults; `Http2Surroundings.safeDefaults` says it. */
export const SAFE_HTTP2_OPTIONS = 'envoy.reloadable_features.safe_http2_options';

const LEGACY_DEFAULTS: Http2Settings = http2Settings({
  maxConcurrentStreams: 2 ** 31 - 1,
  initialStreamWindowSize: 256 * 1024 * 1024,
  initialConnectionWindowSize: 256 * 1024 * 1024,
});

const SETTINGS_HEADER_TABLE_SIZE = 1;
const SETTINGS_ENABLE_PUSH = 2;
const SETTINGS_MAX_CONCURRENT_STREAMS = 3;
const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const SETTINGS_ENABLE_CONNECT_PROTOCOL = 8;

/**
 * Settings of an HTTP/2 codec. Ranges are checked by the API's rules before. `use_oghttp2_codec` chooses between two libraries that Envoy
 * has and nuncio has not: it has no effect. Throws ConfigError with a path below `http2_protocol_options`.
 */
export function http2SettingsFromConfig(options: Http2ProtocolOptions | undefined, around: Http2Surroundings): Http2Settings {
  const base = around.safeDefaults ? DEFAULT_HTTP2_SETTINGS : LEGACY_DEFAULTS;
  if (options === undefined) {
    if (around.safeDefaults && around.streamErrorOnInvalidHttpMessage !== true) return base;
    return http2Settings({ streamErrorOnInvalidHttpMessage: around.streamErrorOnInvalidHttpMessage ?? false }, base);
  }
  return http2Settings(
    {
      hpackTableSize: options.hpackTableSize ?? base.hpackTableSize,
      maxConcurrentStreams: options.maxConcurrentStreams ?? base.maxConcurrentStreams,
      initialStreamWindowSize: options.initialStreamWindowSize ?? base.initialStreamWindowSize,
      initialConnectionWindowSize: options.initialConnectionWindowSize ?? base.initialConnectionWindowSize,
      allowConnect: options.allowConnect,
      allowMetadata: options.allowMetadata,
      ...limits(options, base),
      streamErrorOnInvalidHttpMessage: streamErrors(options, around),
      customSettingsParameters: customParameters(options),
      connectionKeepalive: options.connectionKeepalive === undefined ? null : keepalive(options.connectionKeepalive),
      enableHuffmanEncoding: options.enableHuffmanEncoding ?? base.enableHuffmanEncoding,
      disallowObsText: options.disallowObsText ?? base.disallowObsText,
    },
    base,
  );
}

function limits(options: Http2ProtocolOptions, base: Http2Settings): Partial<Http2Settings> {
  return {
    maxMetadataSize: large(options.maxMetadataSize, base.maxMetadataSize),
    maxOutboundFrames: options.maxOutboundFrames ?? base.maxOutboundFrames,
    maxOutboundControlFrames: options.maxOutboundControlFrames ?? base.maxOutboundControlFrames,
    maxConsecutiveInboundFramesWithEmptyPayload:
      options.maxConsecutiveInboundFramesWithEmptyPayload ?? base.maxConsecutiveInboundFramesWithEmptyPayload,
    maxInboundPriorityFramesPerStream: options.maxInboundPriorityFramesPerStream ?? base.maxInboundPriorityFramesPerStream,
    maxInboundWindowUpdateFramesPerDataFrameSent:
      options.maxInboundWindowUpdateFramesPerDataFrameSent ?? base.maxInboundWindowUpdateFramesPerDataFrameSent,
    maxHeaderFieldBytes: options.maxHeaderFieldSizeKb === undefined ? base.maxHeaderFieldBytes : options.maxHeaderFieldSizeKb * 1024,
    streamResetBurst: large(options.streamResetBurst, base.streamResetBurst),
    streamResetRate: large(options.streamResetRate, base.streamResetRate),
  };
}

/** A 64-bit limit; above 2^53 it limits nothing. */
function large(value: bigint | undefined, fallback: number): number {
  return value === undefined ? fallback : Number(value);
}

function streamErrors(options: Http2ProtocolOptions, around: Http2Surroundings): boolean {
  return (
    options.overrideStreamErrorOnInvalidHttpMessage ?? around.streamErrorOnInvalidHttpMessage ?? options.streamErrorOnInvalidHttpMessaging
  );
}

function keepalive(message: KeepaliveMessage): KeepaliveSettings {
  return Object.freeze({
    interval: Math.trunc(durationMs(message.interval, 0)),
    timeout: Math.trunc(durationMs(message.timeout, 0)),
    intervalJitter: message.intervalJitter?.value ?? 15,
    connectionIdleInterval: Math.trunc(durationMs(message.connectionIdleInterval, 0)),
  });
}

/** `custom_settings_parameters`, one entry an identifier. Texts are Envoy's. */
function customParameters(options: Http2ProtocolOptions): readonly SettingsParameter[] {
  const path = 'custom_settings_parameters';
  const found = new Map<number, number>();
  const twice: string[] = [];
  const named: string[] = [];
  for (const { identifier = 0, value = 0 } of options.customSettingsParameters) {
    if ((found.get(identifier) ?? value) !== value) twice.push(`0x${identifier.toString(16).padStart(2, '0')}`);
    else found.set(identifier, value);
    if (identifier === SETTINGS_ENABLE_PUSH && value === 1) {
      throw new ConfigError('server push is not supported by Envoy and can not be enabled via a SETTINGS parameter.', { path });
    }
    if (identifier === SETTINGS_ENABLE_CONNECT_PROTOCOL) {
      throw new ConfigError('the "allow_connect" SETTINGS parameter must only be configured through the named field', { path });
    }
    if (identifier === SETTINGS_HEADER_TABLE_SIZE && options.hpackTableSize !== undefined) named.push('hpack_table_size');
    if (identifier === SETTINGS_MAX_CONCURRENT_STREAMS && options.maxConcurrentStreams !== undefined) named.push('max_concurrent_streams');
    if (identifier === SETTINGS_INITIAL_WINDOW_SIZE && options.initialStreamWindowSize !== undefined) named.push('initial_stream_window_size');
  }
  if (twice.length > 0) {
    throw new ConfigError(`inconsistent HTTP/2 custom SETTINGS parameter(s) detected; identifiers = {${twice.join(',')}}`, { path });
  }
  if (named.length > 0) {
    const why = `the {${named.join(',')}} HTTP/2 SETTINGS parameter(s) can not be configured through both named and custom parameters`;
    throw new ConfigError(why, { path });
  }
  return Object.freeze([...found].map(([identifier, value]) => Object.freeze({ identifier, value })));
}
