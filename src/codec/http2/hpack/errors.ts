/**
 * Results of `HpackDecoder.decode`. Everything but HPACK_OK is a connection error of type COMPRESSION_ERROR (RFC 9113 section 4.3): the
 * dynamic tables of the two ends no longer agree.
 */
export const HPACK_OK = 0;
/** An integer does not fit, or runs over more bytes than any sane encoder uses. */
export const HPACK_INTEGER_ERROR = 1;
/** A string literal is longer than the decoder takes. */
export const HPACK_STRING_TOO_LONG = 2;
/** Padding that is no prefix of EOS, or 8 bits and more of it, or EOS itself (RFC 7541 section 5.2). */
export const HPACK_HUFFMAN_ERROR = 3;
/** A smaller table was acknowledged, and the block does not begin with an update that says so (section 4.2). */
export const HPACK_MISSING_SIZE_UPDATE = 4;
/** Index 0, or behind the end of the table. */
export const HPACK_INVALID_INDEX = 5;
/** The same for the index of a name. */
export const HPACK_INVALID_NAME_INDEX = 6;
/** A table size update after a header. */
export const HPACK_SIZE_UPDATE_NOT_ALLOWED = 7;
/** The first update after smaller settings is above the smallest of them. */
export const HPACK_SIZE_UPDATE_ABOVE_LOW_WATER_MARK = 8;
export const HPACK_SIZE_UPDATE_ABOVE_SETTING = 9;
/** The block ends in the middle of a representation. */
export const HPACK_TRUNCATED = 10;
export type HpackResult = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** Index = result; for logs. */
export const HPACK_RESULT_TEXT: readonly string[] = [
  'ok',
  'integer out of range',
  'string literal too long',
  'invalid Huffman code',
  'missing dynamic table size update',
  'invalid index',
  'invalid name index',
  'dynamic table size update not allowed',
  'dynamic table size update above the low water mark',
  'dynamic table size update above the acknowledged setting',
  'truncated header block',
];
