/** Floods: frames that cost the sender nothing. */
import { FRAME_TYPES } from '../../harness/http2-frames.ts';
import type { AttackCase } from './case.ts';
import { block, continuation, data, END_HEADERS, END_STREAM, frame, GET, goAway, headers, nth, ping, POST, priority, rawHeaders, rst, settings, times, uint32, windowUpdate } from './wire.ts';

const CONTROL: readonly AttackCase[] = [
  { id: 'CVE-2019-9512', name: 'PING flood: twenty thousand in one piece', send: () => times(20_000, () => ping()), until: 'close', loose: [] },
  { id: 'CVE-2019-9512', name: 'a few PINGs are answered', send: () => times(20, () => ping()), until: { answers: 0 } },
  { id: 'CVE-2019-9515', name: 'SETTINGS flood: twenty thousand in one piece', send: () => times(20_000, () => settings()), until: 'close', loose: [] },
  { id: 'CVE-2020-11080', name: 'SETTINGS of 2730 entries, again and again', send: () => times(20, () => settings(...Array.from({ length: 2_730 }, (_, i) => [i % 6 === 0 ? 3 : 0xf000 + (i % 100), 100] as const))), until: { answers: 0 } },
  { id: 'CVE-2020-11080', name: 'SETTINGS of 33 entries', send: () => settings(...Array.from({ length: 33 }, (_, i) => [0xf000 + i, i] as const)), until: { answers: 0 } },
  { id: 'CVE-2019-9513', name: 'PRIORITY flood on one stream', send: () => times(2_000, () => priority(1, 0)), until: 'close' },
  { id: 'CVE-2019-9513', name: 'PRIORITY: as many as are allowed', send: () => times(100, () => priority(1, 0)), until: { answers: 0 } },
  { id: 'CVE-2019-9513', name: 'PRIORITY: one more', send: () => times(101, () => priority(1, 0)), until: 'close' },
  { id: 'flood', name: 'WINDOW_UPDATE flood on the connection', send: () => times(2_000, () => windowUpdate(0, 1)), until: 'close' },
  { id: 'flood', name: 'WINDOW_UPDATE flood on a stream', stand: 'silent', send: () => Buffer.concat([headers(1, GET), times(2_000, () => windowUpdate(1, 1))]), until: 'close' },
  { id: 'flood', name: 'WINDOW_UPDATE: five without a stream', send: () => times(5, () => windowUpdate(0, 1)), until: { answers: 0 } },
  { id: 'flood', name: 'WINDOW_UPDATE: six without a stream', send: () => times(6, () => windowUpdate(0, 1)), until: 'close' },
  { id: 'flood', name: 'frames of an unknown type are skipped', send: () => times(5_000, () => frame(0xee, 0xff, 1, Buffer.from('abc'))), until: { answers: 0 } },
  { id: 'flood', name: 'ALTSVC and ORIGIN from a client are skipped', send: () => times(100, () => Buffer.concat([frame(FRAME_TYPES.ALTSVC, 0, 0, Buffer.from('\0\x01ah3=":1"')), frame(FRAME_TYPES.ORIGIN, 0, 0, Buffer.from('\0\x01a'))])), until: { answers: 0 } },
];

const EMPTY: readonly AttackCase[] = [
  { id: 'CVE-2019-9518', name: 'empty DATA without end', stand: 'silent', send: () => Buffer.concat([headers(1, POST, END_HEADERS), times(1_000, () => data(1, ''))]), until: 'close' },
  { id: 'CVE-2019-9518', name: 'one empty DATA is allowed', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, ''), data(1, 'a', END_STREAM)]), until: { answers: 1 } },
  { id: 'CVE-2019-9518', name: 'two empty DATA are not', stand: 'silent', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, ''), data(1, '')]), until: 'close' },
  { id: 'CVE-2019-9518', name: 'padding is no payload', stand: 'silent', send: () => Buffer.concat([headers(1, POST, END_HEADERS), times(10, () => frame(FRAME_TYPES.DATA, 8, 1, Buffer.concat([Buffer.from([200]), Buffer.alloc(200)])))]), until: 'close' },
  { id: 'CVE-2019-9518', name: 'empty CONTINUATION', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), times(100, () => continuation(1, Buffer.alloc(0)))]), until: 'close' },
  { id: 'CVE-2019-9518', name: 'empty HEADERS, each with an empty CONTINUATION', send: () => times(100, (i) => Buffer.concat([rawHeaders(nth(i), Buffer.alloc(0), END_STREAM), continuation(nth(i), Buffer.alloc(0), END_HEADERS)])), until: 'close' },
  { id: 'CVE-2019-9516', name: 'fields without name and value', send: () => rawHeaders(1, Buffer.concat([block(GET), times(2_000, () => Buffer.from([0x40, 0, 0]))])), until: 'close' },
  { id: 'CVE-2019-9516', name: 'one field without a name', send: () => rawHeaders(1, Buffer.concat([block(GET), Buffer.from([0, 0, 0])])), until: { answers: 1 } },
];

const CONTINUATIONS: readonly AttackCase[] = [
  { id: 'CVE-2024-30255', name: 'CONTINUATION flood without an end', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), times(5_000, () => continuation(1, block([['x-a', 'b']])))]), until: 'close' },
  { id: 'CVE-2024-30255', name: 'large CONTINUATION frames without an end', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), times(200, () => continuation(1, block([['x-large', 'y'.repeat(16_000)]])))]), until: { answers: 1 }, loose: [] },
  { id: 'CVE-2024-27919', name: 'CONTINUATION of one byte, six hundred of them', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), times(600, () => continuation(1, Buffer.from([0x82])))]), until: 'close' },
  { id: 'CVE-2024-27919', name: 'few CONTINUATION frames are fine', send: () => Buffer.concat([rawHeaders(1, block(GET).subarray(0, 4), END_STREAM), continuation(1, block(GET).subarray(4, 9)), continuation(1, block(GET).subarray(9), END_HEADERS)]), until: { answers: 1 } },
  { id: 'CVE-2024-30255', name: 'trailers that never end', stand: 'silent', send: () => Buffer.concat([headers(1, POST, END_HEADERS), rawHeaders(1, block([['x-t', '1']]), END_STREAM), times(5_000, () => continuation(1, block([['x-a', 'b']])))]), until: 'close' },
  { id: 'CVE-2024-27983', name: 'the connection goes in the middle of a header block', send: () => rawHeaders(1, block(GET).subarray(0, 4), END_STREAM), until: 'leave' },
];

const MALFORMED = block([...GET, ['connection', 'close']]);

const RESETS: readonly AttackCase[] = [
  { id: 'CVE-2023-44487', name: 'rapid reset: two thousand requests, each reset at once', stand: 'silent', send: () => times(2_000, (i) => Buffer.concat([headers(nth(i), GET), rst(nth(i))])), until: 'close', loose: ['http.museum.downstream_rq_too_many_premature_resets'] },
  { id: 'CVE-2023-44487', name: 'rapid reset in pieces of ten', stand: 'silent', send: () => Array.from({ length: 100 }, (_, n) => times(10, (i) => Buffer.concat([headers(nth(n * 10 + i), GET), rst(nth(n * 10 + i))]))), until: 'close', loose: ['http.museum.downstream_rq_too_many_premature_resets'] },
  { id: 'CVE-2023-44487', name: 'a hundred resets are a client that changes its mind', stand: 'silent', send: () => times(100, (i) => Buffer.concat([headers(nth(i), GET), rst(nth(i))])), until: { answers: 0 }, loose: ['http2.rx_reset'] },
  { id: 'CVE-2021-32778', name: 'a thousand open streams that go with their connection', stand: 'silent', send: () => times(1_000, (i) => headers(nth(i), GET)), until: { answers: 0 }, loose: [] },
  { id: 'Envoy 1.35.1', name: 'premature resets up to the limit, with live streams beside', stand: 'silent', send: () => Buffer.concat([times(50, (i) => headers(nth(i), GET)), times(700, (i) => Buffer.concat([headers(nth(50 + i), GET), rst(nth(50 + i))]))]), until: 'close', loose: ['http.museum.downstream_rq_too_many_premature_resets'] },
  { id: 'CVE-2019-9514', name: 'malformed requests, each answered with a reset', stand: 'lenient', send: () => times(2_000, (i) => rawHeaders(nth(i), MALFORMED)), until: 'close', loose: ['http.museum.downstream_rq_too_many_premature_resets', 'http2.rx_messaging_error'] },
  { id: 'CVE-2019-9514', name: 'malformed requests: the first ends the connection', send: () => times(2_000, (i) => rawHeaders(nth(i), MALFORMED)), until: 'close' },
  { id: 'CVE-2019-9514', name: 'malformed requests of a client that does not read', stand: 'lenient', deaf: true, send: () => times(20_000, (i) => rawHeaders(nth(i), MALFORMED)), until: 'close', loose: ['http.museum.downstream_rq_too_many_premature_resets', 'http2.rx_messaging_error'] },
  { id: 'CVE-2025-8671', name: 'MadeYouReset by WINDOW_UPDATE of zero', stand: 'silent', send: () => times(2_000, (i) => Buffer.concat([headers(nth(i), GET), windowUpdate(nth(i), 0)])), until: 'close', loose: [] },
  { id: 'CVE-2025-8671', name: 'MadeYouReset by a window that overflows', stand: 'silent', send: () => times(2_000, (i) => Buffer.concat([headers(nth(i), GET), windowUpdate(nth(i), 0x7fff_ffff)])), until: 'close', loose: [] },
  { id: 'CVE-2025-8671', name: 'MadeYouReset by DATA after the end', stand: 'silent', send: () => times(2_000, (i) => Buffer.concat([headers(nth(i), GET), data(nth(i), 'x')])), until: 'close', loose: [] },
  { id: 'CVE-2025-8671', name: 'MadeYouReset by HEADERS after the end', stand: 'silent', send: () => times(2_000, (i) => Buffer.concat([headers(nth(i), GET), headers(nth(i), GET)])), until: 'close', loose: [] },
  { id: 'CVE-2025-8671', name: 'MadeYouReset by a stream that depends on itself', stand: 'silent', send: () => times(100, (i) => Buffer.concat([headers(nth(i), GET), priority(nth(i), nth(i))])), until: { answers: 0 } },
  { id: 'CVE-2025-8671', name: 'MadeYouReset by PRIORITY of four bytes', stand: 'silent', send: () => times(2_000, (i) => Buffer.concat([headers(nth(i), GET), frame(FRAME_TYPES.PRIORITY, 0, nth(i), uint32(0))])), until: 'close', loose: [] },
];

const GOAWAYS: readonly AttackCase[] = [
  { id: 'CVE-2021-32780', name: 'GOAWAY and SETTINGS in one piece', stand: 'silent', send: () => Buffer.concat([headers(1, GET), goAway(0, 0), settings([4, 65_535])]), until: { answers: 0 } },
  { id: 'CVE-2021-32780', name: 'GOAWAY and SETTINGS that take the streams away', stand: 'silent', send: () => Buffer.concat([times(20, (i) => headers(nth(i), GET)), goAway(0, 2), settings([3, 0])]), until: { answers: 0 }, loose: [] },
  { id: 'CVE-2025-23085', name: 'GOAWAY with an error, then silence', send: () => goAway(0, 1), until: { answers: 0 } },
  { id: 'CVE-2026-48937', name: 'requests go on after the client’s GOAWAY', send: () => Buffer.concat([goAway(0, 0), headers(1, GET)]), until: { answers: 1 } },
  { id: 'CVE-2026-27135', name: 'frames behind the one that ends the connection', send: () => Buffer.concat([rst(1, 0), headers(3, GET), settings([4, 0xffff_ffff]), ping(), goAway(0, 0)]), until: 'close' },
  { id: 'CVE-2026-21714', name: 'WINDOW_UPDATE overflow on the connection', send: () => windowUpdate(0, 0x7fff_ffff), until: 'close' },
  { id: 'CVE-2026-21714', name: 'WINDOW_UPDATE overflow on the connection with live streams', stand: 'silent', send: () => Buffer.concat([headers(1, GET), windowUpdate(0, 0x7fff_ffff), headers(3, GET)]), until: 'close' },
];

export const FLOODS: readonly AttackCase[] = [...CONTROL, ...EMPTY, ...CONTINUATIONS, ...RESETS, ...GOAWAYS];
