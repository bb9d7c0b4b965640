import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../base/random.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks, StreamFilter } from '../../contract/http-filter.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, DATA_STOP_ITERATION_AND_WATERMARK, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE,
  HEADERS_CONTINUE_AND_DONT_END_STREAM, HEADERS_STOP_ALL_AND_BUFFER, HEADERS_STOP_ALL_AND_WATERMARK, HEADERS_STOP_ITERATION,
  TRAILERS_CONTINUE, TRAILERS_STOP_ITERATION,
} from '../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../contract/status.ts';
import { TestProxy, splitMessage, testRoute, testRouteEntry } from './testing/proxy.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi';

// Long because every rule of the manager is shown by filters that share one base and one driver.

/** A filter of which a test overrides what it needs. */
class PlainFilter implements StreamFilter {
  decoder!: StreamDecoderFilterCallbacks;
  encoder!: StreamEncoderFilterCallbacks;
  destroyed = 0;

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.decoder = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void {
    this.encoder = callbacks;
  }

  decodeHeaders(_headers: HeaderMap, _endStream: boolean): FilterHeadersStatus {
    return HEADERS_CONTINUE;
  }

  decodeData(_data: Buffer, _endStream: boolean): FilterDataStatus {
    return DATA_CONTINUE;
  }

  decodeTrailers(_trailers: HeaderMap): FilterTrailersStatus {
    return TRAILERS_CONTINUE;
  }

  encodeHeaders(_headers: HeaderMap, _endStream: boolean): FilterHeadersStatus {
    return HEADERS_CONTINUE;
  }

  encodeData(_data: Buffer, _endStream: boolean): FilterDataStatus {
    return DATA_CONTINUE;
  }

  encodeTrailers(_trailers: HeaderMap): FilterTrailersStatus {
    return TRAILERS_CONTINUE;
  }

  onDestroy(): void {
    this.destroyed++;
  }
}

/** A proxy whose filters are made by `makers`, the last instances at hand. */
function proxyWith(...makers: readonly (() => PlainFilter)[]): { proxy: TestProxy; made: PlainFilter[] } {
  const made: PlainFilter[] = [];
  const filters = makers.map((make, i) => ({
    name: `filter-${i}`,
    create: (callbacks: { addStreamFilter(name: string, filter: StreamFilter): void }): void => {
      const filter = make();
      made.push(filter);
      callbacks.addStreamFilter('ignored', filter);
    },
  }));
  return { proxy: new TestProxy({ filters }), made };
}

test('decoder filters run first to last, encoder filters last to first', () => {
  const order: string[] = [];
  class Ordered extends PlainFilter {
    private readonly id: string;
    constructor(id: string) {
      super();
      this.id = id;
    }
    override decodeHeaders(): FilterHeadersStatus {
      order.push(`d${this.id}`);
      return HEADERS_CONTINUE;
    }
    override encodeHeaders(): FilterHeadersStatus {
      order.push(`e${this.id}`);
      return HEADERS_CONTINUE;
    }
  }
  const { proxy } = proxyWith(() => new Ordered('1'), () => new Ordered('2'), () => new Ordered('3'));
  const client = proxy.connect();
  client.receive(GET);
  proxy.origin.upstream.respond(OK);
  assert.equal(order.join(), 'd1,d2,d3,e3,e2,e1');
  assert.match(client.take(), /hi$/);
});

test('a filter that holds everything gets it when it continues', () => {
  class Holding extends PlainFilter {
    got = '';
    override decodeHeaders(): FilterHeadersStatus {
      return HEADERS_STOP_ALL_AND_WATERMARK;
    }
    override decodeData(data: Buffer): FilterDataStatus {
      this.got += data.toString('latin1');
      return DATA_CONTINUE;
    }
  }
  const { proxy, made } = proxyWith(() => new Holding());
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 4\r\n\r\nab');
  client.receive('cd');
  const filter = made[0] as Holding;
  assert.equal(filter.got, '');
  assert.equal(filter.decoder.decodingBuffer()?.toString(), 'abcd');
  filter.decoder.continueDecoding();
  assert.equal(filter.got, 'abcd');
  assert.equal(splitMessage(proxy.origin.upstream.take()).body, 'abcd');
});

test('too much for a filter that buffers: 413, nothing upstream', () => {
  class Buffering extends PlainFilter {
    override decodeHeaders(): FilterHeadersStatus {
      return HEADERS_STOP_ITERATION;
    }
    override decodeData(): FilterDataStatus {
      return DATA_STOP_ITERATION_AND_BUFFER;
    }
  }
  const { proxy, made } = proxyWith(() => new Buffering());
  const client = proxy.connect();
  client.receive(`POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 5000\r\n\r\n${'x'.repeat(1_001)}`);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.body], ['HTTP/1.1 413 Payload Too Large', 'Payload Too Large']);
  assert.equal(proxy.logs[0].details, 'request_payload_too_large');
  assert.equal(proxy.http('downstream_rq_too_large'), 1);
  assert.equal(proxy.origin.upstreams.length, 0);
  assert.equal(made[0].destroyed, 1);
});

test('too much for a filter that watches the mark: the client pauses and goes on', () => {
  class Watching extends PlainFilter {
    override decodeHeaders(): FilterHeadersStatus {
      return HEADERS_STOP_ALL_AND_WATERMARK;
    }
  }
  const { proxy, made } = proxyWith(() => new Watching());
  const client = proxy.connect();
  client.receive(`POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 1001\r\n\r\n${'x'.repeat(1_001)}`);
  assert.equal(client.pauses, 1);
  made[0].decoder.continueDecoding();
  assert.equal(client.pauses, 0);
  assert.equal(splitMessage(proxy.origin.upstream.take()).body.length, 1_001);
});

test('a response too large to buffer: 500, or a cut when it has begun', () => {
  class BufferingResponse extends PlainFilter {
    override encodeHeaders(): FilterHeadersStatus {
      return HEADERS_STOP_ITERATION;
    }
    override encodeData(): FilterDataStatus {
      return DATA_STOP_ITERATION_AND_BUFFER;
    }
  }
  const { proxy } = proxyWith(() => new BufferingResponse());
  const client = proxy.connect();
  client.receive(GET);
  proxy.origin.upstream.respond(`HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n${'y'.repeat(1_001)}`);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.body], ['HTTP/1.1 500 Internal Server Error', 'Internal Server Error']);
  assert.equal(proxy.logs[0].details, 'response_payload_too_large');
  assert.equal(proxy.http('rs_too_large'), 1);
  assert.equal(proxy.origin.upstream.reset, true);
});

test('a local reply of a decoder filter passes all encoder filters, once', () => {
  const seen: string[] = [];
  class Denying extends PlainFilter {
    override decodeHeaders(): FilterHeadersStatus {
      this.decoder.sendLocalReply(403, 'no', (headers) => headers.add('x-why', 'because'), -1, 'denied');
      return HEADERS_STOP_ITERATION;
    }
  }
  class Watching extends PlainFilter {
    override encodeHeaders(headers: HeaderMap): FilterHeadersStatus {
      seen.push(headers.get(':status') ?? '');
      return HEADERS_CONTINUE;
    }
    override encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
      seen.push(`${data.toString()}${endStream ? '.' : ''}`);
      return DATA_CONTINUE;
    }
  }
  const { proxy, made } = proxyWith(() => new Watching(), () => new Denying(), () => new Watching());
  const client = proxy.connect();
  client.receive(GET);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.headers.get('x-why'), response.body], ['HTTP/1.1 403 Forbidden', 'because', 'no']);
  assert.deepEqual(seen, ['403', '403', 'no.', 'no.']);
  assert.equal(proxy.logs[0].details, 'denied');
  assert.deepEqual(made.map((filter) => filter.destroyed), [1, 1, 1]);
});

test('a local reply of an encoder filter replaces the response', () => {
  class Replacing extends PlainFilter {
    override encodeHeaders(): FilterHeadersStatus {
      this.encoder.sendLocalReply(502, 'replaced', null, -1, 'replaced');
      return HEADERS_STOP_ITERATION;
    }
  }
  const { proxy, made } = proxyWith(() => new Replacing());
  const client = proxy.connect();
  client.receive(GET);
  proxy.origin.upstream.respond(OK);
  const response = splitMessage(client.take());
  assert.deepEqual([response.firstLine, response.body], ['HTTP/1.1 502 Bad Gateway', 'replaced']);
  assert.equal(made[0].destroyed, 1);
});

test('an encoder filter that takes the status away: 502', () => {
  class Breaking extends PlainFilter {
    override encodeHeaders(headers: HeaderMap): FilterHeadersStatus {
      headers.remove(':status');
      return HEADERS_CONTINUE;
    }
  }
  const { proxy } = proxyWith(() => new Breaking());
  const client = proxy.connect();
  client.receive(GET);
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 502 Bad Gateway/);
  assert.equal(proxy.logs[0].details, 'filter_removed_required_response_headers{missing_required_header:_:status}');
});

test('a decoder filter adds a body to a request without one', () => {
  class Adding extends PlainFilter {
    override decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
      headers.set('content-length', '5');
      this.decoder.addDecodedData(Buffer.from('added'), true);
      return HEADERS_CONTINUE;
    }
  }
  const { proxy } = proxyWith(() => new Adding());
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n');
  assert.equal(splitMessage(proxy.origin.upstream.take()).body, 'added');
  proxy.origin.upstream.respond(OK);
  assert.match(client.take(), /^HTTP\/1.1 200/);
});

test('an encoder filter turns a response without a body into one with, later', () => {
  class Later extends PlainFilter {
    override encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
      headers.remove('content-length');
      return endStream ? HEADERS_CONTINUE_AND_DONT_END_STREAM : HEADERS_CONTINUE;
    }
  }
  const { proxy, made } = proxyWith(() => new Later());
  const client = proxy.connect();
  client.receive(GET);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  assert.match(client.take(), /transfer-encoding: chunked/);
  made[0].encoder.injectEncodedDataToFilterChain(Buffer.from('late'), true);
  assert.equal(client.take(), '4\r\nlate\r\n0\r\n\r\n');
  assert.equal(proxy.http('downstream_rq_active'), 0);
});

test('a filter is switched off and on by the route, under its name in the configuration', () => {
  const made: string[] = [];
  const create = (name: string) => (): void => {
    made.push(name);
  };
  const proxy = new TestProxy({
    filters: [
      { name: 'usual', create: create('usual') }, { name: 'off', create: create('off'), disabled: true }, { name: 'stopped', create: create('stopped') },
    ],
  });
  proxy.routes.route = testRoute(testRouteEntry(), null, {
    filterDisabled: (name) => (name === 'off' ? false : name === 'stopped' ? true : null),
  });
  proxy.connect().receive(GET);
  assert.deepEqual(made, ['usual', 'off']);
});

/** Does what chance says, and checks that nobody calls it out of order. */
class RandomFilter extends PlainFilter {
  private readonly random: SeededRandom;
  private readonly chaos: boolean;
  private decodeStopped = false;
  private encodeStopped = false;
  private kept: Buffer[] = [];
  private decodeEnded = false;
  private encodeEnded = false;
  private sawDecodeHeaders = false;
  private sawEncodeHeaders = false;
  aborted = false;

  constructor(random: SeededRandom, chaos: boolean) {
    super();
    this.random = random;
    this.chaos = chaos;
  }

  private alive(): void {
    assert.equal(this.destroyed, 0, 'called after onDestroy');
  }

  /** Sometimes answers the request itself, or gives it up. True when it did. */
  private maybeAbort(callbacks: StreamDecoderFilterCallbacks | StreamEncoderFilterCallbacks): boolean {
    if (!this.chaos || this.random.below(20) !== 0) return false;
    this.aborted = true;
    if (this.random.below(2) === 0) callbacks.sendLocalReply(418, 'chance', null, -1, 'chance');
    else callbacks.resetStream(0, '');
    return true;
  }

  private headersStatus(): FilterHeadersStatus {
    const choices = [HEADERS_CONTINUE, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, HEADERS_STOP_ALL_AND_BUFFER, HEADERS_STOP_ALL_AND_WATERMARK] as const;
    return choices[this.random.below(choices.length)];
  }

  override decodeHeaders(_headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    this.alive();
    assert.equal(this.sawDecodeHeaders, false);
    this.sawDecodeHeaders = true;
    this.decodeEnded = endStream;
    if (this.maybeAbort(this.decoder)) return HEADERS_STOP_ITERATION;
    const status = this.headersStatus();
    this.decodeStopped = status !== HEADERS_CONTINUE;
    return status;
  }

  override encodeHeaders(_headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    this.alive();
    assert.equal(this.sawEncodeHeaders, false);
    this.sawEncodeHeaders = true;
    this.encodeEnded = endStream;
    if (this.maybeAbort(this.encoder)) return HEADERS_STOP_ITERATION;
    const status = this.headersStatus();
    this.encodeStopped = status !== HEADERS_CONTINUE;
    return status;
  }

  override decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    this.alive();
    assert.ok(this.sawDecodeHeaders && !this.decodeEnded, 'data before headers or after the end');
    this.decodeEnded = endStream;
    if (this.maybeAbort(this.decoder)) return DATA_STOP_ITERATION_NO_BUFFER;
    // Once it keeps bytes it keeps those that follow, or they would overtake.
    const choice = this.kept.length > 0 ? 3 : this.random.below(4);
    this.decodeStopped = choice !== 0;
    if (choice !== 3) return ([DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, DATA_STOP_ITERATION_AND_WATERMARK] as const)[choice];
    // Kept by the filter itself; goes back into the manager's buffer before it continues.
    this.kept.push(Buffer.from(data));
    return DATA_STOP_ITERATION_NO_BUFFER;
  }

  override encodeData(_data: Buffer, endStream: boolean): FilterDataStatus {
    this.alive();
    assert.ok(this.sawEncodeHeaders && !this.encodeEnded, 'data before headers or after the end');
    this.encodeEnded = endStream;
    if (this.maybeAbort(this.encoder)) return DATA_STOP_ITERATION_NO_BUFFER;
    const choice = this.random.below(3);
    this.encodeStopped = choice !== 0;
    return ([DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, DATA_STOP_ITERATION_AND_WATERMARK] as const)[choice];
  }

  override decodeTrailers(): FilterTrailersStatus {
    this.alive();
    this.decodeEnded = true;
    if (this.maybeAbort(this.decoder)) return TRAILERS_STOP_ITERATION;
    this.decodeStopped = this.kept.length > 0 || this.random.below(2) === 0;
    return this.decodeStopped ? TRAILERS_STOP_ITERATION : TRAILERS_CONTINUE;
  }

  override encodeTrailers(): FilterTrailersStatus {
    this.alive();
    this.encodeEnded = true;
    this.encodeStopped = this.random.below(2) === 0;
    return this.encodeStopped ? TRAILERS_STOP_ITERATION : TRAILERS_CONTINUE;
  }

  /** Goes on with what it held back; false when it held nothing. */
  goOn(): boolean {
    if (this.destroyed > 0) return false;
    if (this.decodeStopped) {
      this.decodeStopped = false;
      for (const piece of this.kept) this.decoder.addDecodedData(piece, true);
      this.kept = [];
      this.decoder.continueDecoding();
      return true;
    }
    if (!this.encodeStopped) return false;
    this.encodeStopped = false;
    this.encoder.continueEncoding();
    return true;
  }

  override onDestroy(): void {
    super.onDestroy();
    assert.equal(this.destroyed, 1, 'onDestroy twice');
  }
}

interface Run {
  readonly proxy: TestProxy;
  readonly filters: RandomFilter[];
  readonly random: SeededRandom;
}

function randomRun(seed: number, chaos: boolean): Run {
  const random = new SeededRandom(seed);
  const filters: RandomFilter[] = [];
  const count = 1 + random.below(4);
  const makers = Array.from({ length: count }, (_, i) => ({
    name: `f${i}`,
    create: (callbacks: { addStreamFilter(name: string, filter: StreamFilter): void }): void => {
      const filter = new RandomFilter(random, chaos);
      filters.push(filter);
      callbacks.addStreamFilter('', filter);
    },
  }));
  return { proxy: new TestProxy({ filters: makers, codec: { enableTrailers: true } }), filters, random };
}

function letOneGoOn(run: Run): boolean {
  const start = run.random.below(run.filters.length || 1);
  for (let i = 0; i < run.filters.length; i++) {
    if (run.filters[(start + i) % run.filters.length].goOn()) return true;
  }
  return false;
}

function chunked(pieces: readonly string[], trailers: boolean): string[] {
  return [...pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`), trailers ? '0\r\nx-trailer: t\r\n\r\n' : '0\r\n\r\n'];
}

function pieces(random: SeededRandom, letter: string): string[] {
  return Array.from({ length: random.below(4) }, (_, i) => `${letter}${i}`.repeat(1 + random.below(8)));
}

/** Chunked body of a message, put together; trailers too. */
function unchunk(body: string): string {
  let text = '';
  let rest = body;
  for (;;) {
    const end = rest.indexOf('\r\n');
    const size = parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) return text + (rest.includes('x-trailer') ? '|t' : '');
    text += rest.slice(end + 2, end + 2 + size);
    rest = rest.slice(end + 4 + size);
  }
}

function body(message: string): string {
  const { headers, body: text } = splitMessage(message);
  return headers.get('transfer-encoding') === 'chunked' ? unchunk(text) : text;
}

test('an encoder filter gives a response without a body one with trailers', () => {
  class Filling extends PlainFilter {
    override encodeHeaders(_headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
      if (endStream) {
        this.encoder.addEncodedData(Buffer.from('body'), false);
        this.encoder.addEncodedTrailers().set('t', 'v');
      }
      return HEADERS_CONTINUE;
    }
  }
  const seen: string[] = [];
  class Watching extends PlainFilter {
    override encodeHeaders(_headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
      seen.push(`headers ${endStream}`);
      return HEADERS_CONTINUE;
    }
    override encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
      seen.push(`${data.toString('latin1')} ${endStream}`);
      return DATA_CONTINUE;
    }
    override encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
      seen.push(`t ${trailers.get('t')}`);
      return TRAILERS_CONTINUE;
    }
  }
  const { proxy } = proxyWith(() => new Watching(), () => new Filling());
  const client = proxy.connect();
  client.receive(GET);
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  assert.deepEqual(seen, ['headers false', 'body false', 't v']);
});

/** Puts upper case in the place of each body part. */
class Replacing extends PlainFilter {
  private readonly status: FilterDataStatus;
  constructor(status: FilterDataStatus) {
    super();
    this.status = status;
  }
  override encodeHeaders(): FilterHeadersStatus {
    return this.status === DATA_CONTINUE ? HEADERS_CONTINUE : HEADERS_STOP_ITERATION;
  }
  override decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    this.decoder.replaceData(Buffer.from(data.toString('latin1').toUpperCase(), 'latin1'));
    return endStream ? DATA_CONTINUE : this.status;
  }
  override encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    this.encoder.replaceData(Buffer.from(data.toString('latin1').toUpperCase(), 'latin1'));
    return endStream ? DATA_CONTINUE : this.status;
  }
}

for (const status of [DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER] as const) {
  test(`a filter puts other data in the place of what passes, and answers ${status}`, () => {
    const seen: string[] = [];
    class Watching extends PlainFilter {
      override decodeData(data: Buffer): FilterDataStatus {
        seen.push(data.toString('latin1'));
        return DATA_CONTINUE;
      }
    }
    const { proxy } = proxyWith(() => new Replacing(status), () => new Watching());
    const client = proxy.connect();
    client.receive('POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n');
    client.receive('2\r\nbc\r\n0\r\n\r\n');
    assert.equal(seen.join(''), 'ABC');
    proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n');
    proxy.origin.upstream.respond('2\r\nyz\r\n0\r\n\r\n');
    assert.equal(body(client.take()), 'XYZ');
  });
}

test('a filter that had stopped everything replaces what it held', () => {
  class Late extends Replacing {
    override decodeHeaders(): FilterHeadersStatus {
      return HEADERS_STOP_ALL_AND_BUFFER;
    }
  }
  const { proxy, made } = proxyWith(() => new Late(DATA_STOP_ITERATION_AND_BUFFER));
  const client = proxy.connect();
  client.receive('POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 4\r\n\r\nab');
  made[0].decoder.continueDecoding();
  client.receive('cd');
  assert.equal(body(proxy.origin.upstream.take()), 'ABCD');
});

test('whatever filters answer, bytes arrive whole and in order when all go on', () => {
  for (let seed = 1; seed <= 400; seed++) {
    const run = randomRun(seed, false);
    const { proxy, random } = run;
    const client = proxy.connect();
    const sent = pieces(random, 'a');
    const requestTrailers = random.below(2) === 0;
    client.receive('POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n');
    for (const piece of chunked(sent, requestTrailers)) {
      client.receive(piece);
      if (random.below(2) === 0) letOneGoOn(run);
    }
    for (let i = 0; i < 50 && letOneGoOn(run); i++);
    assert.equal(proxy.origin.upstreams.length, 1, `seed ${seed}: the request did not arrive`);
    const upstream = proxy.origin.upstream;
    assert.equal(body(upstream.take()), sent.join('') + (requestTrailers ? '|t' : ''), `seed ${seed}: request`);
    const answered = pieces(random, 'b');
    const responseTrailers = random.below(2) === 0;
    upstream.respond('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    for (const piece of chunked(answered, responseTrailers)) {
      upstream.respond(piece);
      if (random.below(2) === 0) letOneGoOn(run);
    }
    for (let i = 0; i < 50 && letOneGoOn(run); i++);
    assert.equal(body(client.take()), answered.join('') + (responseTrailers ? '|t' : ''), `seed ${seed}: response`);
    assert.equal(proxy.http('downstream_rq_active'), 0, `seed ${seed}: the stream did not end`);
    for (const filter of run.filters) assert.equal(filter.destroyed, 1, `seed ${seed}`);
    client.remoteClose();
    assert.equal(proxy.dispatcher.armedTimers, 0);
  }
});

test('local replies, resets and disconnects at any moment: no call after the end, every filter destroyed once', () => {
  for (let seed = 1; seed <= 600; seed++) {
    const run = randomRun(seed * 7 + 3, true);
    const { proxy, random } = run;
    const client = proxy.connect();
    const input = ['POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n', ...chunked(pieces(random, 'a'), random.below(2) === 0)];
    const output = ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', ...chunked(pieces(random, 'b'), random.below(2) === 0)];
    for (let step = 0; step < 40; step++) {
      const dice = random.below(40);
      if (dice === 0) client.remoteClose();
      else if (dice === 1 && proxy.origin.upstreams.length > 0) proxy.origin.upstream.close();
      else if (dice === 2) proxy.advance(400_000);
      else if (dice < 16) {
        const next = input.shift();
        if (next !== undefined && client.closeType === -1) client.receive(next);
      } else if (dice < 26 && proxy.origin.upstreams.length > 0 && !proxy.origin.upstream.reset) {
        const next = output.shift();
        if (next !== undefined) proxy.origin.upstream.respond(next);
      } else letOneGoOn(run);
    }
    client.remoteClose();
    proxy.advance(400_000);
    for (const filter of run.filters) assert.equal(filter.destroyed, 1, `seed ${seed}`);
    assert.equal(proxy.http('downstream_rq_active'), 0, `seed ${seed}`);
    assert.equal(proxy.dispatcher.armedTimers, 0, `seed ${seed}`);
    assert.equal(proxy.origin.retries.count, 0);
  }
});

/** Notes what of a response reaches it. */
class ResponseLog extends PlainFilter {
  readonly seen: string[] = [];
  override encodeHeaders(_headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    this.seen.push(`headers ${String(endStream)}`);
    return HEADERS_CONTINUE;
  }
  override encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    if (data.length > 0 || endStream) this.seen.push(`data ${data.toString('latin1')} ${String(endStream)}`);
    return DATA_CONTINUE;
  }
  override encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    this.seen.push(`trailers ${trailers.get('t') ?? ''}`);
    return TRAILERS_CONTINUE;
  }
}

test('trailers that a filter adds at the end of a body that it held follow the body', () => {
  class Holding extends PlainFilter {
    override encodeData(_data: Buffer, endStream: boolean): FilterDataStatus {
      if (!endStream) return DATA_STOP_ITERATION_AND_BUFFER;
      this.encoder.addEncodedTrailers().add('t', '1');
      return DATA_CONTINUE;
    }
  }
  const log = new ResponseLog();
  const { proxy } = proxyWith(() => log, () => new Holding());
  const client = proxy.connect();
  client.receive('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n');
  assert.deepEqual(log.seen, ['headers false', 'data abc false', 'trailers 1']);
  assert.equal(body(client.take()), 'abc');
});

test('body and trailers that a filter adds to a response of headers only', () => {
  class Adding extends PlainFilter {
    override encodeHeaders(): FilterHeadersStatus {
      this.encoder.addEncodedData(Buffer.from('abc'), false);
      this.encoder.addEncodedTrailers().add('t', '1');
      return HEADERS_CONTINUE;
    }
  }
  const log = new ResponseLog();
  const { proxy } = proxyWith(() => log, () => new Adding());
  const client = proxy.connect();
  client.receive('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  proxy.origin.upstream.respond('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  assert.deepEqual(log.seen, ['headers false', 'data abc false', 'trailers 1']);
  client.take();
});

test('trailers that a filter adds at the end of a request that it held follow the body', () => {
  const seen: string[] = [];
  class Holding extends PlainFilter {
    override decodeData(_data: Buffer, endStream: boolean): FilterDataStatus {
      if (!endStream) return DATA_STOP_ITERATION_AND_BUFFER;
      this.decoder.addDecodedTrailers().add('t', '1');
      return DATA_CONTINUE;
    }
  }
  class Watching extends PlainFilter {
    override decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
      seen.push(`data ${data.toString('latin1')} ${String(endStream)}`);
      return DATA_CONTINUE;
    }
    override decodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
      seen.push(`trailers ${trailers.get('t') ?? ''}`);
      return TRAILERS_CONTINUE;
    }
  }
  const { proxy } = proxyWith(() => new Holding(), () => new Watching());
  proxy.connect().receive('POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n');
  assert.deepEqual(seen, ['data abc false', 'trailers 1']);
});
