/** What becomes of headers with `_` in their name (HeadersWithUnderscoresAction). */
export const UNDERSCORES_ALLOW = 0;
export const UNDERSCORES_REJECT_REQUEST = 1;
export const UNDERSCORES_DROP_HEADER = 2;
export type HeadersWithUnderscoresAction = 0 | 1 | 2;

/** How header names are written (Http1ProtocolOptions.HeaderKeyFormat). */
export const KEY_FORMAT_LOWER = 0;
export const KEY_FORMAT_PROPER_CASE = 1;
/** Names keep the case in which the other side wrote them: the `preserve_case` formatter. */
export const KEY_FORMAT_PRESERVE_CASE = 2;
export type HeaderKeyFormat = 0 | 1 | 2;

/** Settings of one HTTP/1 codec, every default resolved. Frozen; shared by all connections of a listener or cluster. */
export interface Http1Settings {
  /** `http://host/path` request targets are taken apart. Default true. */
  readonly allowAbsoluteUrl: boolean;
  /** Requests older than HTTP/1.1 are served instead of answered with 426. Default false. */
  readonly acceptHttp10: boolean;
  /** Host of an HTTP/1.0 request that names none; empty = none. */
  readonly defaultHostForHttp10: string;
  readonly headerKeyFormat: HeaderKeyFormat;
  /** preserve_case: the upstream's reason phrase goes to the client too. */
  readonly forwardReasonPhrase: boolean;
  /** preserve_case: headers that the proxy adds are written in proper case instead of lower case. */
  readonly properCaseOnEnvoyHeaders: boolean;
  /** Trailers are passed on in both directions instead of dropped. Default false. */
  readonly enableTrailers: boolean;
  /** A message with both framing headers loses its content-length instead of being refused. Default false. */
  readonly allowChunkedLength: boolean;
  /** An invalid message resets its stream and leaves the connection (the connection manager acts on it). Default false. */
  readonly streamErrorOnInvalidHttpMessage: boolean;
  /** Requests are written with an absolute request target. Default false. */
  readonly sendFullyQualifiedUrl: boolean;
  /** Tokens of `Upgrade` that are ignored: true when one is. Null = none are. */
  readonly ignoreUpgrade: ((token: string) => boolean) | null;
  /** Any token is a method. Default false. */
  readonly allowCustomMethods: boolean;
  /** `https://` targets on a plain connection get 403. Default false (Envoy: runtime, with a forwarding client). */
  readonly validateScheme: boolean;
  /** Bytes of a message head, and of its trailers. Requests 60 KiB, responses 80 KiB. */
  readonly maxHeadBytes: number;
  /** Header lines of a message. Default 100. */
  readonly maxHeadersCount: number;
  readonly headersWithUnderscoresAction: HeadersWithUnderscoresAction;
}

/** Envoy's default for request heads. */
export const DEFAULT_MAX_REQUEST_HEAD_BYTES: number = 60 * 1024;
/** Envoy's default for response heads over HTTP/1. */
export const DEFAULT_MAX_RESPONSE_HEAD_BYTES: number = 80 * 1024;

/** Defaults of a server connection; `http1Settings` builds others from them. */
export const DEFAULT_HTTP1_SETTINGS: Http1Settings = Object.freeze({
  allowAbsoluteUrl: true,
  acceptHttp10: false,
  defaultHostForHttp10: '',
  headerKeyFormat: KEY_FORMAT_LOWER,
  forwardReasonPhrase: false,
  properCaseOnEnvoyHeaders: false,
  enableTrailers: false,
  allowChunkedLength: false,
  streamErrorOnInvalidHttpMessage: false,
  sendFullyQualifiedUrl: false,
  ignoreUpgrade: null,
  allowCustomMethods: false,
  validateScheme: false,
  maxHeadBytes: DEFAULT_MAX_REQUEST_HEAD_BYTES,
  maxHeadersCount: 100,
  headersWithUnderscoresAction: UNDERSCORES_ALLOW,
});

/** Defaults of a client connection. */
export const DEFAULT_HTTP1_CLIENT_SETTINGS: Http1Settings = Object.freeze({
  ...DEFAULT_HTTP1_SETTINGS,
  maxHeadBytes: DEFAULT_MAX_RESPONSE_HEAD_BYTES,
});

/** Settings that differ from the defaults in `changes`; frozen. */
export function http1Settings(changes: Partial<Http1Settings>, base: Http1Settings = DEFAULT_HTTP1_SETTINGS): Http1Settings {
  return Object.freeze({ ...base, ...changes });
}
