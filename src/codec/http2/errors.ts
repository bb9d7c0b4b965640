import type { CodecError } from '../../contract/errors.ts';

/**
 * Texts are those of Envoy's library, as they show in `%RESPONSE_CODE_DETAILS%` of the streams that go down with a connection
 * (`codec_error:The_user_callback_function_failed`), in which nearly all errors look alike.
 */
export const TEXT_REFUSED = 'The user callback function failed';
export const TEXT_BAD_PREFACE = 'Received bad client magic byte string';
export const TEXT_TOO_MANY_CONTINUATIONS = 'Too many CONTINUATION frames following a HEADER frame';
export const TEXT_FLOODED = 'Flooding was detected in this HTTP/2 session, and it must be closed';

export function codecError(message: string): CodecError {
  return { kind: 'codec', message, details: '', status: 0 };
}
