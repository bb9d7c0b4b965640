/** HPACK, the header compression of HTTP/2 (RFC 7541). */
export { DEFAULT_HEADER_TABLE_SIZE, HpackDecoder } from './decoder.ts';
export type { HeaderSink } from './decoder.ts';
export { HpackEncoder } from './encoder.ts';
export * from './errors.ts';
export {
  FIELD_AUTHORITY,
  FIELD_BAD_NAME,
  FIELD_BAD_VALUE,
  FIELD_ID_MASK,
  FIELD_METHOD,
  FIELD_OTHER,
  FIELD_OTHER_PSEUDO,
  FIELD_PADDED_VALUE,
  FIELD_PATH,
  FIELD_PROTOCOL,
  FIELD_PSEUDO,
  FIELD_SCHEME,
  FIELD_STATUS,
  FIELD_UNDERSCORE,
  fieldTag,
  isValidHeaderName,
  isValidHeaderValue,
} from './field-tag.ts';
export { OutBuffer } from './out-buffer.ts';
