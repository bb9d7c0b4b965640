/**
 * Time a message of the HTTP/1 codec, in memory: `node bench/micro/http1.ts [seconds per row]`.
 * CPU time of this thread, the best of five rounds: other load on the machine hardly shows.
 * Rows: a head in one piece is parsed and given to a decoder that does nothing; a head is encoded into a connection that does nothing.
 */
import type { TurnTask } from '../../src/contract/dispatcher.ts';
import { DEFAULT_HTTP1_CLIENT_SETTINGS, DEFAULT_HTTP1_SETTINGS, Http1ClientConnection, Http1ServerConnection } from '../../src/codec/http1/index.ts';
import type { CodecConnection, RequestDecoder, ResponseDecoder, ResponseEncoder } from '../../src/contract/codec.ts';
import { HeaderMap } from '../../src/contract/header-map.ts';

const secondsPerRow = Number(process.argv[2] ?? '0.5');

/** Swallows output. Looks at strings as a socket would: a rope that nobody reads is never built. */
class NullConnection implements CodecConnection {
  bytes = 0;
  readonly pendingWriteBytes = 0;
  private readonly buffer = Buffer.alloc(64 * 1024);

  write(data: Uint8Array | string): void {
    this.bytes += typeof data === 'string' ? this.buffer.write(data, 'latin1') : data.length;
  }

  readDisable(): void {}
  resumeDispatch(): void {}
  endWrite(): void {}

  atTurnEnd(task: TurnTask): void {
    task.onTurnEnd();
  }
}

const counter = { inc(): void {} };
const stats = {
  droppedHeadersWithUnderscores: counter,
  metadataNotSupportedError: counter,
  requestsRejectedWithUnderscoresInHeaders: counter,
  responseFlood: counter,
};

const RESPONSE = HeaderMap.of([':status', '200'], ['content-length', '20'], ['content-type', 'text/plain'], ['date', 'Sat, 21 Nov 2026 15:00:00 GMT'], ['server', 'envoy'], ['x-envoy-upstream-service-time', '1']);
const BODY = Buffer.from('01234567890123456789');

class Answering implements RequestDecoder {
  private readonly encoder: ResponseEncoder;

  constructor(encoder: ResponseEncoder) {
    this.encoder = encoder;
  }

  decodeHeaders(_headers: HeaderMap, endStream: boolean): void {
    if (endStream) this.answer();
  }

  decodeData(_data: Buffer, endStream: boolean): void {
    if (endStream) this.answer();
  }

  decodeTrailers(): void {}
  sendLocalReply(): void {}

  private answer(): void {
    this.encoder.encodeHeaders(RESPONSE, false);
    this.encoder.encodeData(BODY, true);
  }
}

const ignoring: ResponseDecoder = { decode1xxHeaders() {}, decodeHeaders() {}, decodeData() {}, decodeTrailers() {} };

function time(name: string, once: () => void): void {
  for (let i = 0; i < 20_000; i++) once();
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const end = performance.now() + (secondsPerRow * 1000) / 5;
    let runs = 0;
    const start = process.threadCpuUsage();
    while (performance.now() < end) {
      for (let i = 0; i < 1000; i++) once();
      runs += 1000;
    }
    const used = process.threadCpuUsage(start);
    best = Math.min(best, (used.user + used.system) / runs);
  }
  console.log(`${name.padEnd(46)} ${best.toFixed(3)} µs`);
}

const WRK = 'GET / HTTP/1.1\r\nHost: 127.0.0.1:10000\r\n\r\n';
const CURL = 'GET /index.html?a=b HTTP/1.1\r\nHost: 127.0.0.1:10000\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n';
const BROWSER =
  'GET /some/long/path/page.html?query=1 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n' +
  'sec-ch-ua: "Chromium";v="118"\r\nsec-ch-ua-mobile: ?0\r\nUpgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) ' +
  'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n' +
  'Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\nCookie: session=0123456789abcdef; theme=dark\r\nX-Custom-Thing: 1\r\n\r\n';
const POST = 'POST /api HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n01234567890123456789';
const CHUNKED = 'POST /api HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n01234567890123456789\r\n0\r\n\r\n';

for (const [name, text] of [['wrk', WRK], ['curl', CURL], ['browser, 13 headers', BROWSER], ['POST 20 bytes', POST], ['POST chunked', CHUNKED]] as const) {
  const connection = new NullConnection();
  const silent = new Http1ServerConnection(connection, { onGoAway() {}, newStream: (encoder) => new Answering(encoder) }, DEFAULT_HTTP1_SETTINGS, stats);
  const data = Buffer.from(text, 'latin1');
  time(`server: ${name}, parse and answer`, () => {
    if (silent.dispatch(data) !== null) throw new Error('refused');
  });
}

const ORIGIN = 'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 15:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 20\r\nConnection: keep-alive\r\n\r\n01234567890123456789';
const REQUEST = HeaderMap.of([':authority', '127.0.0.1:10000'], [':path', '/index.html'], [':method', 'GET'], [':scheme', 'http'], ['user-agent', 'curl/8.5.0'], ['accept', '*/*'], ['x-forwarded-proto', 'http'], ['x-request-id', '0a6e2b5c-1111-4444-8888-0123456789ab'], ['x-envoy-expected-rq-timeout-ms', '15000']);
{
  const connection = new NullConnection();
  const client = new Http1ClientConnection(connection, DEFAULT_HTTP1_CLIENT_SETTINGS, stats);
  const data = Buffer.from(ORIGIN, 'latin1');
  time('client: encode GET, parse response', () => {
    if (client.newStream(ignoring).encodeHeaders(REQUEST, true) !== null) throw new Error('not sent');
    if (client.dispatch(data) !== null) throw new Error('refused');
  });
}
