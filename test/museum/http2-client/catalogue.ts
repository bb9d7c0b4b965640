/** Servers that misbehave in every way, as bytes. Envoy 1.40's verdicts on them are recorded in envoy-verdicts.json. */
import type { Field } from '../../harness/index.ts';
import { FRAME_TYPES } from '../../harness/http2-frames.ts';
import { ALL, block, continuation, data, END_HEADERS, END_STREAM, frame, goAway, headers, hex, ping, priority, rawHeaders, rst, settings, times, uint32, windowUpdate } from '../http2/wire.ts';
import type { ServerCase } from './case.ts';

const OK: readonly Field[] = [[':status', '200']];
const NOTHING = Buffer.alloc(0);
const { ALTSVC, DATA, GOAWAY, HEADERS, METADATA, ORIGIN, PING, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME_TYPES;

/** A sound answer. */
function good(id: number): Buffer {
  return Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'good', END_STREAM)]);
}

const PREFACE: readonly ServerCase[] = [
  { id: 'preface', name: 'HTTP/1.1 instead', greeting: null, reply: () => Buffer.from('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n') },
  { id: 'preface', name: 'no SETTINGS first', greeting: null, reply: good },
  { id: 'preface', name: 'SETTINGS of an odd size', greeting: frame(SETTINGS, 0, 0, Buffer.alloc(5)), reply: () => NOTHING },
  { id: 'preface', name: 'ENABLE_PUSH of a server', greeting: settings([2, 1]), reply: good },
  { id: 'preface', name: 'INITIAL_WINDOW_SIZE above 2^31 - 1', greeting: settings([4, 0x8000_0000]), reply: () => NOTHING },
  { id: 'preface', name: 'MAX_FRAME_SIZE of 1', greeting: settings([5, 1]), reply: () => NOTHING },
  { id: 'preface', name: 'unknown settings', greeting: settings([0xabcd, 1]), reply: good },
  { id: 'CVE-2020-11080', name: 'SETTINGS of 2730 entries', greeting: settings(...Array.from({ length: 2_730 }, (_, i) => [0xf000 + (i % 100), i] as const)), reply: good },
  { id: 'preface', name: 'nothing at all, then the end', greeting: null, reply: () => NOTHING, ending: 'fin' },
];

const HEADS: readonly (readonly [string, string, readonly Field[]])[] = [
  ['pseudo-headers', 'no :status', [['x', 'y']]],
  ['pseudo-headers', ':status of two digits', [[':status', '99']]],
  ['pseudo-headers', ':status in letters', [[':status', 'abc']]],
  ['pseudo-headers', ':status of four digits', [[':status', '2000']]],
  ['pseudo-headers', ':status 999', [[':status', '999']]],
  ['pseudo-headers', ':status with a plus', [[':status', '+20']]],
  ['pseudo-headers', 'an empty :status', [[':status', '']]],
  ['pseudo-headers', 'two of :status', [[':status', '200'], [':status', '200']]],
  ['pseudo-headers', ':status behind a field', [['x', 'y'], [':status', '200']]],
  ['pseudo-headers', ':path in a response', [[':status', '200'], [':path', '/']]],
  ['pseudo-headers', 'an unknown one', [[':status', '200'], [':x', 'y']]],
  ['status', '101', [[':status', '101']]],
  ['names', 'upper case', [[':status', '200'], ['X-Upper', 'y']]],
  ['names', 'empty', [[':status', '200'], ['', 'y']]],
  ['names', 'a space', [[':status', '200'], ['x y', 'z']]],
  ['names', 'an underscore', [[':status', '200'], ['x_y', 'z']]],
  ['connection headers', 'connection', [[':status', '200'], ['connection', 'close']]],
  ['connection headers', 'keep-alive', [[':status', '200'], ['keep-alive', 'timeout=5']]],
  ['connection headers', 'transfer-encoding', [[':status', '200'], ['transfer-encoding', 'chunked']]],
  ['connection headers', 'upgrade', [[':status', '200'], ['upgrade', 'websocket']]],
  ['connection headers', 'te', [[':status', '200'], ['te', 'gzip']]],
  ['desync-5', 'CR LF in a value', [[':status', '200'], ['x', 'a\r\nset-cookie: evil=1']]],
  ['desync-5', 'NUL in a value', [[':status', '200'], ['x', 'a\0b']]],
  ['desync-5', 'whitespace around a value', [[':status', '200'], ['x', ' a ']]],
  ['desync-5', 'host in a response', [[':status', '200'], ['host', 'evil']]],
  ['content-length', 'two of them', [[':status', '200'], ['content-length', '4'], ['content-length', '4']]],
  ['content-length', 'no number', [[':status', '200'], ['content-length', 'x']]],
  ['content-length', 'negative', [[':status', '200'], ['content-length', '-4']]],
];

const MALFORMED: readonly ServerCase[] = HEADS.map(([id, name, fields]) => ({ id, name, reply: (stream) => Buffer.concat([headers(stream, fields, END_HEADERS), data(stream, 'good', END_STREAM)]) }));

const MESSAGES: readonly ServerCase[] = [
  { id: 'sound', name: 'an answer', reply: good },
  { id: 'sound', name: 'an answer with trailers', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'good'), headers(id, [['t', '1']])]) },
  { id: 'sound', name: 'padded, with priority, with unknown frames between', reply: (id) => Buffer.concat([frame(0xee, 0xff, id, Buffer.from('x')), frame(HEADERS, 8 | 0x20 | END_HEADERS, id, Buffer.concat([Buffer.from([2]), uint32(0), Buffer.from([7]), block(OK), Buffer.alloc(2)])), frame(DATA, 8 | END_STREAM, id, Buffer.concat([Buffer.from([3]), Buffer.from('good'), Buffer.alloc(3)]))]) },
  { id: 'sound', name: 'ALTSVC, ORIGIN and METADATA between', reply: (id) => Buffer.concat([frame(ALTSVC, 0, id, Buffer.from('\0\0h3=":1"')), frame(ORIGIN, 0, 0, Buffer.from('\0\x01a')), frame(METADATA, 4, id, block([['a', 'b']])), good(id)]) },
  { id: 'status', name: '100 with END_STREAM', reply: (id) => headers(id, [[':status', '100']]) },
  { id: 'status', name: '103 twice, then an answer', reply: (id) => Buffer.concat([headers(id, [[':status', '103'], ['link', 'a']], END_HEADERS), headers(id, [[':status', '103'], ['link', 'b']], END_HEADERS), good(id)]) },
  { id: 'status', name: 'a thousand of 103', reply: (id) => Buffer.concat([times(1_000, () => headers(id, [[':status', '103'], ['link', 'a']], END_HEADERS)), good(id)]), loose: true },
  { id: 'status', name: '103 with content-length', reply: (id) => Buffer.concat([headers(id, [[':status', '103'], ['content-length', '5']], END_HEADERS), good(id)]) },
  { id: 'status', name: '103 behind the head', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), headers(id, [[':status', '103']], END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'status', name: 'a second head', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), headers(id, OK, END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'status', name: '204 with a body', reply: (id) => Buffer.concat([headers(id, [[':status', '204']], END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'status', name: '204 with content-length 0', reply: (id) => headers(id, [[':status', '204'], ['content-length', '0']]) },
  { id: 'status', name: '204 with content-length 5', reply: (id) => headers(id, [[':status', '204'], ['content-length', '5']]) },
  { id: 'status', name: '304 with a body', reply: (id) => Buffer.concat([headers(id, [[':status', '304']], END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'status', name: 'HEAD with a body', method: 'HEAD', reply: (id) => Buffer.concat([headers(id, [[':status', '200'], ['content-length', '4']], END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'status', name: 'HEAD with content-length', method: 'HEAD', reply: (id) => headers(id, [[':status', '200'], ['content-length', '4']]) },
  { id: 'content-length', name: 'less DATA than said', reply: (id) => Buffer.concat([headers(id, [[':status', '200'], ['content-length', '9']], END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'content-length', name: 'more DATA than said', reply: (id) => Buffer.concat([headers(id, [[':status', '200'], ['content-length', '2']], END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'content-length', name: 'more DATA than said, a frame later', reply: (id) => Buffer.concat([headers(id, [[':status', '200'], ['content-length', '2']], END_HEADERS), data(id, 'go'), data(id, 'HTTP/1.1 200 OK\r\n\r\n', END_STREAM)]) },
  { id: 'content-length', name: 'END_STREAM with the head', reply: (id) => headers(id, [[':status', '200'], ['content-length', '5']]) },
  { id: 'CVE-2026-73513', name: 'trailers without END_STREAM', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'good'), headers(id, [['t', '1']], END_HEADERS)]) },
  { id: 'trailers', name: 'a pseudo-header among them', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'good'), headers(id, [[':status', '500']])]) },
  { id: 'trailers', name: 'connection headers among them', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'good'), headers(id, [['connection', 'x']])]) },
];

const STREAMS: readonly ServerCase[] = [
  { id: 'stream', name: 'DATA before the head', reply: (id) => Buffer.concat([data(id, 'x'), good(id)]) },
  { id: 'stream', name: 'DATA on stream 0', reply: () => data(0, 'x') },
  { id: 'stream', name: 'DATA on an idle stream', reply: (id) => data(id + 100, 'x') },
  { id: 'stream', name: 'HEADERS on stream 0', reply: () => headers(0, OK) },
  { id: 'stream', name: 'HEADERS on an idle stream', reply: (id) => headers(id + 100, OK) },
  { id: 'stream', name: 'HEADERS on a stream of its own', reply: () => headers(2, OK) },
  { id: 'stream', name: 'PUSH_PROMISE, our settings acknowledged', reply: (id) => Buffer.concat([frame(SETTINGS, 1, 0), frame(PUSH_PROMISE, END_HEADERS, id, Buffer.concat([uint32(2), block([[':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', '/p']])])), good(id)]) },
  { id: 'stream', name: 'PUSH_PROMISE, our settings not acknowledged', reply: (id) => Buffer.concat([frame(PUSH_PROMISE, END_HEADERS, id, Buffer.concat([uint32(2), block([[':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', '/p']])])), good(id)]) },
  { id: 'stream', name: 'DATA behind END_STREAM', reply: (id) => Buffer.concat([good(id), data(id, 'more')]) },
  { id: 'stream', name: 'HEADERS behind END_STREAM', reply: (id) => Buffer.concat([good(id), headers(id, OK)]) },
  { id: 'stream', name: 'RST_STREAM behind END_STREAM', reply: (id) => Buffer.concat([good(id), rst(id)]) },
  { id: 'stream', name: 'WINDOW_UPDATE behind END_STREAM', reply: (id) => Buffer.concat([good(id), windowUpdate(id, 10)]) },
  { id: 'stream', name: 'RST_STREAM on an idle stream', reply: (id) => Buffer.concat([rst(id + 100), good(id)]) },
  { id: 'stream', name: 'WINDOW_UPDATE on an idle stream', reply: (id) => Buffer.concat([windowUpdate(id + 100, 1), good(id)]) },
  { id: 'stream', name: 'CONTINUATION out of nowhere', reply: (id) => continuation(id, block(OK), END_HEADERS) },
  { id: 'stream', name: 'PING in the middle of a head', reply: (id) => Buffer.concat([rawHeaders(id, block(OK).subarray(0, 1), 0), ping()]) },
  { id: 'stream', name: 'another stream in the middle of a head', requests: 2, reply: (a, b) => Buffer.concat([rawHeaders(a, block(OK).subarray(0, 1), 0), headers(b, OK)]) },
];

const RESETS: readonly ServerCase[] = [
  ...([['NO_ERROR', 0], ['PROTOCOL_ERROR', 1], ['REFUSED_STREAM', 7], ['CANCEL', 8], ['ENHANCE_YOUR_CALM', 11], ['HTTP_1_1_REQUIRED', 13], ['an unknown code', 0xdead]] as const).map(([name, code]) => ({ id: 'reset', name: `${name} before the head`, reply: (id: number) => rst(id, code) })),
  { id: 'reset', name: 'behind the head', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), rst(id)]) },
  { id: 'reset', name: 'NO_ERROR behind the body', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'good'), rst(id, 0)]) },
  { id: 'reset', name: 'NO_ERROR behind the answer to an unfinished request', method: 'POST', reply: (id) => Buffer.concat([good(id), rst(id, 0)]) },
  { id: 'reset', name: 'of three bytes', reply: (id) => frame(RST_STREAM, 0, id, Buffer.alloc(3)) },
  { id: 'goaway', name: 'NO_ERROR, the request is below', reply: (id) => Buffer.concat([goAway(id, 0), good(id)]) },
  { id: 'goaway', name: 'NO_ERROR, the request is above', reply: () => goAway(0, 0) },
  { id: 'goaway', name: 'NO_ERROR, of two requests one is above', requests: 2, reply: (a) => Buffer.concat([goAway(a, 0), good(a)]) },
  { id: 'goaway', name: 'ENHANCE_YOUR_CALM', reply: () => goAway(0, 11) },
  { id: 'goaway', name: 'an error, and the answer behind it', reply: (id) => Buffer.concat([goAway(id, 2), good(id)]) },
  { id: 'goaway', name: 'in two steps', reply: (id) => Buffer.concat([goAway(0x7fff_ffff, 0), goAway(id, 0), good(id)]) },
  { id: 'goaway', name: 'with a higher id than before', reply: (id) => Buffer.concat([goAway(0, 0), goAway(id, 0), good(id)]) },
  { id: 'goaway', name: 'of seven bytes', reply: () => frame(GOAWAY, 0, 0, Buffer.alloc(7)) },
  { id: 'goaway', name: 'and the end', reply: () => goAway(0, 0), ending: 'fin' },
  { id: 'CVE-2023-35945', name: 'RST_STREAM behind GOAWAY', requests: 3, reply: (a, b, c) => Buffer.concat([goAway(0, 0), rst(a), rst(b), rst(c)]) },
  { id: 'CVE-2023-35945', name: 'RST_STREAM behind GOAWAY with an error', requests: 3, reply: (a, b, c) => Buffer.concat([goAway(a, 1), rst(a), rst(b), rst(c)]) },
];

const FLOODS: readonly ServerCase[] = [
  { id: 'CVE-2019-9512', name: 'PING flood', reply: (id) => Buffer.concat([times(20_000, () => ping()), good(id)]), loose: true },
  { id: 'CVE-2019-9515', name: 'SETTINGS flood', reply: (id) => Buffer.concat([times(20_000, () => settings()), good(id)]), loose: true },
  { id: 'CVE-2019-9518', name: 'empty DATA', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), times(1_000, () => data(id, ''))]) },
  { id: 'CVE-2019-9518', name: 'empty CONTINUATION', reply: (id) => Buffer.concat([rawHeaders(id, block(OK), 0), times(1_000, () => continuation(id, NOTHING))]) },
  { id: 'CVE-2019-9513', name: 'PRIORITY flood', reply: (id) => Buffer.concat([times(2_000, () => priority(id, 0)), good(id)]) },
  { id: 'flood', name: 'WINDOW_UPDATE flood', reply: (id) => Buffer.concat([times(2_000, () => windowUpdate(0, 1)), good(id)]) },
  { id: 'CVE-2024-30255', name: 'CONTINUATION flood', reply: (id) => Buffer.concat([rawHeaders(id, block(OK), 0), times(3_000, (i) => continuation(id, block([[`x-${i}`, 'y']])))]) },
  { id: 'header count', name: 'a hundred and one', reply: (id) => Buffer.concat([headers(id, [...OK, ...Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'y'] as const)], END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'header count', name: 'a hundred', reply: (id) => Buffer.concat([headers(id, [...OK, ...Array.from({ length: 90 }, (_, i) => [`x-${i}`, 'y'] as const)], END_HEADERS), data(id, 'good', END_STREAM)]) },
  { id: 'header size', name: 'above 60 KiB', reply: (id) => Buffer.concat([rawHeaders(id, block(OK), 0), times(5, (i) => continuation(id, block([[`x-${i}`, 'y'.repeat(15_000)]]), i === 4 ? END_HEADERS : 0)), data(id, 'good', END_STREAM)]) },
  { id: 'header count', name: 'too many trailers', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'good'), headers(id, Array.from({ length: 101 }, (_, i) => [`x-${i}`, 'y'] as const))]) },
  { id: 'HPACK', name: 'an index behind the table', reply: (id) => rawHeaders(id, hex('88 bf'), END_HEADERS) },
  { id: 'HPACK', name: 'bad Huffman code', reply: (id) => rawHeaders(id, hex('88 00 01 61 81 00'), END_HEADERS) },
  { id: 'HPACK', name: 'a table size above the setting', reply: (id) => rawHeaders(id, hex('3f e2 1f 88'), END_HEADERS) },
  { id: 'HPACK bomb', name: 'one entry, twenty times too many', reply: (id) => Buffer.concat([rawHeaders(id, Buffer.concat([hex('88 40 01 78 7f bd 1d'), Buffer.alloc(3_900, 'y'), Buffer.alloc(400, 0xbe)]), ALL)]) },
  { id: 'window', name: 'update of zero on the stream', reply: (id) => Buffer.concat([windowUpdate(id, 0), good(id)]) },
  { id: 'window', name: 'overflow on the stream', reply: (id) => Buffer.concat([windowUpdate(id, 0x7fff_ffff), good(id)]) },
  { id: 'window', name: 'overflow on the connection', reply: (id) => Buffer.concat([windowUpdate(0, 0x7fff_ffff), good(id)]) },
  { id: 'window', name: 'update of three bytes', reply: () => frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(3)) },
  { id: 'frame size', name: 'DATA above 16384', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), frame(DATA, END_STREAM, id, Buffer.alloc(16_385))]) },
  { id: 'frame size', name: 'PING of seven bytes', reply: () => frame(PING, 0, 0, Buffer.alloc(7)) },
  { id: 'frame size', name: 'padding longer than the frame', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), frame(DATA, 8, id, hex('09 61'))]) },
];

const ENDINGS: readonly ServerCase[] = [
  { id: 'ending', name: 'before the head', reply: () => NOTHING, ending: 'fin' },
  { id: 'ending', name: 'in the middle of the head', reply: (id) => rawHeaders(id, block(OK).subarray(0, 1), 0), ending: 'fin' },
  { id: 'ending', name: 'in the middle of a frame', reply: (id) => headers(id, OK, END_HEADERS).subarray(0, 11), ending: 'fin' },
  { id: 'ending', name: 'in the middle of the body', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'go')]), ending: 'fin' },
  { id: 'ending', name: 'a reset of the connection before the head', reply: () => NOTHING, ending: 'rst' },
  { id: 'ending', name: 'a reset of the connection in the middle of the body', reply: (id) => Buffer.concat([headers(id, OK, END_HEADERS), data(id, 'go')]), ending: 'rst' },
  { id: 'ending', name: 'a whole answer, then the end', reply: good, ending: 'fin' },
  { id: 'slow', name: 'no answer', reply: () => NOTHING },
  { id: 'slow', name: 'a head without a body', reply: (id) => headers(id, OK, END_HEADERS) },
];

export const CASES: readonly ServerCase[] = [...PREFACE, ...MALFORMED, ...MESSAGES, ...STREAMS, ...RESETS, ...FLOODS, ...ENDINGS];

export function keyOf(one: ServerCase): string {
  return `${one.id}: ${one.name}`;
}
