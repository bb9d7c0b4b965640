/**
 * Time a message of the HTTP/2 codec, in memory: `node bench/micro/http2.ts [seconds per row]`.
 * CPU time of this thread, the best of five rounds: other load on the machine hardly shows.
 * Rows: a request as a known client repeats it (indexed fields), answered with six headers and 20 bytes; alone, and 32 in one piece. A request
 * encoded and its response taken. A body of 1 MiB in frames of 16 KiB, each way.
 */
import { DEFAULT_HTTP2_SETTINGS, HTTP2_COUNTERS, HTTP2_GAUGES, Http2ClientConnection, http2ConnectionOptions, Http2ServerConnection } from '../../src/codec/http2/index.ts';
import type { Http2CodecStats } from '../../src/codec/http2/index.ts';
import { HpackEncoder, OutBuffer } from '../../src/codec/http2/hpack/index.ts';
import type { CodecConnection, RequestDecoder, ResponseDecoder, ResponseEncoder } from '../../src/contract/codec.ts';
import type { TurnTask } from '../../src/contract/dispatcher.ts';
import { HeaderMap } from '../../src/contract/header-map.ts';

const secondsPerRow = Number(process.argv[2] ?? '0.5');

/** Swallows output. */
class NullConnection implements CodecConnection {
  bytes = 0;
  readonly pendingWriteBytes = 0;
  private tasks: TurnTask[] = [];

  write(data: Uint8Array | string): void {
    this.bytes += data.length;
  }

  readDisable(): void {}
  resumeDispatch(): void {}
  endWrite(): void {}

  atTurnEnd(task: TurnTask): void {
    this.tasks.push(task);
  }

  endTurn(): void {
    const tasks = this.tasks;
    for (let i = 0; i < tasks.length; i++) tasks[i].onTurnEnd();
    tasks.length = 0;
  }
}

const handle = { inc(): void {}, dec(): void {}, add(): void {}, sub(): void {} };
const stats = Object.fromEntries([...Object.keys(HTTP2_COUNTERS), ...Object.keys(HTTP2_GAUGES)].map((name) => [name, handle])) as unknown as Http2CodecStats;
const options = http2ConnectionOptions({ now: () => 0 });

const RESPONSE = HeaderMap.of([':status', '200'], ['content-length', '20'], ['content-type', 'text/plain'], ['date', 'Sat, 21 Nov 2026 15:00:00 GMT'], ['server', 'envoy'], ['x-envoy-upstream-service-time', '1']);
const REQUEST = HeaderMap.of([':method', 'GET'], [':scheme', 'http'], [':authority', '127.0.0.1:10000'], [':path', '/index.html'], ['user-agent', 'h2load nghttp2/1.52.0']);
const PROXIED = HeaderMap.of([':authority', '127.0.0.1:10000'], [':path', '/index.html'], [':method', 'GET'], [':scheme', 'http'], ['user-agent', 'curl/8.5.0'], ['accept', '*/*'], ['x-forwarded-proto', 'http'], ['x-request-id', '0a6e2b5c-1111-4444-8888-0123456789ab'], ['x-envoy-expected-rq-timeout-ms', '15000']);
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
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff', 'latin1');
const SETTINGS = PREFACE.subarray(24);

function frame(type: number, flags: number, payload: Uint8Array): Buffer {
  const head = Buffer.from([0, payload.length >> 8, payload.length & 0xff, type, flags, 0, 0, 0, 0]);
  return Buffer.concat([head, payload]);
}

/** Blocks that teach the table, and the one that is sent from then on. */
function blocks(headers: HeaderMap): [Buffer[], Buffer] {
  const encoder = new HpackEncoder(4096, true);
  const all: Buffer[] = [];
  for (;;) {
    const out = new OutBuffer(256);
    for (let i = 0; i < headers.size; i++) encoder.encode(headers.nameAt(i), headers.valueAt(i), out);
    const block = Buffer.from(out.bytes.subarray(0, out.position));
    if (all.length > 0 && block.equals(all[all.length - 1])) return [all, block];
    all.push(block);
  }
}

function time(name: string, messages: number, once: () => void): void {
  for (let i = 0; i < 20_000 / messages; i++) once();
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const end = performance.now() + (secondsPerRow * 1000) / 5;
    let runs = 0;
    const start = process.threadCpuUsage();
    while (performance.now() < end) {
      for (let i = 0; i < 1000; i += messages) {
        once();
        runs += messages;
      }
    }
    const used = process.threadCpuUsage(start);
    best = Math.min(best, (used.user + used.system) / runs);
  }
  console.log(`${name.padEnd(46)} ${best.toFixed(3)} µs`);
}

function server(): [Http2ServerConnection, NullConnection] {
  const connection = new NullConnection();
  const codec = new Http2ServerConnection(connection, { onGoAway() {}, newStream: (encoder) => new Answering(encoder) }, DEFAULT_HTTP2_SETTINGS, stats, options);
  codec.dispatch(PREFACE);
  return [codec, connection];
}

/** Gives back what one answer takes. */
const window = (answers: number): Buffer => frame(8, 0, Buffer.from([0, 0, (answers * BODY.length) >> 8, (answers * BODY.length) & 0xff]));
const WINDOW_LENGTH = 13;

function serverRow(name: string, messages: number): void {
  const [teaching, repeating] = blocks(REQUEST);
  let [codec] = server();
  let id = 1;
  const piece = Buffer.concat([window(messages), ...Array.from({ length: messages }, () => frame(1, 5, repeating))]);
  const frameLength = 9 + repeating.length;
  const begin = (): void => {
    [codec] = server();
    id = 1;
    for (const block of teaching) {
      const first = frame(1, 5, block);
      first.writeUInt32BE(id, 5);
      codec.dispatch(first);
      id += 2;
    }
  };
  begin();
  time(name, messages, () => {
    if (id > 1_000_000_000) begin();
    for (let i = 0; i < messages; i++) {
      piece.writeUInt32BE(id, WINDOW_LENGTH + i * frameLength + 5);
      id += 2;
    }
    if (codec.dispatch(piece) !== null) throw new Error('refused');
  });
}

serverRow('server: GET, take and answer', 1);
serverRow('server: GET, 32 in one piece', 32);

function clientRow(name: string, messages: number): void {
  const [teaching, repeating] = blocks(RESPONSE);
  const connection = new NullConnection();
  const codec = new Http2ClientConnection(connection, { onGoAway() {}, onSettings() {} }, DEFAULT_HTTP2_SETTINGS, stats, options);
  codec.dispatch(SETTINGS);
  let id = 1;
  const send = (block: Buffer, count: number): void => {
    const ids: number[] = [];
    for (let i = 0; i < count; i++) {
      if (codec.newStream(ignoring).encodeHeaders(PROXIED, true) !== null) throw new Error('not sent');
      ids.push(id);
      id += 2;
    }
    connection.endTurn();
    const piece = pieces.get(block) ?? Buffer.concat(Array.from({ length: count }, () => [frame(1, 4, block), frame(0, 1, BODY)]).flat());
    pieces.set(block, piece);
    const step = piece.length / count;
    for (let i = 0; i < count; i++) {
      piece.writeUInt32BE(ids[i], i * step + 5);
      piece.writeUInt32BE(ids[i], i * step + 9 + block.length + 5);
    }
    if (codec.dispatch(piece) !== null) throw new Error('refused');
  };
  const pieces = new Map<Buffer, Buffer>();
  for (const block of teaching) send(block, 1);
  pieces.clear();
  time(name, messages, () => send(repeating, messages));
}

clientRow('client: encode GET, take response', 1);
clientRow('client: 32 of them in one piece', 32);

{
  const [teaching] = blocks(REQUEST);
  const [codec] = server();
  const head = frame(1, 4, teaching[0]);
  head.writeUInt32BE(1, 5);
  codec.dispatch(head);
  const body = Buffer.concat(Array.from({ length: 4 }, () => frame(0, 0, Buffer.alloc(16_384))));
  for (let i = 0; i < 4; i++) body.writeUInt32BE(1, i * 16_393 + 5);
  time('server: 64 KiB of request body', 1, () => {
    if (codec.dispatch(body) !== null) throw new Error('refused');
  });
}
