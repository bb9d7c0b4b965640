import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TlsInspector } from '#api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { TLS_INSPECTOR, tlsInspectorSettings } from './config.ts';

function settings(yaml: string): ReturnType<typeof tlsInspectorSettings> {
  return tlsInspectorSettings(fromYaml<TlsInspector>(TLS_INSPECTOR, yaml));
}

test('defaults, and values of ones own', () => {
  assert.deepEqual(settings('{}'), { ja3: false, ja4: false, initialReadBytes: 16_384, maxHelloBytes: 16_384, closeOnErrors: false });
  assert.deepEqual(
    settings('{enable_ja3_fingerprinting: true, enable_ja4_fingerprinting: true, initial_read_buffer_size: 300, max_client_hello_size: 400, close_connection_on_client_hello_parsing_errors: true}'),
    { ja3: true, ja4: true, initialReadBytes: 300, maxHelloBytes: 400, closeOnErrors: true },
  );
  assert.equal(settings('{initial_read_buffer_size: 65536, max_client_hello_size: 400}').initialReadBytes, 400);
});

test('bad YAML: why and where', () => {
  const refused = (yaml: string, text: string): void => {
    assert.throws(() => settings(yaml), (error) => error instanceof Error && error.message === text, yaml);
  };
  refused('initial_read_buffer_size: 255', 'initial_read_buffer_size: value must be inside range (255, 65537)');
  refused('max_client_hello_size: 16385', 'max_client_hello_size: value must be inside range (255, 16384]');
  refused('ja3: true', "ja3: no such field: 'ja3' in envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector");
});
