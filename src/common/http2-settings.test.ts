import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Http2ProtocolOptions } from '#api/envoy/config/core/v3/protocol_pb.js';
import { DEFAULT_HTTP2_SETTINGS } from '../codec/http2/index.ts';
import type { Http2Settings } from '../codec/http2/index.ts';
import { ConfigError } from '../contract/errors.ts';
import { http2SettingsFromConfig } from './http2-settings.ts';
import { ignoredFields } from './testing/field-walk.ts';
import { fromYaml } from './testing/messages.ts';

const TYPE = 'envoy.config.core.v3.Http2ProtocolOptions';

function read(yaml: string, streamErrorOnInvalidHttpMessage?: boolean, safeDefaults = true): Http2Settings {
  return http2SettingsFromConfig(fromYaml<Http2ProtocolOptions>(TYPE, yaml), { streamErrorOnInvalidHttpMessage, safeDefaults });
}

describe('http2SettingsFromConfig', () => {
  it('has the defaults of Envoy', () => {
    assert.equal(http2SettingsFromConfig(undefined, { safeDefaults: true }), DEFAULT_HTTP2_SETTINGS);
    assert.deepEqual(read('{}'), DEFAULT_HTTP2_SETTINGS);
    const legacy = http2SettingsFromConfig(undefined, { safeDefaults: false });
    assert.deepEqual(
      [legacy.maxConcurrentStreams, legacy.initialStreamWindowSize, legacy.initialConnectionWindowSize],
      [2_147_483_647, 268_435_456, 268_435_456],
    );
    assert.equal(read('{max_concurrent_streams: 5}', undefined, false).initialStreamWindowSize, 268_435_456);
  });

  it('reads every field', () => {
    const settings = read(`
hpack_table_size: 1
max_concurrent_streams: 2
initial_stream_window_size: 65536
initial_connection_window_size: 65537
allow_connect: true
allow_metadata: true
max_outbound_frames: 3
max_outbound_control_frames: 4
max_consecutive_inbound_frames_with_empty_payload: 5
max_inbound_priority_frames_per_stream: 6
max_inbound_window_update_frames_per_data_frame_sent: 7
override_stream_error_on_invalid_http_message: true
custom_settings_parameters: [{identifier: 16, value: 8}, {identifier: 16, value: 8}]
connection_keepalive: {interval: 9s, timeout: 0.5s, interval_jitter: {value: 10}, connection_idle_interval: 11s}
max_metadata_size: 12
enable_huffman_encoding: false
max_header_field_size_kb: 65
disallow_obs_text: true
stream_reset_burst: 14
stream_reset_rate: 15
`);
    assert.deepEqual(settings, {
      hpackTableSize: 1, maxConcurrentStreams: 2, initialStreamWindowSize: 65_536, initialConnectionWindowSize: 65_537, allowConnect: true,
      allowMetadata: true, maxMetadataSize: 12, maxOutboundFrames: 3, maxOutboundControlFrames: 4,
      maxConsecutiveInboundFramesWithEmptyPayload: 5, maxInboundPriorityFramesPerStream: 6, maxInboundWindowUpdateFramesPerDataFrameSent: 7,
      streamErrorOnInvalidHttpMessage: true, customSettingsParameters: [{ identifier: 16, value: 8 }],
      connectionKeepalive: { interval: 9_000, timeout: 500, intervalJitter: 10, connectionIdleInterval: 11_000 },
      enableHuffmanEncoding: false, maxHeaderFieldBytes: 66_560, disallowObsText: true, streamResetBurst: 14, streamResetRate: 15,
    });
    assert.equal(read('{connection_keepalive: {timeout: 1s}}').connectionKeepalive?.intervalJitter, 15);
  });

  it('takes the stream errors of its own field, then of the connection manager, then of the deprecated field', () => {
    const all = (yaml: string): boolean[] => [undefined, false, true].map((around) => read(yaml, around).streamErrorOnInvalidHttpMessage);
    assert.deepEqual(all('{}'), [false, false, true]);
    assert.deepEqual(all('{override_stream_error_on_invalid_http_message: false}'), [false, false, false]);
    assert.deepEqual(all('{override_stream_error_on_invalid_http_message: true}'), [true, true, true]);
    assert.deepEqual(all('{stream_error_on_invalid_http_messaging: true}'), [true, false, true]);
    const server = { streamErrorOnInvalidHttpMessage: true, safeDefaults: true };
    assert.equal(http2SettingsFromConfig(undefined, server).streamErrorOnInvalidHttpMessage, true);
  });

  it('refuses what Envoy refuses', () => {
    for (const [yaml, why] of [
      ['[{identifier: 2, value: 1}]', 'server push is not supported by Envoy and can not be enabled via a SETTINGS parameter.'],
      ['[{identifier: 8, value: 0}]', 'the "allow_connect" SETTINGS parameter must only be configured through the named field'],
      ['[{identifier: 9, value: 1}, {identifier: 9, value: 2}]', 'inconsistent HTTP/2 custom SETTINGS parameter(s) detected; identifiers = {0x09}'],
      [
        '[{identifier: 1, value: 1}, {identifier: 3, value: 1}, {identifier: 4, value: 1}]\nhpack_table_size: 1\nmax_concurrent_streams: 1\ninitial_stream_window_size: 65535',
        'the {hpack_table_size,max_concurrent_streams,initial_stream_window_size} HTTP/2 SETTINGS parameter(s) can not be configured through both named and custom parameters',
      ],
    ] as const) {
      assert.throws(() => read(`custom_settings_parameters: ${yaml}`), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual([error.path, error.why], ['custom_settings_parameters', why]);
        return true;
      });
    }
  });

  it('looks at every field', () => {
    const faults = ignoredFields({
      typeName: TYPE,
      build: (message) => http2SettingsFromConfig(message as Http2ProtocolOptions, { safeDefaults: true }),
      samples: {
        'envoy.config.core.v3.KeepaliveSettings': { timeout: '1s' },
        'envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter': { identifier: 20, value: 1 },
        [`${TYPE}.initial_stream_window_size`]: { value: 65_536 },
        [`${TYPE}.initial_connection_window_size`]: { value: 65_536 },
        [`${TYPE}.max_header_field_size_kb`]: { value: 64 },
      },
      allowed: { [`${TYPE}.use_oghttp2_codec`]: 'chooses between two libraries that only Envoy has' },
    });
    assert.deepEqual(faults, []);
  });
});
