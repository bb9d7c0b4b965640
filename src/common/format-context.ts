import type { LogContext } from '../contract/access-log.ts';
import type { HeaderMap } from '../contract/header-map.ts';
import type { StreamInfo } from '../contract/stream-info.ts';

/** What a format is filled from while a request is under way: header values, rewrites, bodies. */
export class FormatContext implements LogContext {
  readonly requestHeaders: HeaderMap | null;
  readonly responseHeaders: HeaderMap | null;
  readonly responseTrailers: HeaderMap | null;
  readonly streamInfo: StreamInfo;
  readonly localReplyBody: string;
  readonly type: 'NotSet';
  readonly now: number;

  constructor(
    streamInfo: StreamInfo, now: number, requestHeaders: HeaderMap | null, responseHeaders: HeaderMap | null = null,
    responseTrailers: HeaderMap | null = null, localReplyBody = '',
  ) {
    this.requestHeaders = requestHeaders;
    this.responseHeaders = responseHeaders;
    this.responseTrailers = responseTrailers;
    this.streamInfo = streamInfo;
    this.localReplyBody = localReplyBody;
    this.type = 'NotSet';
    this.now = now;
  }
}
