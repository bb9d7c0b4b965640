import { reasonPhrase } from '../../base/http-status.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { BytesMeter } from '../../contract/stream-info.ts';
import { properCase } from './key-format.ts';
import { KEY_FORMAT_PROPER_CASE } from './settings.ts';
import type { HeaderKeyFormat } from './settings.ts';

/** Writes heads as one Latin-1 string. */

export const CRLF = '\r\n';
/** The final chunk without trailers. */
export const LAST_CHUNK: string = '0\r\n\r\n';

const COLON = 58;

/** `HTTP/1.1 200 OK CR LF` by status; three digits only, so the table cannot be grown by a peer. */
const statusLines: (string | undefined)[] = new Array<string | undefined>(1000).fill(undefined);

/** Start line of a response. `phrase` empty = the standard one. */
export function statusLine(status: number, isHttp10: boolean, phrase: string): string {
  if (isHttp10 || phrase !== '' || status < 100 || status > 999) {
    return (isHttp10 ? 'HTTP/1.0 ' : 'HTTP/1.1 ') + String(status) + ' ' + (phrase === '' ? reasonPhrase(status) : phrase) + CRLF;
  }
  return (statusLines[status] ??= `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`);
}

/**
 * Field lines of `headers` after `head`, without the empty line. Pseudo-headers are left out but `:authority`, which is `host`;
 * so is transfer-encoding: framing is the encoder's alone. Meters names and values and four bytes a line.
 */
export function writeFields(head: string, headers: HeaderMap, keyFormat: HeaderKeyFormat, meter: BytesMeter): string {
  const size = headers.size;
  if (headers.keyFormatter !== null || keyFormat === KEY_FORMAT_PROPER_CASE) return writeFormattedFields(head, headers, meter);
  let out = head;
  let bytes = 0;
  for (let i = 0; i < size; i++) {
    let name = headers.nameAt(i);
    if (name.charCodeAt(0) === COLON) {
      if (name !== ':authority') continue;
      name = 'host';
    } else if (name === 'transfer-encoding') continue;
    const value = headers.valueAt(i);
    out += name + ': ' + value + CRLF;
    bytes += name.length + value.length + 4;
  }
  meter.headerBytesSent += bytes;
  return out;
}

function writeFormattedFields(head: string, headers: HeaderMap, meter: BytesMeter): string {
  let out = head;
  for (let i = 0; i < headers.size; i++) {
    const key = headers.nameAt(i);
    if (key === 'transfer-encoding' || (key.charCodeAt(0) === COLON && key !== ':authority')) continue;
    const name = formatName(key === ':authority' ? 'host' : key, headers);
    const value = headers.valueAt(i);
    out += name + ': ' + value + CRLF;
    meter.headerBytesSent += name.length + value.length + 4;
  }
  return out;
}

/** A name as the message's own formatter or proper case has it; only for maps or encoders that have either. */
function formatName(name: string, headers: HeaderMap): string {
  return headers.keyFormatter === null ? properCase(name) : headers.keyFormatter.format(name);
}

/** A field that the encoder itself adds. */
export function writeField(head: string, name: string, value: string, headers: HeaderMap, keyFormat: HeaderKeyFormat, meter: BytesMeter): string {
  const formatted = headers.keyFormatter !== null || keyFormat === KEY_FORMAT_PROPER_CASE ? formatName(name, headers) : name;
  meter.headerBytesSent += formatted.length + value.length + 4;
  return head + formatted + ': ' + value + CRLF;
}

/** Trailers are written in lower case whatever the formatter, as Envoy does. */
export function writeTrailers(trailers: HeaderMap, meter: BytesMeter): string {
  let out = '0\r\n';
  for (let i = 0; i < trailers.size; i++) {
    const name = trailers.nameAt(i);
    const value = trailers.valueAt(i);
    if (name.charCodeAt(0) === COLON) continue;
    out += name + ': ' + value + CRLF;
    meter.headerBytesSent += name.length + value.length + 4;
  }
  return out + CRLF;
}
