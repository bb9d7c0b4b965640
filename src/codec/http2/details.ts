/** Response code details of streams that the codec ends (`%RESPONSE_CODE_DETAILS%`), Envoy's words. */
export const DETAILS_INVALID_HEADER_FIELD = 'http2.invalid.header.field';
export const DETAILS_MESSAGING = 'http2.violation.of.messaging.rule';
export const DETAILS_UNKNOWN = 'http2.unknown.nghttp2.error';
export const DETAILS_TOO_MANY_HEADERS = 'http2.too_many_headers';
export const DETAILS_HEADER_LIST_TOO_LARGE = 'http2.header_list_size_too_large';
export const DETAILS_COOKIES_TOO_LARGE = 'http2.cookies_total_bytes_too_large';
export const DETAILS_OUTBOUND_FLOOD = 'http2.outbound_frames_flood';
export const DETAILS_EMPTY_FRAMES = 'http2.inbound_empty_frames_flood';
export const DETAILS_UNDERSCORE = 'http2.unexpected_underscore';
export const DETAILS_REMOTE_REFUSED = 'http2.remote_refuse';
export const DETAILS_REMOTE_RESET = 'http2.remote_reset';
