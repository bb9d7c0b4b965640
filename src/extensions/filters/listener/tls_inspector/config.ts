import type { TlsInspector } from '#api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';

export const TLS_INSPECTOR = 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector';

/** No TLS library takes a longer first message; validation has refused more. */
const MAX_CLIENT_HELLO = 16_384;

/** TlsInspector with its defaults. */
export interface TlsInspectorSettings {
  readonly ja3: boolean;
  readonly ja4: boolean;
  /** Bytes that the first look takes at most. */
  readonly initialReadBytes: number;
  /** Bytes of a ClientHello, with its record headers. */
  readonly maxHelloBytes: number;
  readonly closeOnErrors: boolean;
}

export function tlsInspectorSettings(message: TlsInspector): TlsInspectorSettings {
  const maxHelloBytes = message.maxClientHelloSize ?? MAX_CLIENT_HELLO;
  return {
    ja3: message.enableJa3Fingerprinting ?? false,
    ja4: message.enableJa4Fingerprinting ?? false,
    initialReadBytes: Math.min(message.initialReadBufferSize ?? maxHelloBytes, maxHelloBytes),
    maxHelloBytes,
    closeOnErrors: message.closeConnectionOnClientHelloParsingErrors,
  };
}
