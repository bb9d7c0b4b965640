import { headerNameId, ID_CONTENT_LENGTH, ID_TRANSFER_ENCODING, TOKEN_LOWER } from '../../base/header-names.ts';
import { FIELD_OK, FIELD_TOO_MANY, FIELD_UNDERSCORE, HEAD_TRAILERS, LENGTH_INVALID } from './message-head.ts';
import type { MessageHead } from './message-head.ts';

/**
 * The exact way through header lines, for heads that field-scanner.ts calls unusual: accepts and refuses what Envoy 1.40's parser
 * (quiche's Balsa under BalsaParser) does, with its precedence of errors. Plain code; it runs for odd peers and attackers only, and
 * is linear in the size of the head.
 */

/** Why a head is refused. */
export const EXACT_OK = 0;
/** Bad grammar: `http1.codec_error`. */
export const EXACT_BAD = 1;
/** A control character: `http1.invalid_characters`. */
export const EXACT_INVALID_CHARACTERS = 2;
export const EXACT_TOO_MANY = 3;
export const EXACT_UNDERSCORE = 4;
export type ExactResult = 0 | 1 | 2 | 3 | 4;

const U64_MAX = 18446744073709551615n;

interface RawField {
  readonly name: string;
  /** Trimmed, line ends in the middle still there. */
  readonly raw: string;
}

/** Why the last head was bad, Envoy's word for the log. */
export let exactErrorText = '';

function bad(text: string): ExactResult {
  exactErrorText = text;
  return EXACT_BAD;
}

/**
 * Parses the field lines of `text`, which is a whole head in Latin-1: its first line (empty for trailers), field lines and the empty
 * line, each with its line end. Fills `head` and returns whether that went well.
 */
export function parseExactFields(text: string, firstLineLength: number, head: MessageHead): ExactResult {
  if (hasInvalidCharacter(text)) {
    exactErrorText = 'header value contains invalid chars';
    return EXACT_INVALID_CHARACTERS;
  }
  const fields: RawField[] = [];
  const isTrailers = head.kind === HEAD_TRAILERS;
  const split = splitFields(text, firstLineLength, fields);
  if (split !== EXACT_OK) return split;
  const framing = isTrailers ? EXACT_OK : readFraming(fields, head);
  return framing === EXACT_OK ? addFields(fields, head) : framing;
}

/** Control characters other than tab, CR and LF. */
function hasInvalidCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 ? c !== 0x09 && c !== 0x0a && c !== 0x0d : c === 0x7f) return true;
  }
  return false;
}

/** Logical lines (with their continuation lines, RFC 9112 section 5.2) into names and values. */
function splitFields(text: string, from: number, fields: RawField[]): ExactResult {
  let lineStart = from;
  for (;;) {
    const lineEnd = text.indexOf('\n', lineStart) + 1;
    if (lineEnd === 0 || isEmptyLine(text, lineStart, lineEnd)) return EXACT_OK;
    let end = lineEnd;
    for (;;) {
      const next = text.charCodeAt(end);
      const nextEnd = text.indexOf('\n', end) + 1;
      if (next > 0x20 || nextEnd === 0 || isEmptyLine(text, end, nextEnd)) break;
      if (next !== 0x20 && next !== 0x09) return bad('INVALID_HEADER_FORMAT');
      end = nextEnd;
    }
    const colon = text.indexOf(':', lineStart);
    if (colon < 0 || colon >= end) return bad('HEADER_MISSING_COLON');
    if (colon === lineStart) return bad('INVALID_HEADER_FORMAT');
    for (let i = lineStart; i < colon; i++) {
      if (TOKEN_LOWER[text.charCodeAt(i)] === 0) return bad('HPE_INVALID_HEADER_TOKEN');
    }
    fields.push({ name: text.slice(lineStart, colon), raw: trimmedValue(text, colon + 1, end) });
    lineStart = end;
  }
}

/** `\n` or `\r\n`. */
function isEmptyLine(text: string, start: number, end: number): boolean {
  return end - start === 1 || (end - start === 2 && text.charCodeAt(start) === 0x0d);
}

/** The value between `from` and `to` without the whitespace around it. */
function trimmedValue(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end);
}

/** Content-Length and Transfer-Encoding, which frame the message (RFC 9112 section 6). */
function readFraming(fields: readonly RawField[], head: MessageHead): ExactResult {
  let lengthSeen = false;
  let encoding = '';
  for (const { name, raw } of fields) {
    const id = headerNameId(name.toLowerCase());
    if (id === ID_CONTENT_LENGTH) {
      if (lengthSeen) return bad('HPE_UNEXPECTED_CONTENT_LENGTH');
      lengthSeen = true;
      head.contentLength = parseContentLength(raw);
    } else if (id === ID_TRANSFER_ENCODING) {
      encoding = raw.replace(/[\r\n]/g, '');
      // `chun CR ked` is `chunked` only once its CR is taken out: nobody honest writes that.
      if (encoding !== raw && encoding.toLowerCase() === 'chunked') return bad('HPE_INVALID_TRANSFER_ENCODING');
    }
  }
  head.isChunked = encoding.toLowerCase() === 'chunked';
  if (lengthSeen && head.contentLength === LENGTH_INVALID && !head.isChunked) return bad('UNPARSABLE_CONTENT_LENGTH');
  return EXACT_OK;
}

/** Digits only, within 64 bits; LENGTH_INVALID otherwise. Beyond 2^53 it is only nearly exact, which no body outlives. */
export function parseContentLength(value: string): number {
  if (!/^[0-9]+$/.test(value)) return LENGTH_INVALID;
  const digits = value.replace(/^0+(?=.)/, '');
  if (digits.length > 20 || (digits.length >= 16 && BigInt(digits) > U64_MAX)) return LENGTH_INVALID;
  return Number(digits);
}

function addFields(fields: readonly RawField[], head: MessageHead): ExactResult {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i];
    const name = field.name.toLowerCase();
    // As Envoy: a folded value becomes one line, a bare CR disappears.
    const value = field.raw.replace(/[\r\n]/g, '');
    const result = head.addField(headerNameId(name), name, value, field.name);
    // Envoy has metered the name of the next line when it judges this one.
    if (result !== FIELD_OK && i + 1 < fields.length) head.fieldBytes += fields[i + 1].name.length;
    if (result === FIELD_TOO_MANY) return EXACT_TOO_MANY;
    if (result === FIELD_UNDERSCORE) return EXACT_UNDERSCORE;
    if (result !== FIELD_OK) return EXACT_BAD;
  }
  return EXACT_OK;
}
