/** Answers of an HTTP/1 origin that must not do to an HTTP/2 client what they would do to an HTTP/1 one: framing, hop-by-hop headers, splitting. */
import type { Reply } from '../../harness/index.ts';
import type { AttackCase } from './case.ts';
import { headers } from './wire.ts';

interface Answer {
  readonly id: string;
  readonly name: string;
  readonly send: string;
  readonly method?: 'HEAD';
  readonly ending?: 'fin';
}

const OK = 'HTTP/1.1 200 OK\r\n';
const FIVE = 'content-length: 5\r\n\r\nhello';

const ANSWERS: readonly Omit<Answer, 'ending'>[] = [
  { id: 'desync-8', name: 'connection: close', send: `${OK}connection: close\r\n${FIVE}` },
  { id: 'desync-8', name: 'connection names another header', send: `${OK}connection: x-hop\r\nx-hop: 1\r\nx-end: 2\r\n${FIVE}` },
  { id: 'desync-8', name: 'keep-alive', send: `${OK}connection: keep-alive\r\nkeep-alive: timeout=5\r\n${FIVE}` },
  { id: 'desync-8', name: 'proxy-connection', send: `${OK}proxy-connection: keep-alive\r\n${FIVE}` },
  { id: 'desync-8', name: 'upgrade', send: `${OK}upgrade: h2c\r\n${FIVE}` },
  { id: 'desync-8', name: 'te and trailer', send: `${OK}te: trailers\r\ntrailer: x\r\n${FIVE}` },
  { id: 'desync-8', name: 'http2-settings', send: `${OK}http2-settings: AAMAAABk\r\n${FIVE}` },
  { id: 'desync-5', name: 'chunked', send: `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n` },
  { id: 'desync-5', name: 'chunked with trailers', send: `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n` },
  { id: 'desync-5', name: 'chunked and content-length', send: `${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n` },
  { id: 'desync-10', name: 'two lengths', send: `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello` },
  { id: 'desync-10', name: 'two lengths that differ', send: `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello` },
  { id: 'desync-10', name: 'more body than said', send: `${OK}content-length: 2\r\n\r\nhello` },
  { id: 'desync-10', name: 'names in upper case', send: `HTTP/1.1 200 OK\r\nX-Upper: A\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n${FIVE}` },
  { id: 'desync-10', name: 'a pseudo-header', send: `${OK}:status: 500\r\n${FIVE}` },
  { id: 'desync-10', name: 'a name with a space', send: `${OK}x y: 1\r\n${FIVE}` },
  { id: 'desync-10', name: 'a bare CR in a value', send: `${OK}x: a\rb\r\n${FIVE}` },
  { id: 'desync-10', name: 'NUL in a value', send: `${OK}x: a\0b\r\n${FIVE}` },
  { id: 'desync-10', name: 'bytes above 0x7f', send: `${OK}x: caf\xe9\r\n${FIVE}` },
  { id: 'desync-10', name: 'a folded value', send: `${OK}x: a\r\n b\r\n${FIVE}` },
  { id: 'desync-10', name: 'a body on 204', send: `HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello` },
  { id: 'desync-10', name: 'a length on 304', send: `HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n` },
  { id: 'desync-10', name: '100, 103, then an answer', send: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\nconnection: x\r\n\r\n${OK}${FIVE}` },
  { id: 'desync-10', name: '101 that nobody asked for', send: `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello` },
  { id: 'desync-10', name: 'status 999', send: `HTTP/1.1 999 Odd\r\n${FIVE}` },
  { id: 'desync-10', name: 'a second answer', send: `${OK}${FIVE}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil` },
];

const ENDED: readonly Answer[] = [
  { id: 'desync-10', name: 'a body until the end', send: `${OK}\r\nhello`, ending: 'fin' },
  { id: 'desync-10', name: 'less body than said', send: `${OK}content-length: 9\r\n\r\nhello`, ending: 'fin' },
  { id: 'desync-10', name: 'chunks that do not end', send: `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`, ending: 'fin' },
  { id: 'desync-10', name: 'a length with HEAD', method: 'HEAD', send: `${OK}content-length: 5\r\n\r\n` },
];

const ALL: readonly Answer[] = [...ANSWERS, ...ENDED];

/** Replies of the stand `answers`, by path. */
export const ANSWER_PATHS: Readonly<Record<string, Reply>> = Object.fromEntries(
  ALL.map(({ send, ending }, i) => [`/${i}`, { steps: ending === undefined ? [{ send }] : [{ send }, { pauseMs: 20 }, { end: ending }] }]),
);

export const ANSWER_CASES: readonly AttackCase[] = ALL.map(({ id, name, method }, i) => ({
  id,
  name: `an origin's answer: ${name}`,
  stand: 'answers',
  send: () => headers(1, [[':method', method ?? 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', `/${i}`]]),
  until: { answers: 1 },
}));
