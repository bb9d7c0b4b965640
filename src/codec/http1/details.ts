/** Response code details of the codec's errors (`%RESPONSE_CODE_DETAILS%`), Envoy's words. */
export const DETAILS_TOO_MANY_HEADERS = 'http1.too_many_headers';
export const DETAILS_HEADERS_TOO_LARGE = 'http1.headers_too_large';
export const DETAILS_CODEC_ERROR = 'http1.codec_error';
export const DETAILS_INVALID_CHARACTERS = 'http1.invalid_characters';
export const DETAILS_CONNECTION_HEADER = 'http1.connection_header_rejected';
export const DETAILS_INVALID_URL = 'http1.invalid_url';
export const DETAILS_INVALID_TRANSFER_ENCODING = 'http1.invalid_transfer_encoding';
export const DETAILS_BODY_DISALLOWED = 'http1.body_disallowed';
export const DETAILS_TRANSFER_ENCODING_NOT_ALLOWED = 'http1.transfer_encoding_not_allowed';
export const DETAILS_CONTENT_LENGTH_NOT_ALLOWED = 'http1.content_length_not_allowed';
export const DETAILS_UNDERSCORE = 'http1.unexpected_underscore';
export const DETAILS_CHUNKED_CONTENT_LENGTH = 'http1.content_length_and_chunked_not_allowed';
export const DETAILS_HTTPS_IN_PLAINTEXT = 'http1.https_url_on_plaintext_connection';
export const DETAILS_INVALID_SCHEME = 'http1.invalid_scheme';
