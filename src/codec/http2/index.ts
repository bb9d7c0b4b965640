export { Http2ClientConnection } from './client-connection.ts';
export type { MetadataMap } from './metadata.ts';
export { Http2ServerConnection } from './server-connection.ts';
export { http2ConnectionOptions } from './options.ts';
export type { Http2ClientCallbacks, Http2ConnectionControls, Http2ConnectionOptions, Http2Listener } from './options.ts';
export { DEFAULT_HTTP2_SETTINGS, http2Settings } from './settings.ts';
export type { HeadersWithUnderscoresAction, Http2Settings, KeepaliveSettings, SettingsParameter } from './settings.ts';
export { HTTP2_COUNTERS, HTTP2_GAUGES } from './stats.ts';
export type { Http2CodecStats, Http2Counter, Http2Gauge } from './stats.ts';
