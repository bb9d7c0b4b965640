import { parseUint } from '../../common/byte-string.ts';
import { encodeGrpcMessage } from '../../common/grpc/message.ts';
import { httpToGrpcStatus } from '../../common/grpc/status.ts';
import type { AccessLogFilter, AccessLogType, Formatter, LogContext } from '../../contract/access-log.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { statusString } from './codes.ts';

/** "Map the HTTP status": no gRPC status was asked for. */
export const NO_GRPC_STATUS = -1;
const TEXT_PLAIN = 'text/plain';
const APPLICATION_JSON = 'application/json';

/** Makes the body of a local reply; the result is one character a byte. */
export interface LocalReplyFormat {
  readonly formatter: Formatter;
  readonly contentType: string;
}

/** Changes the headers of a local reply (`headers_to_add`). */
export interface LocalReplyHeaderMutation {
  apply(headers: HeaderMap, context: LogContext): void;
}

/** One entry of `local_reply_config.mappers`, resolved. */
export interface LocalReplyMapper {
  readonly filter: AccessLogFilter;
  /** -1 = keep. */
  readonly status: number;
  /** null = keep. */
  readonly body: string | null;
  readonly format: LocalReplyFormat | null;
  readonly headers: LocalReplyHeaderMutation | null;
}

/** Changes the headers of one local reply before the filters see them. */
export type LocalReplyModifier = (headers: HeaderMap) => void;

/** What a reply is made of while the configuration rewrites it. */
interface Rewrite {
  status: number;
  body: string;
  contentType: string;
}

/** A reply ready for the encoder filters; `body` null = the headers end the stream. */
export interface PreparedLocalReply {
  readonly headers: HeaderMap;
  readonly body: Buffer | null;
}

/** `local_reply_config` of a connection manager: the first mapper that matches changes the reply, then a format makes the body. */
export class LocalReply {
  private readonly mappers: readonly LocalReplyMapper[];
  private readonly format: LocalReplyFormat | null;
  /** Nothing is configured: replies stay as they are. */
  readonly passThrough: boolean;

  constructor(mappers: readonly LocalReplyMapper[], format: LocalReplyFormat | null) {
    this.mappers = mappers;
    this.format = format;
    this.passThrough = mappers.length === 0 && format === null;
  }

  rewrite(reply: Rewrite, headers: HeaderMap, context: ReplyContext): void {
    let format = this.format;
    for (const mapper of this.mappers) {
      if (!mapper.filter.evaluate(context)) continue;
      if (mapper.body !== null) reply.body = mapper.body;
      mapper.headers?.apply(headers, context);
      if (mapper.status >= 0 && mapper.status !== reply.status) {
        reply.status = mapper.status;
        headers.set(':status', statusString(mapper.status));
        context.streamInfo.responseCode = mapper.status;
      }
      if (mapper.format !== null) format = mapper.format;
      break;
    }
    if (format === null) return;
    context.localReplyBody = reply.body;
    reply.body = format.formatter.format(context);
    reply.contentType = format.contentType;
  }
}

/** The context that mappers and formats of a reply read: the request, and the reply's own headers. */
class ReplyContext implements LogContext {
  readonly requestHeaders: HeaderMap;
  readonly responseHeaders: HeaderMap;
  readonly responseTrailers: HeaderMap | null;
  readonly streamInfo: StreamInfo;
  localReplyBody: string;
  readonly type: AccessLogType;
  readonly now: number;

  constructor(requestHeaders: HeaderMap, responseHeaders: HeaderMap, streamInfo: StreamInfo, body: string, now: number) {
    this.requestHeaders = requestHeaders;
    this.responseHeaders = responseHeaders;
    this.responseTrailers = null;
    this.streamInfo = streamInfo;
    this.localReplyBody = body;
    this.type = 'NotSet';
    this.now = now;
  }
}

/** The stream that is answered. */
export interface RepliedStream {
  readonly requestHeaders: HeaderMap | null;
  readonly streamInfo: StreamInfo;
  readonly dispatcher: { now(): number };
}

/**
 * Makes a local reply: status and body, the route's response header changes, `modify`, the configured mappers and format, and the gRPC
 * shape (trailers-only, HTTP 200) where the request was gRPC. `body` is one character a byte.
 */
export function prepareLocalReply(
  localReply: LocalReply, stream: RepliedStream, isGrpc: boolean, isHead: boolean, status: number, body: string,
  modify: LocalReplyModifier | null, grpcStatus: number,
): PreparedLocalReply {
  const headers = new HeaderMap();
  headers.add(':status', statusString(status));
  const request = stream.requestHeaders ?? new HeaderMap();
  const info = stream.streamInfo;
  info.route?.routeEntry?.finalizeResponseHeaders(request, headers, info);
  modify?.(headers);
  const typeBefore = headers.get('content-type') ?? '';
  const reply: Rewrite = { status, body, contentType: TEXT_PLAIN };
  headers.set(':status', statusString(status));
  info.responseCode = status;
  if (!localReply.passThrough) {
    localReply.rewrite(reply, headers, new ReplyContext(request, headers, info, body, stream.dispatcher.now()));
  }
  if (isGrpc) return grpcReply(headers, reply, isHead, grpcStatus);
  if (reply.body === '') {
    headers.remove('content-length');
    headers.remove('content-type');
    return { headers, body: null };
  }
  headers.set('content-length', String(reply.body.length));
  const type = headers.get('content-type');
  const customType = (type ?? '') !== typeBefore;
  if (type === undefined || (reply.body !== body && !customType)) headers.set('content-type', reply.contentType);
  return { headers, body: isHead ? null : Buffer.from(reply.body, 'latin1') };
}

/** Trailers-only: HTTP 200 with grpc-status and grpc-message in the headers. */
function grpcReply(headers: HeaderMap, reply: Rewrite, isHead: boolean, grpcStatus: number): PreparedLocalReply {
  headers.set(':status', '200');
  headers.set('content-type', 'application/grpc');
  if ((headers.get('grpc-status') ?? '') === '') {
    headers.set('grpc-status', String(grpcStatus >= 0 ? grpcStatus : httpToGrpcStatus(reply.status)));
  }
  let text = reply.body;
  if (text !== '' && !isHead) {
    // The JSON formatter ends its text with a newline, which has no place in a header.
    if (reply.contentType === APPLICATION_JSON && text.endsWith('\n')) text = text.slice(0, -1);
    headers.set('grpc-message', encodeGrpcMessage(text));
  }
  headers.remove('content-length');
  return { headers, body: null };
}

/** The number in `:status`, or -1 when there is none. */
export function responseStatus(headers: HeaderMap): number {
  const value = headers.get(':status');
  if (value === undefined) return -1;
  if (value.length === 3) {
    const status = value.charCodeAt(0) * 100 + value.charCodeAt(1) * 10 + value.charCodeAt(2) - 5_328;
    if (status >= 0 && status <= 999) return status;
  }
  return parseUint(value);
}
