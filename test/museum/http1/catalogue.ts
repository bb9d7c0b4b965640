/**
 * The desync catalogue and the HTTP/1 incidents (CVEs of Envoy, Node, llhttp, undici, Pingora) as raw bytes. Each case says what the
 * proxy must do: refuse, or send to the origin exactly these bytes. Verdicts are Envoy 1.40's unless `stricter` says why not.
 */

export interface RequestCase {
  /** Advisory, or catalogue section and number. */
  readonly id: string;
  readonly name: string;
  readonly send: string;
  /** Status and details of the refusal. */
  readonly refused?: string;
  /** What the origin gets, byte for byte. */
  readonly origin?: string;
  readonly stricter?: string;
}

const END = '0\r\n\r\n';
const EVIL = 'GET /evil HTTP/1.1\r\nHost: e\r\n\r\n';

function post(fields: string, body = ''): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
}

function get(fields: string): string {
  return `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
}

function chunked(body: string): string {
  return post('Transfer-Encoding: chunked\r\n', body);
}

const TE_REFUSED = '501 http1.invalid_transfer_encoding';
const BOTH_REFUSED = '400 http1.content_length_and_chunked_not_allowed';
const BAD = '400 http1.codec_error';
const BAD_CHARS = '400 http1.invalid_characters';
const CHUNKED_TO_ORIGIN = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';
const EMPTY_POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n';
const ABC = CHUNKED_TO_ORIGIN + '3\r\nabc\r\n' + END;

/** Section 1: transfer-encoding against content-length, and its disguises. */
const TRANSFER_ENCODING: readonly RequestCase[] = [
  { id: 'desync-1', name: 'CL.TE', send: post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', END + 'G'), refused: BOTH_REFUSED },
  { id: 'desync-1', name: 'TE.CL', send: post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '5c\r\n' + EVIL), refused: BOTH_REFUSED },
  { id: 'desync-1', name: 'TE.TE same', send: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', END), refused: TE_REFUSED },
  { id: 'CVE-2020-8287', name: 'TE.TE other', send: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE.TE identity', send: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE xchunked', send: post('Transfer-Encoding: xchunked\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE identity', send: post('Transfer-Encoding: identity\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE leading comma', send: post('Transfer-Encoding: , chunked\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE trailing comma', send: post('Transfer-Encoding: chunked,\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE list', send: post('Transfer-Encoding: gzip, chunked\r\n', END), refused: TE_REFUSED },
  { id: 'CVE-2022-32213', name: 'TE chunked first in a list', send: post('Transfer-Encoding: chunked, identity\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE quoted', send: post('Transfer-Encoding: "chunked"\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE empty', send: post('Transfer-Encoding:\r\nContent-Length: 3\r\n', 'abc'), refused: BOTH_REFUSED },
  { id: 'desync-1', name: 'TE case', send: post('tRANSFER-eNCODING: cHUNKED\r\n', '3\r\nabc\r\n' + END), origin: ABC },
  { id: 'desync-1', name: 'TE tabs', send: post('Transfer-Encoding:\t chunked \t\r\n', '3\r\nabc\r\n' + END), origin: ABC },
  { id: 'CVE-2019-15606', name: 'trailing space of a value', send: post('Transfer-Encoding: chunked  \r\n', '3\r\nabc\r\n' + END), origin: ABC },
  { id: 'CVE-2019-15605', name: 'TE with VT', send: post('Transfer-Encoding: \x0bchunked\r\n', END), refused: BAD_CHARS },
  { id: 'CVE-2019-15605', name: 'TE with FF', send: post('Transfer-Encoding: chunked\x0c\r\n', END), refused: BAD_CHARS },
  { id: 'desync-1', name: 'TE with NUL', send: post('Transfer-Encoding: chunked\0\r\n', END), refused: BAD_CHARS },
  { id: 'desync-1', name: 'space before colon', send: post('Transfer-Encoding : chunked\r\n', END), refused: BAD },
  { id: 'CVE-2021-22959', name: 'space before colon of content-length', send: post('Content-Length : 5\r\n', 'hello'), refused: BAD },
  { id: 'CVE-2024-27982', name: 'space before content-length', send: 'POST / HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\nhello', refused: BAD },
  { id: 'CVE-2022-32215', name: 'TE on a folded line', send: post('Transfer-Encoding:\r\n chunked\r\n', '3\r\nabc\r\n' + END), origin: ABC },
  { id: 'CVE-2022-32215', name: 'TE folded with more', send: post('Transfer-Encoding: chunked\r\n , identity\r\n', END), refused: TE_REFUSED },
  { id: 'desync-1', name: 'TE hidden in a fold', send: post('X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', 'abc'), origin: 'POST / HTTP/1.1\r\nhost: a\r\nx: y Transfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\nabc' },
  { id: 'CVE-2020-8201', name: 'CR in a name', send: post('Content\rLength: 5\r\n', 'hello'), refused: BAD },
  { id: 'CVE-2022-32214', name: 'CR inside chunked', send: post('Transfer-Encoding: chun\rked\r\n', END), refused: BAD, stricter: 'Envoy forwards an empty body' },
  { id: 'CVE-2022-35256', name: 'header behind a bare CR', send: post('X: y\rTransfer-Encoding: chunked\r\n', ''), origin: 'POST / HTTP/1.1\r\nhost: a\r\nx: yTransfer-Encoding: chunked\r\ncontent-length: 0\r\n\r\n' },
  { id: 'CVE-2025-23167', name: 'CR LF CR X ends nothing', send: 'GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n' + EVIL, refused: BAD },
  { id: 'CVE-2023-30589', name: 'CR alone between fields', send: 'POST / HTTP/1.1\r\nHost: a\rContent-Length: 5\r\n\r\nhello', refused: '400 http.invalid_authority' },
  { id: 'desync-9', name: 'underscore is no hyphen', send: post('Transfer_Encoding: chunked\r\nContent-Length: 3\r\n', 'abc'), origin: 'POST / HTTP/1.1\r\nhost: a\r\ntransfer_encoding: chunked\r\ncontent-length: 3\r\n\r\nabc' },
];

/** Sections 2 and 4: content-length in all forms, and requests whose body nobody expects. */
const CONTENT_LENGTH: readonly RequestCase[] = [
  { id: 'desync-4', name: 'CL list', send: post('Content-Length: 5, 5\r\n', 'hello'), refused: BAD },
  { id: 'desync-4', name: 'CL twice, same', send: post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), refused: BAD },
  { id: 'undici CVE-2026-1525', name: 'CL twice by case', send: post('Content-Length: 5\r\ncontent-LENGTH: 6\r\n', 'hello'), refused: BAD },
  { id: 'desync-4', name: 'CL octal look', send: post('Content-Length: 003\r\n', 'abc'), origin: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 003\r\n\r\nabc' },
  { id: 'desync-4', name: 'CL hex', send: post('Content-Length: 0x3\r\n', 'abc'), refused: BAD },
  { id: 'desync-4', name: 'CL plus', send: post('Content-Length: +3\r\n', 'abc'), refused: BAD },
  { id: 'desync-4', name: 'CL -0', send: post('Content-Length: -0\r\n'), refused: BAD },
  { id: 'CVE-2018-7159', name: 'CL with a space inside', send: post('Content-Length: 1 0\r\n', 'a'), refused: BAD },
  { id: 'desync-4', name: 'CL with a trailing space', send: post('Content-Length: 3 \r\n', 'abc'), origin: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc' },
  { id: 'desync-4', name: 'CL empty', send: post('Content-Length:\r\n'), refused: BAD },
  { id: 'desync-4', name: 'CL folded', send: post('Content-Length: 1\r\n 0\r\n', 'a'), refused: BAD },
  { id: 'desync-4', name: 'CL over 64 bits', send: post('Content-Length: 18446744073709551616\r\n', 'a'), refused: BAD },
  { id: 'desync-4', name: 'CL with underscore', send: post('Content_Length: 3\r\n'), origin: 'POST / HTTP/1.1\r\nhost: a\r\ncontent_length: 3\r\ncontent-length: 0\r\n\r\n' },
  { id: 'desync-2', name: 'GET with a body', send: get('Content-Length: 3\r\n') + 'abc', origin: 'GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc' },
  { id: 'desync-2', name: 'GET with chunks', send: get('Transfer-Encoding: chunked\r\n') + '3\r\nabc\r\n' + END, origin: 'GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' },
  { id: 'desync-2', name: 'CL.0: a body that looks like a request', send: post('Content-Length: 30\r\n', EVIL.slice(0, 30)), origin: `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 30\r\n\r\n${EVIL.slice(0, 30)}` },
  { id: 'desync-2', name: 'POST without a length', send: post(''), origin: EMPTY_POST },
  { id: 'desync-8', name: 'Connection: content-length', send: post('Connection: content-length\r\nContent-Length: 3\r\n', 'abc'), origin: ABC },
  { id: 'desync-8', name: 'Connection: transfer-encoding', send: post('Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n', '3\r\nabc\r\n' + END), origin: ABC },
];

/** Section 3: the grammar of chunks. */
const CHUNKS: readonly RequestCase[] = [
  { id: 'desync-3', name: 'hex prefix', send: chunked('0x3\r\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'plus', send: chunked('+3\r\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'minus', send: chunked('-3\r\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'underscore', send: chunked('3_\r\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'leading space', send: chunked(' 3\r\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'empty size', send: chunked('\r\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'overflow', send: chunked('10000000000000003\r\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'size ended by LF', send: chunked('3\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'size ended by CR', send: chunked('3\rabc\r\n' + END), refused: BAD },
  { id: 'desync-3 TERM.EXT', name: 'extension ended by LF', send: chunked('3;x\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3 EXT.TERM', name: 'CR in an extension', send: chunked('3;x\ry\r\nabc\r\n' + END), refused: BAD },
  { id: 'desync-3', name: 'LF in a quoted extension', send: chunked('3;x="\n"\r\nabc\r\n' + END), refused: BAD },
  { id: 'CVE-2021-22960', name: 'extension is not passed on', send: chunked('3;x=y\r\nabc\r\n' + END), origin: ABC },
  { id: 'desync-3 TERM.SPILL', name: 'bytes behind a chunk are not passed on', send: chunked('3\r\nabcXX\r\n' + END), origin: ABC },
  { id: 'desync-3 SPILL.TERM', name: 'chunk ended by LF is framed anew', send: chunked('3\r\nabc\n' + END), origin: ABC },
  { id: 'desync-3', name: 'missing CR LF', send: chunked('3\r\nabc' + END), refused: BAD },
  { id: 'CVE-2024-22019', name: 'endless extension', send: chunked('3;' + 'x'.repeat(20_000)), refused: BAD, stricter: 'Envoy reads on for ever' },
  { id: 'CVE-2020-8659', name: 'chunks of one byte become one', send: chunked('1\r\nx\r\n'.repeat(1000) + END), origin: CHUNKED_TO_ORIGIN + '3e8\r\n' + 'x'.repeat(1000) + '\r\n' + END },
  { id: 'desync-3', name: 'trailers do not reach the origin', send: chunked('3\r\nabc\r\n0\r\nHost: e\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nAuthorization: x\r\n\r\n'), origin: ABC },
  { id: 'desync-3', name: 'last chunk ended by LF', send: chunked('3\r\nabc\r\n0\n\r\n'), refused: BAD },
  { id: 'desync-3', name: 'trailer without a colon', send: chunked('3\r\nabc\r\n0\r\nGET / HTTP/1.1\r\n\r\n'), refused: BAD },
];

/** Sections 6, 8 and 9, and header injection: host, hop-by-hop, names and values. */
const FIELDS: readonly RequestCase[] = [
  { id: 'desync-6', name: 'two hosts are one value', send: get('Host: b\r\n'), origin: 'GET / HTTP/1.1\r\nhost: a,b\r\n\r\n' },
  { id: 'desync-6', name: 'host against absolute target', send: 'GET http://c/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', origin: 'GET /x HTTP/1.1\r\nhost: c\r\n\r\n' },
  { id: 'desync-6', name: 'user information in the target', send: 'GET http://u:p@c/x HTTP/1.1\r\nHost: a\r\n\r\n', origin: 'GET /x HTTP/1.1\r\nhost: c\r\n\r\n' },
  { id: 'desync-6', name: 'two at signs', send: 'GET http://a@b@c/x HTTP/1.1\r\nHost: a\r\n\r\n', refused: '400 http1.invalid_url' },
  { id: 'desync-6', name: 'path in host', send: 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', refused: '400 http.invalid_authority' },
  { id: 'desync-6', name: 'space in host', send: 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', refused: '400 http.invalid_authority' },
  { id: 'CVE-2023-23936', name: 'CR in host disappears, LF ends it', send: 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n', origin: 'GET / HTTP/1.1\r\nhost: ab\r\n\r\n' },
  { id: 'desync-6', name: 'HTTP/1.0', send: 'GET / HTTP/1.0\r\n\r\n', refused: '426 low_version' },
  { id: 'desync-8', name: 'Connection: x-forwarded-for', send: get('Connection: close, X-Forwarded-For\r\nX-Forwarded-For: 1.2.3.4\r\n'), refused: '400 http1.connection_header_rejected' },
  { id: 'desync-8', name: 'Connection: pseudo-header', send: get('Connection: :path\r\n'), refused: '400 http1.connection_header_rejected' },
  { id: 'desync-8', name: 'many names in Connection', send: get('Connection: a,b,c,d,e,f,g,h,i,j\r\n'), refused: '400 http1.connection_header_rejected' },
  { id: 'desync-8', name: 'what Connection names goes', send: get('Connection: foo\r\nFoo: 1\r\nBar: 2\r\n'), origin: 'GET / HTTP/1.1\r\nhost: a\r\nbar: 2\r\n\r\n' },
  { id: 'desync-9', name: 'byte above 0x7f in a name', send: get('X\xe9: 1\r\n'), refused: BAD },
  { id: 'desync-9', name: 'parenthesis in a name', send: get('X(: 1\r\n'), refused: BAD },
  { id: 'desync-9', name: 'empty name', send: get(': 1\r\n'), refused: BAD },
  { id: 'CVE-2026-21710', name: '__proto__', send: get('__proto__: x\r\n'), origin: 'GET / HTTP/1.1\r\nhost: a\r\n__proto__: x\r\n\r\n' },
  { id: 'CVE-2019-9900', name: 'NUL in a value', send: get('X: a\0b\r\n'), refused: BAD_CHARS },
  { id: 'CVE-2019-18802', name: 'trailing whitespace is trimmed once', send: get('X: a \t \r\n'), origin: 'GET / HTTP/1.1\r\nhost: a\r\nx: a\r\n\r\n' },
  { id: 'CVE-2026-26308', name: 'two values of a name stay two', send: get('X-Role: user\r\nX-Role: admin\r\n'), origin: 'GET / HTTP/1.1\r\nhost: a\r\nx-role: user\r\nx-role: admin\r\n\r\n' },
  { id: 'CVE-2018-12116', name: 'byte above 0x7f in the target', send: 'GET /\xc4\x8a HTTP/1.1\r\nHost: a\r\n\r\n', refused: BAD },
  { id: 'desync-9', name: 'space in the target', send: 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', refused: BAD },
  { id: 'desync-1', name: 'bare LF everywhere', send: 'GET / HTTP/1.1\nHost: a\n\n', origin: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' },
  { id: 'CVE-2018-12121', name: 'head over 60 KiB', send: get('X: ' + 'y'.repeat(61_440) + '\r\n'), refused: '431 http1.headers_too_large' },
  { id: 'CVE-2019-15226', name: 'more than 100 lines', send: get('x: y\r\n'.repeat(100)), refused: '431 http1.too_many_headers' },
];

/** Section 7: upgrades that are none. (Those that are: museum.test.ts.) */
const UPGRADES: readonly RequestCase[] = [
  { id: 'desync-7', name: 'Upgrade without Connection', send: get('Upgrade: websocket\r\n'), origin: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' },
  { id: 'desync-7', name: 'h2c is taken out', send: get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n'), origin: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' },
  { id: 'desync-7', name: 'CONNECT with a body', send: 'CONNECT h:1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc', refused: '400 http1.body_disallowed' },
  { id: 'desync-7', name: 'CONNECT with chunks', send: 'CONNECT h:1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n' + END, refused: TE_REFUSED },
];

export const REQUEST_CASES: readonly RequestCase[] = [...TRANSFER_ENCODING, ...CONTENT_LENGTH, ...CHUNKS, ...FIELDS, ...UPGRADES];
