/** Header blocks: compression, size and count, malformed messages, and what HTTP/1 would make of them behind the proxy. */
import type { AttackCase, StandName } from './case.ts';
import { block, continuation, data, END_HEADERS, END_STREAM, GET, headers, hex, nth, POST, rawHeaders, times } from './wire.ts';

type Pair = readonly [string, string];

/** A literal with incremental indexing, name and value as they are. */
function indexed(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), string(name), string(value)]);
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length: number[] = [];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([127, ...length, rest]), bytes]);
}

/** :method GET, :scheme http, :path /, :authority a. */
const START = hex('82 86 84 41 01 61');
const raw = (...parts: readonly Buffer[]): Buffer => rawHeaders(1, Buffer.concat([START, ...parts]));

const HPACK: readonly AttackCase[] = [
  { id: 'HPACK', name: 'index 0', send: () => raw(hex('80')), until: 'close' },
  { id: 'HPACK', name: 'an index behind the table', send: () => raw(hex('bf')), until: 'close' },
  { id: 'HPACK', name: 'a name index behind the table', send: () => raw(hex('7f 20 01 61')), until: 'close' },
  { id: 'HPACK', name: 'an integer without end', send: () => raw(hex('ff ff ff ff ff ff ff ff ff ff')), until: 'close' },
  { id: 'HPACK', name: 'an integer padded with zeros', send: () => raw(hex('00 02 61 62 7f 80 80 80 80 80 80 00'), Buffer.alloc(127, 'x')), until: 'close' },
  { id: 'HPACK', name: 'an integer padded with two zeros', send: () => raw(hex('00 02 61 62 7f 80 80 00'), Buffer.alloc(127, 'x')), until: { answers: 1 } },
  { id: 'HPACK', name: 'a string behind the end of the block', send: () => raw(hex('00 02 61 62 7f 10 61')), until: 'close' },
  { id: 'HPACK', name: 'EOS in a Huffman string', send: () => raw(hex('00 02 61 62 84 ff ff ff ff')), until: 'close' },
  { id: 'HPACK', name: 'Huffman padding of eight bits', send: () => raw(hex('00 02 61 62 82 07 ff')), until: 'close' },
  { id: 'HPACK', name: 'Huffman padding of zeros', send: () => raw(hex('00 02 61 62 81 00')), until: 'close' },
  { id: 'HPACK', name: 'a table size above the setting', send: () => rawHeaders(1, Buffer.concat([hex('3f e2 1f'), START])), until: 'close' },
  { id: 'HPACK', name: 'a table size behind a field', send: () => raw(hex('20')), until: 'close' },
  { id: 'HPACK', name: 'two table sizes', send: () => rawHeaders(1, Buffer.concat([hex('20 3f e1 1f'), START])), until: { answers: 1 } },
  { id: 'HPACK', name: 'three table sizes', send: () => rawHeaders(1, Buffer.concat([hex('20 3f e1 1f 20'), START])), until: { answers: 1 } },
  { id: 'HPACK', name: 'a hundred table sizes', send: () => rawHeaders(1, Buffer.concat([times(100, () => hex('20')), START])), until: { answers: 1 } },
  { id: 'HPACK', name: 'only a table size', send: () => rawHeaders(1, hex('20')), until: { answers: 1 } },
  { id: 'CVE-2025-59465', name: 'a header block of noise', send: () => rawHeaders(1, Buffer.from(Array.from({ length: 400 }, (_, i) => (i * 197 + 83) & 255))), until: 'close' },
  { id: 'HPACK bomb', name: 'one large entry, four thousand times', send: () => raw(indexed('x-bomb', 'y'.repeat(3_900)), Buffer.alloc(4_000, 0xbe)), until: { answers: 1 }, loose: [] },
  { id: 'HPACK bomb', name: 'the same over many requests', stand: 'lenient', send: () => Buffer.concat([raw(indexed('x-bomb', 'y'.repeat(3_900))), times(20, (i) => rawHeaders(nth(i + 1), Buffer.concat([hex('82 86 84 01 01 61'), Buffer.alloc(1_000, 0xbe)])))]), until: { answers: 21 }, loose: [] },
  { id: 'HPACK bomb', name: 'an entry larger than the table', send: () => raw(indexed('x-bomb', 'y'.repeat(5_000)), hex('be')), until: 'close' },
  { id: 'HPACK bomb', name: 'table churn', send: () => times(50, (n) => rawHeaders(nth(n), Buffer.concat([START, times(90, (i) => indexed(`x-${n}-${i}`, 'v'))]))), until: { answers: 50 }, loose: [] },
  { id: 'HPACK bomb', name: 'a value of 70,000 bytes', stand: 'huge', send: () => inPieces(Buffer.concat([START, indexed('x-big', 'y'.repeat(70_000))])), until: 'close' },
  { id: 'HPACK bomb', name: 'a value of 65,000 bytes', stand: 'huge', send: () => inPieces(Buffer.concat([START, indexed('x-big', 'y'.repeat(65_000))])), until: { answers: 1 } },
  { id: 'HPACK bomb', name: 'two values of 65,000 bytes', stand: 'huge', send: () => inPieces(Buffer.concat([START, indexed('x-big', 'y'.repeat(65_000)), indexed('x-big', 'z'.repeat(65_000))])), until: { answers: 1 } },
];

function many(count: number, make: (i: number) => Pair): Pair[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

const LIMITS: readonly AttackCase[] = [
  { id: 'header count', name: 'a hundred in all', send: () => headers(1, [...GET, ...many(96, (i) => [`x-${i}`, 'v'])]), until: { answers: 1 } },
  { id: 'header count', name: 'a hundred and one', send: () => headers(1, [...GET, ...many(97, (i) => [`x-${i}`, 'v'])]), until: { answers: 1 } },
  { id: 'header count', name: 'the same name a hundred and one times', send: () => headers(1, [...GET, ...many(97, () => ['x', 'v'])]), until: { answers: 1 } },
  { id: 'header count', name: 'the same single name a hundred times', send: () => headers(1, [...GET, ...many(97, () => ['accept', 'v'])]), until: { answers: 1 } },
  { id: 'header count', name: 'too many, stream errors only', stand: 'lenient', send: () => Buffer.concat([headers(1, [...GET, ...many(97, (i) => [`x-${i}`, 'v'])]), headers(3, GET)]), until: { answers: 2 } },
  { id: 'header count', name: 'ten in all', stand: 'tight', send: () => headers(1, [...GET, ...many(6, (i) => [`x-${i}`, 'v'])]), until: { answers: 1 } },
  { id: 'header count', name: 'eleven', stand: 'tight', send: () => headers(1, [...GET, ...many(7, (i) => [`x-${i}`, 'v'])]), until: { answers: 1 } },
  { id: 'header count', name: 'too many trailers', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, 'x'), headers(1, many(101, (i) => [`x-${i}`, 'v']))]), until: { answers: 1 } },
  { id: 'header size', name: 'just below 60 KiB', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), ...[15_000, 15_000, 15_000, 15_900].map((size, i) => continuationOf(`x-${i}`, size, i === 3))]), until: { answers: 1 } },
  { id: 'header size', name: 'above 60 KiB', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), ...[15_000, 15_000, 15_000, 15_000, 15_000].map((size, i) => continuationOf(`x-${i}`, size, i === 4))]), until: { answers: 1 } },
  { id: 'header size', name: 'above 2 KiB', stand: 'tight', send: () => Buffer.concat([headers(1, [...GET, ['x', 'y'.repeat(2_100)]]), headers(3, GET)]), until: { answers: 2 } },
  { id: 'header size', name: 'a long path counts', stand: 'tight', send: () => headers(1, [[':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', `/${'x'.repeat(2_100)}`]]), until: { answers: 1 } },
  { id: 'CVE-2026-47774', name: 'a hundred cookie crumbs', send: () => headers(1, [...GET, ...many(100, (i) => ['cookie', `c${i}=v`])]), until: { answers: 1 }, loose: [] },
  { id: 'CVE-2026-47774', name: 'ten thousand crumbs by index', send: () => raw(indexed('cookie', 'a=b'), Buffer.alloc(10_000, 0xbe)), until: { answers: 1 }, loose: [] },
  { id: 'CVE-2026-47774', name: 'large crumbs', stand: 'tight', send: () => headers(1, [...GET, ...many(5, () => ['cookie', 'x'.repeat(500)])]), until: { answers: 1 }, loose: [] },
  { id: 'CVE-2026-47774', name: 'crumbs become one header', send: () => headers(1, [...GET, ['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2'], ['cookie', 'c=3; d=4']]), until: { answers: 1 } },
  { id: 'CVE-2026-47774', name: 'eight crumbs count as eight', stand: 'tight', send: () => headers(1, [...GET, ...many(8, (i) => ['cookie', `c${i}=v`])]), until: { answers: 1 } },
  { id: 'CVE-2026-73550', name: 'many hosts beside :authority', send: () => headers(1, [...GET, ...many(200, () => ['host', 'a'])]), until: 'close' },
  { id: 'CVE-2026-73550', name: 'one host beside :authority', send: () => headers(1, [...GET, ['host', 'b']]), until: { answers: 1 } },
  { id: 'CVE-2026-73550', name: 'a large host beside :authority counts', stand: 'tight', send: () => headers(1, [...GET, ['host', 'b'.repeat(2_100)]]), until: { answers: 1 } },
  { id: 'CVE-2026-73550', name: 'names with underscores that are dropped', stand: 'drop', send: () => headers(1, [...GET, ['x_y', '1'], ['x-z', '2']]), until: { answers: 1 } },
  { id: 'CVE-2026-73550', name: 'two hundred dropped names', stand: 'drop', send: () => headers(1, [...GET, ...many(200, (i) => [`x_${i}`, 'v'])]), until: { answers: 1 }, loose: [] },
  { id: 'CVE-2026-73550', name: 'large dropped names', stand: 'drop', send: () => Buffer.concat([rawHeaders(1, block(GET), END_STREAM), ...[15_000, 15_000, 15_000, 15_000, 15_000].map((size, i) => continuationOf(`x_${i}`, size, i === 4))]), until: { answers: 1 } },
  { id: 'CVE-2026-73550', name: 'a refused name', stand: 'reject', send: () => headers(1, [...GET, ['x_y', '1']]), until: { answers: 1 } },
];

/** One header block in frames of 16,000 bytes, on stream 1. */
function inPieces(whole: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < whole.length; at += 16_000) {
    const piece = whole.subarray(at, at + 16_000);
    const flags = at + 16_000 >= whole.length ? END_HEADERS : 0;
    frames.push(at === 0 ? rawHeaders(1, piece, flags | END_STREAM) : continuation(1, piece, flags));
  }
  return Buffer.concat(frames);
}

function continuationOf(name: string, size: number, isLast: boolean): Buffer {
  return continuation(1, block([[name, 'y'.repeat(size)]]), isLast ? END_HEADERS : 0);
}

/** Requests that are malformed (RFC 9113 section 8): on the usual stand they end the connection, or the stream alone. */
const MALFORMED: readonly (readonly [id: string, name: string, fields: readonly Pair[], stand?: StandName])[] = [
  ['uppercase', 'a name in upper case', [...GET, ['X-Upper', 'v']]],
  ['uppercase', 'a pseudo-header in upper case', [[':METHOD', 'GET'], ...GET.slice(1)]],
  ['connection headers', 'connection', [...GET, ['connection', 'close']]],
  ['connection headers', 'keep-alive', [...GET, ['keep-alive', 'x']]],
  ['connection headers', 'proxy-connection', [...GET, ['proxy-connection', 'close']]],
  ['connection headers', 'transfer-encoding', [...POST, ['transfer-encoding', 'chunked']]],
  ['connection headers', 'upgrade', [...GET, ['upgrade', 'websocket']]],
  ['connection headers', 'te: gzip', [...GET, ['te', 'gzip']]],
  ['connection headers', 'te: trailers, gzip', [...GET, ['te', 'trailers, gzip']]],
  ['connection headers', 'http2-settings', [...GET, ['http2-settings', 'AAMAAABkAAQAAP__']]],
  ['pseudo-headers', 'behind a field', [...GET.slice(0, 3), ['x', 'y'], [':path', '/']]],
  ['pseudo-headers', 'no :method', GET.slice(1)],
  ['pseudo-headers', 'no :scheme', GET.filter(([name]) => name !== ':scheme')],
  ['pseudo-headers', 'no :path', GET.slice(0, 3)],
  ['pseudo-headers', 'no :authority and no host', GET.filter(([name]) => name !== ':authority')],
  ['pseudo-headers', 'an empty :path', [...GET.slice(0, 3), [':path', '']]],
  ['pseudo-headers', 'an empty :method', [[':method', ''], ...GET.slice(1)]],
  ['pseudo-headers', 'an empty :authority', [...GET.slice(0, 2), [':authority', ''], [':path', '/']]],
  ['pseudo-headers', 'two of :method', [...GET, [':method', 'GET']]],
  ['pseudo-headers', 'two of :path', [...GET, [':path', '/']]],
  ['pseudo-headers', 'two of :authority', [...GET, [':authority', 'a']]],
  ['pseudo-headers', 'two of :scheme', [...GET, [':scheme', 'http']]],
  ['pseudo-headers', ':status in a request', [...GET, [':status', '200']]],
  ['pseudo-headers', 'an unknown one', [...GET, [':unknown', 'x']]],
  ['pseudo-headers', ':protocol without extended CONNECT', [...GET, [':protocol', 'websocket']]],
  ['pseudo-headers', 'CONNECT with :path', [[':method', 'CONNECT'], ...GET.slice(1)]],
  ['pseudo-headers', 'CONNECT without :authority', [[':method', 'CONNECT']]],
  ['pseudo-headers', 'CONNECT with an empty :authority', [[':method', 'CONNECT'], [':authority', '']]],
  ['pseudo-headers', ':protocol of a GET', [...GET, [':protocol', 'websocket']], 'connect'],
  ['pseudo-headers', 'a path that is no path', [...GET.slice(0, 3), [':path', 'abc']]],
  ['pseudo-headers', 'an asterisk of a GET', [...GET.slice(0, 3), [':path', '*']]],
  ['pseudo-headers', 'an absolute :path', [...GET.slice(0, 3), [':path', 'http://evil/x']]],
  ['pseudo-headers', 'user information in :authority', [...GET.slice(0, 2), [':authority', 'u@a'], [':path', '/']]],
  ['pseudo-headers', 'a slash in :authority', [...GET.slice(0, 2), [':authority', 'a/b'], [':path', '/']]],
  ['content-length', 'two of them', [...POST, ['content-length', '1'], ['content-length', '1']]],
  ['content-length', 'two that differ', [...POST, ['content-length', '1'], ['content-length', '2']]],
  ['content-length', 'no number', [...POST, ['content-length', '1x']]],
  ['content-length', 'negative', [...POST, ['content-length', '-1']]],
  ['content-length', 'a sign', [...POST, ['content-length', '+1']]],
  ['content-length', 'a list', [...POST, ['content-length', '1, 1']]],
  ['content-length', 'empty', [...POST, ['content-length', '']]],
  ['content-length', 'too large', [...POST, ['content-length', '99999999999999999999']]],
  ['content-length', 'of a request that ends with its headers', [...POST, ['content-length', '5']]],
  ['desync-5', 'CR LF in a value', [...GET, ['x', 'a\r\nx-evil: 1']]],
  ['desync-5', 'LF in a value', [...GET, ['x', 'a\nx-evil: 1']]],
  ['desync-5', 'CR in a value', [...GET, ['x', 'a\rb']]],
  ['desync-5', 'NUL in a value', [...GET, ['x', 'a\0b']]],
  ['desync-5', 'CR LF in a name', [...GET, ['x\r\nx-evil', '1']]],
  ['desync-5', 'a colon in a name', [...GET, ['x: y', '1']]],
  ['desync-5', 'a space in a name', [...GET, ['x y', '1']]],
  ['desync-5', 'CR LF in :path', [...GET.slice(0, 3), [':path', '/ HTTP/1.1\r\nx-evil: 1\r\n\r\nGET /b']]],
  ['desync-5', 'a space in :path', [...GET.slice(0, 3), [':path', '/a b']]],
  ['desync-5', 'a tab in :path', [...GET.slice(0, 3), [':path', '/a\tb']]],
  ['desync-5', 'CR LF in :method', [[':method', 'GET / HTTP/1.1\r\nx: y\r\n\r\n'], ...GET.slice(1)]],
  ['desync-5', 'a space in :method', [[':method', 'GET /x'], ...GET.slice(1)]],
  ['desync-5', 'CR LF in :authority', [...GET.slice(0, 2), [':authority', 'a\r\nx: y'], [':path', '/']]],
  ['desync-5', 'a space in :authority', [...GET.slice(0, 2), [':authority', 'a b'], [':path', '/']]],
  ['desync-5', 'CR LF in :scheme', [[':method', 'GET'], [':scheme', 'http\r\nx: y'], [':authority', 'a'], [':path', '/']]],
  ['desync-5', 'another :scheme', [[':method', 'GET'], [':scheme', 'ftp'], [':authority', 'a'], [':path', '/']]],
  ['desync-5', 'a :scheme with a path', [[':method', 'GET'], [':scheme', 'http://evil/?'], [':authority', 'a'], [':path', '/']]],
  ['desync-5', 'transfer-encoding in trailers', [...POST, ['trailer', 'transfer-encoding']]],
  ['CVE-2023-27491', 'a DEL in :path', [...GET.slice(0, 3), [':path', '/a\x7f']]],
  ['CVE-2023-27491', 'bytes above 0x7f in :path', [...GET.slice(0, 3), [':path', '/caf\xe9']]],
  ['CVE-2023-27491', 'an empty :scheme', [[':method', 'GET'], [':scheme', ''], [':authority', 'a'], [':path', '/']]],
];

const MESSAGES: readonly AttackCase[] = MALFORMED.map(([id, name, fields, stand]) => ({ id, name, stand: stand ?? 'plain', send: () => headers(1, fields), until: { answers: 1 } }));
const ALONE: readonly AttackCase[] = MALFORMED.filter(([, , , stand]) => stand === undefined).map(([id, name, fields]) => ({ id, name: `${name}, stream errors only`, stand: 'lenient', send: () => Buffer.concat([headers(1, fields), headers(3, GET)]), until: { answers: 2 } }));

const BODIES: readonly AttackCase[] = [
  { id: 'content-length', name: 'less DATA than said', send: () => Buffer.concat([headers(1, [...POST, ['content-length', '5']], END_HEADERS), data(1, 'abc', END_STREAM)]), until: { answers: 1 } },
  { id: 'content-length', name: 'more DATA than said', send: () => Buffer.concat([headers(1, [...POST, ['content-length', '2']], END_HEADERS), data(1, 'abcdef', END_STREAM)]), until: { answers: 1 } },
  { id: 'content-length', name: 'more DATA than said, in the second frame', stand: 'silent', send: () => Buffer.concat([headers(1, [...POST, ['content-length', '2']], END_HEADERS), data(1, 'ab'), data(1, 'GET /evil HTTP/1.1\r\n\r\n', END_STREAM)]), until: { answers: 1 } },
  { id: 'content-length', name: 'trailers before all of it', send: () => Buffer.concat([headers(1, [...POST, ['content-length', '5']], END_HEADERS), data(1, 'ab'), headers(1, [['x', 'y']])]), until: { answers: 1 } },
  { id: 'content-length', name: 'as said', send: () => Buffer.concat([headers(1, [...POST, ['content-length', '5']], END_HEADERS), data(1, 'ab'), data(1, 'cde', END_STREAM)]), until: { answers: 1 } },
  { id: 'content-length', name: 'less DATA than said, stream errors only', stand: 'lenient', send: () => Buffer.concat([headers(1, [...POST, ['content-length', '5']], END_HEADERS), data(1, 'abc', END_STREAM), headers(3, GET)]), until: { answers: 2 } },
  { id: 'content-length', name: 'more DATA than said, stream errors only', stand: 'lenient', send: () => Buffer.concat([headers(1, [...POST, ['content-length', '2']], END_HEADERS), data(1, 'abcdef', END_STREAM), headers(3, GET)]), until: { answers: 2 } },
  { id: 'desync-5', name: 'a body that looks like a request is chunked', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, '0\r\n\r\nGET /evil HTTP/1.1\r\nhost: e\r\n\r\n', END_STREAM)]), until: { answers: 1 } },
  { id: 'desync-5', name: 'a GET with a body', send: () => Buffer.concat([headers(1, GET, END_HEADERS), data(1, 'GET /evil HTTP/1.1\r\n\r\n', END_STREAM)]), until: { answers: 1 } },
  { id: 'desync-5', name: 'host instead of :authority', send: () => headers(1, [...GET.filter(([name]) => name !== ':authority'), ['host', 'b']]), until: { answers: 1 } },
  { id: 'desync-5', name: 'whitespace around values', send: () => headers(1, [...GET, ['x', '  a\t ']]), until: { answers: 1 } },
  { id: 'desync-5', name: 'te: trailers is let through', send: () => headers(1, [...GET, ['te', 'trailers']]), until: { answers: 1 } },
  { id: 'pseudo-headers', name: 'in trailers', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, 'x'), headers(1, [[':path', '/evil']])]), until: 'close' },
  { id: 'desync-5', name: 'content-length in trailers', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, 'x'), headers(1, [['content-length', '5']])]), until: { answers: 1 } },
  { id: 'desync-5', name: 'transfer-encoding among trailers', send: () => Buffer.concat([headers(1, POST, END_HEADERS), data(1, 'x'), headers(1, [['transfer-encoding', 'chunked']])]), until: 'close' },
];

export const FIELDS: readonly AttackCase[] = [...HPACK, ...LIMITS, ...MESSAGES, ...ALONE, ...BODIES];
