/**
 * Time a header block of HPACK, in memory: `node bench/micro/hpack.ts [seconds per row]`.
 * CPU time of this thread, the best of twenty rounds. Rows: a block is decoded into a sink that counts; a list of headers is encoded.
 */
import { HpackDecoder, HpackEncoder, OutBuffer } from '../../src/codec/http2/hpack/index.ts';
import type { HeaderSink } from '../../src/codec/http2/hpack/index.ts';

const secondsPerRow = Number(process.argv[2] ?? '0.5');

class CountingSink implements HeaderSink {
  length = 0;

  onHeader(name: string, value: string, tag: number): boolean {
    this.length += name.length + value.length + (tag & 1);
    return true;
  }
}

type Field = readonly [string, string];

function time(name: string, once: () => void): void {
  for (let i = 0; i < 20_000; i++) once();
  let best = Infinity;
  for (let round = 0; round < 20; round++) {
    const end = performance.now() + (secondsPerRow * 1000) / 20;
    let runs = 0;
    const start = process.threadCpuUsage();
    while (performance.now() < end) {
      for (let i = 0; i < 200; i++) once();
      runs += 200;
    }
    const used = process.threadCpuUsage(start);
    best = Math.min(best, ((used.user + used.system) * 1000) / runs);
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(0).padStart(6)} ns`);
}

const H2LOAD: readonly Field[] = [[':method', 'GET'], [':path', '/'], [':scheme', 'http'], [':authority', '127.0.0.1:10000'], ['user-agent', 'h2load nghttp2/1.52.0']];
const GRPC: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/grpc.testing.BenchmarkService/UnaryCall'],
  [':authority', 'localhost:50051'],
  ['content-type', 'application/grpc'],
  ['user-agent', 'grpc-go/1.70.0'],
  ['te', 'trailers'],
  ['grpc-timeout', '4999990u'],
];
const BROWSER: readonly Field[] = [
  [':method', 'GET'],
  [':authority', 'www.example.com'],
  [':scheme', 'https'],
  [':path', '/some/long/path/page.html?query=1'],
  ['cache-control', 'max-age=0'],
  ['sec-ch-ua', '"Chromium";v="118"'],
  ['sec-ch-ua-mobile', '?0'],
  ['upgrade-insecure-requests', '1'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36'],
  ['accept', 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['accept-language', 'en-US,en;q=0.9'],
  ['cookie', 'session=0123456789abcdef'],
  ['cookie', 'theme=dark'],
];
const RESPONSE: readonly Field[] = [
  [':status', '200'],
  ['content-length', '20'],
  ['content-type', 'text/plain'],
  ['date', 'Sat, 21 Nov 2026 15:00:00 GMT'],
  ['x-envoy-upstream-service-time', '1'],
  ['server', 'envoy'],
];

function blockOf(encoder: HpackEncoder, fields: readonly Field[]): Buffer {
  const out = new OutBuffer(4096);
  for (const [name, value] of fields) encoder.encode(name, value, out);
  return Buffer.from(out.bytes.subarray(0, out.position));
}

function decodeOrThrow(decoder: HpackDecoder, block: Buffer, sink: HeaderSink): void {
  if (decoder.decode(block, 0, block.length, sink) !== 0) throw new Error('refused');
}

for (const [name, fields] of [['h2load', H2LOAD], ['gRPC', GRPC], ['browser', BROWSER], ['response', RESPONSE]] as const) {
  const sink = new CountingSink();
  const encoder = new HpackEncoder(4096, true);
  const decoder = new HpackDecoder(4096);
  // Until all that is worth it has a place.
  let block = blockOf(encoder, fields);
  for (let i = 0; i < 3; i++) {
    decodeOrThrow(decoder, block, sink);
    block = blockOf(encoder, fields);
  }
  time(`decode ${name}: ${fields.length} fields, all indexed`, () => decodeOrThrow(decoder, block, sink));
  const out = new OutBuffer(4096);
  time(`encode ${name}: ${fields.length} fields, all indexed`, () => {
    out.position = 0;
    for (let i = 0; i < fields.length; i++) encoder.encode(fields[i][0], fields[i][1], out);
  });
  for (const huffman of [true, false]) {
    const kind = huffman ? 'Huffman literals' : 'plain literals';
    const literal = blockOf(new HpackEncoder(0, huffman), fields).subarray(1);
    const fresh = new HpackDecoder(4096);
    time(`decode ${name}: ${fields.length} fields, ${kind}`, () => decodeOrThrow(fresh, literal, sink));
    const bare = new HpackEncoder(0, huffman);
    time(`encode ${name}: ${fields.length} fields, ${kind}`, () => {
      out.position = 0;
      for (let i = 0; i < fields.length; i++) bare.encode(fields[i][0], fields[i][1], out);
    });
  }
}

{
  // As the proxy sees it: values are pieces of a head that HTTP/1 has read, new ones with every message.
  const text = RESPONSE.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const bytes = Buffer.from(text, 'latin1');
  const bounds = RESPONSE.map(([name, value]) => {
    const start = text.indexOf(`${name}: ${value}`) + name.length + 2;
    return [start, start + value.length] as const;
  });
  const encoder = new HpackEncoder(4096, true);
  const out = new OutBuffer(4096);
  time('slice of a head, and encode the 6 slices', () => {
    out.position = 0;
    const head = bytes.latin1Slice(0, bytes.length);
    for (let i = 0; i < RESPONSE.length; i++) encoder.encode(RESPONSE[i][0], head.substring(bounds[i][0], bounds[i][1]), out);
  });
  const sum = { length: 0 };
  time('  of which slicing', () => {
    const head = bytes.latin1Slice(0, bytes.length);
    for (let i = 0; i < RESPONSE.length; i++) sum.length += head.substring(bounds[i][0], bounds[i][1]).length;
  });
  let serial = 0;
  const request = new HpackEncoder(4096, true);
  time('encode h2load and a new x-request-id', () => {
    out.position = 0;
    for (let i = 0; i < H2LOAD.length; i++) request.encode(H2LOAD[i][0], H2LOAD[i][1], out);
    request.encode('x-request-id', `0a6e2b5c-1111-4444-8888-${serial++}`, out);
  });
}
