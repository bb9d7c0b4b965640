import { TOKEN_LOWER } from '../../base/header-names.ts';
import type { MessageHead } from './message-head.ts';
import { isTargetValid } from './request-target.ts';

/** The first line of a message, as lenient and as strict as Envoy's parser; and the quick way for usual request lines. */

/** Methods that Envoy knows; others need `allow_custom_methods`. */
const METHODS: ReadonlySet<string> = new Set([
  'ACL', 'BIND', 'CHECKOUT', 'CONNECT', 'COPY', 'DELETE', 'GET', 'HEAD', 'LINK', 'LOCK', 'MERGE', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL',
  'MOVE', 'MSEARCH', 'NOTIFY', 'OPTIONS', 'PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PURGE', 'PUT', 'QUERY', 'REBIND', 'REPORT', 'SEARCH',
  'SOURCE', 'SUBSCRIBE', 'TRACE', 'UNBIND', 'UNLINK', 'UNLOCK', 'UNSUBSCRIBE',
]);

/** Three words of a line: separated by spaces and controls, the third with all that follows it, trimmed. */
interface Words {
  readonly first: string;
  readonly second: string;
  readonly third: string;
}

function splitWords(line: string): Words {
  let end = line.length;
  while (end > 0 && line.charCodeAt(end - 1) <= 0x20) end--;
  const firstEnd = wordEnd(line, 0, end);
  const secondStart = wordStart(line, firstEnd, end);
  const secondEnd = wordEnd(line, secondStart, end);
  const thirdStart = wordStart(line, secondEnd, end);
  return { first: line.slice(0, firstEnd), second: line.slice(secondStart, secondEnd), third: line.slice(thirdStart, end) };
}

function wordStart(line: string, from: number, end: number): number {
  let i = from;
  while (i < end && line.charCodeAt(i) <= 0x20) i++;
  return i;
}

function wordEnd(line: string, from: number, end: number): number {
  let i = from;
  while (i < end && line.charCodeAt(i) > 0x20) i++;
  return i;
}

function isVersionValid(version: string): boolean {
  return version === '' || /^HTTP\/[0-9]\.[0-9]$/.test(version);
}

function isMethodValid(method: string, allowCustom: boolean): boolean {
  if (!allowCustom) return METHODS.has(method);
  for (let i = 0; i < method.length; i++) if (TOKEN_LOWER[method.charCodeAt(i)] === 0) return false;
  return method !== '';
}

/** Reads a request line into `head`; returns what is wrong or an empty text. An empty third word is HTTP/0.9: the line is the head. */
export function readRequestLine(line: string, head: MessageHead, allowCustomMethods: boolean): string {
  const { first, second, third } = splitWords(line);
  if (!isMethodValid(first, allowCustomMethods)) return 'HPE_INVALID_METHOD';
  if (!isTargetValid(second, first === 'CONNECT')) return 'HPE_INVALID_URL';
  if (!isVersionValid(third)) return 'HPE_INVALID_VERSION';
  head.method = first;
  head.target = second;
  head.isHttp11 = third === 'HTTP/1.1';
  head.isVersionless = third === '';
  return '';
}

/** What a request line (without its LF) says of itself: `1.1`, `1.0` for every other version, empty = it is none. Any method counts. */
export function probeRequestLine(line: string): '' | '1.0' | '1.1' {
  const { first, second, third } = splitWords(line);
  if (!isMethodValid(first, true) || !isTargetValid(second, first === 'CONNECT') || !isVersionValid(third)) return '';
  return third.endsWith('1.1') ? '1.1' : '1.0';
}

/** Reads a status line; returns what is wrong or an empty text. */
export function readStatusLine(line: string, head: MessageHead): string {
  const { first, second, third } = splitWords(line);
  if (second === '') return 'FAILED_TO_FIND_WS_AFTER_RESPONSE_VERSION';
  if (!/^\+?[0-9]{1,18}$/.test(second)) return 'FAILED_CONVERTING_STATUS_CODE_TO_INT';
  if (!isVersionValid(first)) return 'HPE_INVALID_VERSION';
  head.status = Number(second);
  head.isHttp11 = first === 'HTTP/1.1';
  if (head.formatter !== null && head.forwardReasonPhrase) head.formatter.reasonPhrase = third.replaceAll('\r', '');
  return '';
}

const SP = 32;
/** 1 for bytes of a usual request target: visible ASCII. */
const TARGET_BYTE = new Uint8Array(256).fill(1, 0x21, 0x7f);

/** Where the parts of the last quick request line are. */
export let lineMethod = '';
export let lineTargetStart = 0;
export let lineTargetEnd = 0;

/**
 * The quick way: `METHOD SP /target SP HTTP/1.1 CRLF` with one of the common methods. Returns the index behind the line or -1 when the
 * line is not like that or not complete.
 */
export function scanRequestLine(data: Uint8Array, start: number, end: number): number {
  let at = methodEnd(data, start, end);
  if (at < 0 || at + 1 >= end || data[at] !== SP || data[at + 1] !== 0x2f) return -1;
  lineTargetStart = ++at;
  while (at < end && TARGET_BYTE[data[at]] === 1) at++;
  lineTargetEnd = at;
  // ` HTTP/1.1` CR LF
  if (at + 11 > end || data[at] !== SP || data[at + 1] !== 0x48 || data[at + 2] !== 0x54 || data[at + 3] !== 0x54) return -1;
  if (data[at + 4] !== 0x50 || data[at + 5] !== 0x2f || data[at + 6] !== 0x31 || data[at + 7] !== 0x2e || data[at + 8] !== 0x31) return -1;
  return data[at + 9] === 13 && data[at + 10] === 10 ? at + 11 : -1;
}

function methodEnd(data: Uint8Array, start: number, end: number): number {
  if (start + 8 > end) return -1;
  switch (data[start]) {
    case 0x47: // G
      lineMethod = 'GET';
      return data[start + 1] === 0x45 && data[start + 2] === 0x54 ? start + 3 : -1;
    case 0x48: // H
      lineMethod = 'HEAD';
      return matches(data, start, 'HEAD');
    case 0x44: // D
      lineMethod = 'DELETE';
      return matches(data, start, 'DELETE');
    case 0x4f: // O
      lineMethod = 'OPTIONS';
      return matches(data, start, 'OPTIONS');
    case 0x50: // P
      if (data[start + 1] === 0x55) {
        lineMethod = 'PUT';
        return matches(data, start, 'PUT');
      }
      lineMethod = data[start + 1] === 0x4f ? 'POST' : 'PATCH';
      return matches(data, start, lineMethod);
    default:
      return -1;
  }
}

function matches(data: Uint8Array, start: number, word: string): number {
  for (let i = 0; i < word.length; i++) if (data[start + i] !== word.charCodeAt(i)) return -1;
  return start + word.length;
}

/**
 * The quick way through a status line: `HTTP/1.1 NNN` and anything up to CRLF. Returns the index behind the line or -1; the code is
 * in `lineStatus`.
 */
export function scanStatusLine(data: Uint8Array, start: number, end: number): number {
  if (start + 14 > end) return -1;
  if (data[start] !== 0x48 || data[start + 1] !== 0x54 || data[start + 2] !== 0x54 || data[start + 3] !== 0x50) return -1;
  if (data[start + 4] !== 0x2f || data[start + 5] !== 0x31 || data[start + 6] !== 0x2e || data[start + 7] !== 0x31 || data[start + 8] !== SP) {
    return -1;
  }
  const a = data[start + 9] - 0x30;
  const b = data[start + 10] - 0x30;
  const c = data[start + 11] - 0x30;
  if (a < 1 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9 || data[start + 12] !== SP) return -1;
  let at = start + 13;
  while (at < end && data[at] >= 0x20 && data[at] !== 0x7f) at++;
  if (at + 1 >= end || data[at] !== 13 || data[at + 1] !== 10) return -1;
  lineStatus = a * 100 + b * 10 + c;
  return at + 2;
}

export let lineStatus = 0;
