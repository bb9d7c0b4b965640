/** Frames that RFC 9113 forbids: sizes, flags, stream ids, windows, order. */
import { FRAME_TYPES } from '../../harness/http2-frames.ts';
import type { AttackCase } from './case.ts';
import { block, continuation, data, END_HEADERS, END_STREAM, frame, GET, headers, hex, ping, POST, priority, rawHeaders, rst, settings, times, uint32, windowUpdate } from './wire.ts';

const { DATA, GOAWAY, HEADERS, METADATA, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME_TYPES;
const PADDED = 8;
const WITH_PRIORITY = 0x20;
const ACK = 1;

const PREFACE: readonly AttackCase[] = [
  { id: 'CVE-2021-22883', name: 'an unknown protocol', preface: false, send: () => Buffer.from('\x16\x03\x01\x02\x00\x01\x00'), until: 'close' },
  { id: 'CVE-2021-22883', name: 'a preface with a fault', preface: false, send: () => Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'), until: 'close' },
  { id: 'preface', name: 'no SETTINGS first', preface: false, send: () => Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), headers(1, GET)]), until: 'close' },
  { id: 'preface', name: 'SETTINGS of an odd size', preface: false, send: () => Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0, Buffer.alloc(5))]), until: 'close' },
];

const SIZES: readonly AttackCase[] = [
  { id: 'frame size', name: 'DATA above 16384', stand: 'silent', send: () => Buffer.concat([headers(1, POST, END_HEADERS), frame(DATA, 0, 1, Buffer.alloc(16_385))]), until: 'close' },
  { id: 'frame size', name: 'a length of 16 MiB', send: () => frame(HEADERS, 5, 1, block(GET), 0xff_ffff), until: 'close' },
  { id: 'frame size', name: 'PING of seven bytes', send: () => frame(PING, 0, 0, Buffer.alloc(7)), until: 'close' },
  { id: 'frame size', name: 'RST_STREAM of three bytes', stand: 'silent', send: () => Buffer.concat([headers(1, GET), frame(RST_STREAM, 0, 1, Buffer.alloc(3))]), until: 'close' },
  { id: 'frame size', name: 'PRIORITY of four bytes', send: () => frame(PRIORITY, 0, 1, Buffer.alloc(4)), until: 'close' },
  { id: 'frame size', name: 'WINDOW_UPDATE of three bytes', send: () => frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(3)), until: 'close' },
  { id: 'frame size', name: 'SETTINGS with five bytes', send: () => frame(SETTINGS, 0, 0, Buffer.alloc(5)), until: 'close' },
  { id: 'frame size', name: 'SETTINGS ACK with a payload', send: () => frame(SETTINGS, ACK, 0, Buffer.alloc(6)), until: 'close' },
  { id: 'frame size', name: 'GOAWAY of seven bytes', send: () => frame(GOAWAY, 0, 0, Buffer.alloc(7)), until: 'close' },
  { id: 'frame size', name: 'DATA padding longer than the frame', stand: 'silent', send: () => Buffer.concat([headers(1, POST, END_HEADERS), frame(DATA, PADDED, 1, hex('05 61 62'))]), until: 'close' },
  { id: 'frame size', name: 'HEADERS padding longer than the frame', send: () => frame(HEADERS, PADDED | 5, 1, Buffer.concat([Buffer.from([200]), block(GET)])), until: 'close' },
  { id: 'frame size', name: 'HEADERS padded as allowed', send: () => frame(HEADERS, PADDED | 5, 1, Buffer.concat([Buffer.from([3]), block(GET), Buffer.alloc(3)])), until: { answers: 1 } },
  { id: 'frame size', name: 'HEADERS with PRIORITY cut short', send: () => frame(HEADERS, WITH_PRIORITY | 5, 1, Buffer.alloc(4)), until: 'close' },
  { id: 'frame size', name: 'empty DATA with PADDED', stand: 'silent', send: () => Buffer.concat([headers(1, POST, END_HEADERS), frame(DATA, PADDED, 1)]), until: 'close' },
];

const STREAMS: readonly AttackCase[] = [
  { id: 'stream id', name: 'HEADERS on stream 0', send: () => headers(0, GET), until: 'close' },
  { id: 'stream id', name: 'HEADERS on an even stream', send: () => headers(2, GET), until: 'close' },
  { id: 'stream id', name: 'HEADERS on a lower stream', stand: 'silent', send: () => Buffer.concat([headers(5, GET), headers(3, GET)]), until: { answers: 0 } },
  { id: 'stream id', name: 'the largest id', send: () => headers(0x7fff_ffff, GET), until: { answers: 1 } },
  { id: 'stream id', name: 'the reserved bit is ignored', send: () => headers(0x8000_0001, GET), until: { answers: 1 } },
  { id: 'stream id', name: 'DATA on stream 0', send: () => data(0, 'x'), until: 'close' },
  { id: 'stream id', name: 'DATA on an idle stream', send: () => data(1, 'x'), until: 'close' },
  { id: 'stream id', name: 'RST_STREAM on stream 0', send: () => rst(0), until: 'close' },
  { id: 'stream id', name: 'RST_STREAM on an idle stream', send: () => rst(1), until: 'close' },
  { id: 'stream id', name: 'WINDOW_UPDATE on an idle stream', send: () => windowUpdate(1, 1), until: 'close' },
  { id: 'stream id', name: 'CONTINUATION on an idle stream', send: () => continuation(1, block(GET), END_HEADERS), until: 'close' },
  { id: 'stream id', name: 'SETTINGS on a stream', send: () => frame(SETTINGS, 0, 1), until: 'close' },
  { id: 'stream id', name: 'PING on a stream', send: () => frame(PING, 0, 1, Buffer.alloc(8)), until: 'close' },
  { id: 'stream id', name: 'GOAWAY on a stream', send: () => frame(GOAWAY, 0, 1, Buffer.alloc(8)), until: 'close' },
  { id: 'stream id', name: 'PRIORITY on stream 0', send: () => priority(0, 1), until: { answers: 0 } },
  { id: 'stream id', name: 'PRIORITY that depends on itself', send: () => priority(1, 1), until: { answers: 0 } },
  { id: 'stream id', name: 'HEADERS that depend on themselves', send: () => frame(HEADERS, WITH_PRIORITY | 5, 1, Buffer.concat([uint32(1), Buffer.from([0]), block(GET)])), until: { answers: 1 } },
  { id: 'stream id', name: 'PUSH_PROMISE of a client', send: () => Buffer.concat([headers(1, POST, END_HEADERS), frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(2), block(GET)]))]), until: 'close' },
  { id: 'stream id', name: 'METADATA that nobody allowed', send: () => Buffer.concat([frame(METADATA, 4, 1, block([['a', 'b']])), headers(1, GET)]), until: { answers: 1 } },
  { id: 'stream id', name: 'HEADERS behind RST_STREAM', send: () => Buffer.concat([headers(1, GET), rst(1), headers(1, GET)]), until: { answers: 0 } },
  { id: 'stream id', name: 'DATA behind RST_STREAM', send: () => Buffer.concat([headers(1, POST, END_HEADERS), rst(1), data(1, 'x')]), until: { answers: 0 } },
  { id: 'stream id', name: 'RST_STREAM twice', send: () => Buffer.concat([headers(1, GET), rst(1), rst(1)]), until: { answers: 0 } },
  { id: 'stream id', name: 'WINDOW_UPDATE behind RST_STREAM', send: () => Buffer.concat([headers(1, GET), rst(1), windowUpdate(1, 10)]), until: { answers: 0 } },
  { id: 'stream id', name: 'DATA behind END_STREAM', stand: 'silent', send: () => Buffer.concat([headers(1, GET), data(1, 'x')]), until: 'close' },
  { id: 'stream id', name: 'trailers behind END_STREAM', stand: 'silent', send: () => Buffer.concat([headers(1, GET), headers(1, [['x', 'y']])]), until: 'close' },
  { id: 'stream id', name: 'DATA behind a finished exchange', send: () => [headers(1, GET), data(1, 'x')], until: 'close' },
];

const ORDER: readonly AttackCase[] = [
  { id: 'header block', name: 'PING in the middle', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), ping()]), until: 'close' },
  { id: 'header block', name: 'DATA in the middle', send: () => Buffer.concat([rawHeaders(1, block(GET), 0), data(1, 'x')]), until: 'close' },
  { id: 'header block', name: 'HEADERS of another stream in the middle', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), headers(3, GET)]), until: 'close' },
  { id: 'header block', name: 'CONTINUATION of another stream', send: () => Buffer.concat([rawHeaders(1, block(GET).subarray(0, 3), END_STREAM), continuation(3, block(GET).subarray(3), END_HEADERS)]), until: 'close' },
  { id: 'header block', name: 'an unknown frame in the middle', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), frame(0xee, 0, 1)]), until: 'close' },
  { id: 'header block', name: 'CONTINUATION behind the end', send: () => Buffer.concat([headers(1, GET), continuation(1, block([['x', 'y']]), END_HEADERS)]), until: 'close' },
  { id: 'CVE-2026-73513', name: 'trailers without END_STREAM', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, 'x'), headers(1, [['x', 'y']], END_HEADERS)]), until: 'close' },
  { id: 'CVE-2026-73513', name: 'trailers without END_STREAM, stream errors only', stand: 'lenient', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, 'x'), headers(1, [['x', 'y']], END_HEADERS), data(1, 'z', END_STREAM)]), until: { answers: 1 } },
];

const WINDOWS: readonly AttackCase[] = [
  { id: 'window', name: 'overflow on a stream', stand: 'silent', send: () => Buffer.concat([headers(1, GET), windowUpdate(1, 0x7fff_ffff)]), until: { answers: 1 } },
  { id: 'window', name: 'overflow on the connection by two updates', send: () => Buffer.concat([windowUpdate(0, 0x4000_0000), windowUpdate(0, 0x4000_0000)]), until: 'close' },
  { id: 'window', name: 'update of zero on a stream', stand: 'silent', send: () => Buffer.concat([headers(1, GET), windowUpdate(1, 0)]), until: { answers: 1 } },
  { id: 'window', name: 'update of zero on the connection', send: () => windowUpdate(0, 0), until: 'close' },
  { id: 'window', name: 'INITIAL_WINDOW_SIZE above 2^31 - 1', send: () => settings([4, 0x8000_0000]), until: 'close' },
  { id: 'window', name: 'INITIAL_WINDOW_SIZE that makes a window overflow', stand: 'silent', send: () => Buffer.concat([headers(1, GET), windowUpdate(1, 0x7fff_0000), settings([4, 0x7fff_ffff])]), until: { answers: 1 } },
  { id: 'window', name: 'MAX_FRAME_SIZE too small', send: () => settings([5, 16_383]), until: 'close' },
  { id: 'window', name: 'MAX_FRAME_SIZE too large', send: () => settings([5, 0x100_0000]), until: 'close' },
  { id: 'window', name: 'ENABLE_PUSH of two', send: () => settings([2, 2]), until: 'close' },
  { id: 'window', name: 'ENABLE_CONNECT_PROTOCOL of two', send: () => settings([8, 2]), until: 'close' },
  { id: 'window', name: 'more DATA than the stream window', stand: 'windows', send: () => Buffer.concat([headers(1, POST, END_HEADERS), times(5, () => data(1, Buffer.alloc(16_000)))]), until: { answers: 0 }, loose: [] },
  { id: 'window', name: 'more DATA than the connection window', stand: 'windows', send: () => Buffer.concat([headers(1, POST, END_HEADERS), headers(3, POST, END_HEADERS), times(3, () => Buffer.concat([data(1, Buffer.alloc(16_000)), data(3, Buffer.alloc(16_000))]))]), until: { answers: 0 }, loose: [] },
  { id: 'CVE-2019-9511', name: 'a large answer one byte at a time', stand: 'large', send: () => Buffer.concat([settings([4, 1]), headers(1, GET), times(4, () => windowUpdate(1, 1))]), until: { answers: 0 }, loose: [] },
  { id: 'CVE-2019-9517', name: 'forty large answers that nobody reads', stand: 'large', deaf: true, send: () => Buffer.concat([settings([4, 0x7fff_ffff]), windowUpdate(0, 0x7000_0000), times(40, (i) => headers(2 * i + 1, GET))]), until: { answers: 40 }, loose: [] },
  { id: 'CVE-2020-12604', name: 'an answer without a window is given up in time', stand: 'slow', send: () => Buffer.concat([settings([4, 0]), headers(1, GET)]), until: { answers: 1 } },
];

const SLOW: readonly AttackCase[] = [
  { id: 'slow', name: 'a header block that does not end', stand: 'slow', send: () => rawHeaders(1, block(GET), END_STREAM), until: { answers: 1 } },
  { id: 'slow', name: 'a body that does not come', stand: 'slow', send: () => headers(1, POST, END_HEADERS), until: { answers: 1 } },
];

export const FRAMES: readonly AttackCase[] = [...PREFACE, ...SIZES, ...STREAMS, ...ORDER, ...WINDOWS, ...SLOW];
