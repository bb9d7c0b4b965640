import type { HeaderMap } from './header-map.ts';
import type { StreamInfo } from './stream-info.ts';

export const ACCESS_LOG_TYPES = [
  'NotSet', 'TcpUpstreamConnected', 'TcpPeriodic', 'TcpConnectionEnd', 'DownstreamStart', 'DownstreamPeriodic', 'DownstreamEnd',
  'UpstreamPoolReady', 'UpstreamPeriodic', 'UpstreamEnd', 'DownstreamTunnelSuccessfullyEstablished', 'UdpTunnelUpstreamConnected',
  'UdpPeriodic', 'UdpSessionEnd', 'TcpConnectionStart',
] as const;
export type AccessLogType = (typeof ACCESS_LOG_TYPES)[number];

/** What an access log line is made from. Any header map may be null (TCP, or none was received). One object per log moment. */
export interface LogContext {
  readonly requestHeaders: HeaderMap | null;
  readonly responseHeaders: HeaderMap | null;
  readonly responseTrailers: HeaderMap | null;
  readonly streamInfo: StreamInfo;
  readonly localReplyBody: string;
  readonly type: AccessLogType;
  /** Monotonic "now" at the moment of logging. */
  readonly now: number;
}

/** Writes a record when its filter lets it. MUST NOT throw and MUST NOT keep the context. */
export interface AccessLog {
  log(context: LogContext): void;
}

/** Decides whether a record is written. */
export interface AccessLogFilter {
  evaluate(context: LogContext): boolean;
}

/** Makes text of a context: a compiled format string. The text is a byte string, one character a byte. Total: it never throws. */
export interface Formatter {
  format(context: LogContext): string;
}

/** Where a route came from in the configuration; for `/config_dump` and explanations. */
export interface AccessLogOrigin {
  readonly routeConfig: string;
  readonly index: number;
}
