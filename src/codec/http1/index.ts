export { probeRequestLine } from './first-line.ts';
export { Http1ClientConnection } from './client-connection.ts';
export { Http1ServerConnection } from './server-connection.ts';
export type { ServerConnectionOptions } from './server-connection.ts';
export { DEFAULT_HTTP1_CLIENT_SETTINGS, DEFAULT_HTTP1_SETTINGS, http1Settings } from './settings.ts';
export type { Http1Settings } from './settings.ts';
export type { Http1CodecStats, Http1Counter } from './stats.ts';
