/**
 * What must hold for any bytes that an origin sends: nothing throws; the events do not depend on the cut; what the client gets reads
 * back as the same response, with our parser and with llhttp; where llhttp accepts the input too, it sees the same messages.
 */
import assert from 'node:assert/strict';
import { DEFAULT_HTTP1_CLIENT_SETTINGS, http1Settings } from '../../src/codec/http1/index.ts';
import type { Http1Settings } from '../../src/codec/http1/index.ts';
import { ClientRun, ServerRun } from '../../src/codec/http1/testing.ts';
import type { HeaderMap } from '../../src/contract/header-map.ts';
import { cut, generateResponses } from './generate.ts';
import type { Rng } from './generate.ts';
import { llhttpParse } from './llhttp.ts';
import { settled } from './request-target.ts';
import type { FuzzTarget } from './run.ts';

const SETTINGS: readonly Http1Settings[] = [
  DEFAULT_HTTP1_CLIENT_SETTINGS,
  http1Settings({ enableTrailers: true, allowChunkedLength: true }, DEFAULT_HTTP1_CLIENT_SETTINGS),
  http1Settings({ maxHeadBytes: 100, maxHeadersCount: 3 }, DEFAULT_HTTP1_CLIENT_SETTINGS),
];

class Run extends ClientRun {
  headers: HeaderMap | null = null;
  body = '';
  complete = false;

  override decodeHeaders(headers: HeaderMap, end: boolean): void {
    this.headers = headers.clone();
    this.complete = end;
    super.decodeHeaders(headers, end);
  }

  override decodeData(data: Buffer, end: boolean): void {
    this.body += data.toString('latin1');
    this.complete ||= end;
    super.decodeData(data, end);
  }

  override decodeTrailers(trailers: HeaderMap): void {
    this.complete = true;
    super.decodeTrailers(trailers);
  }
}

function run(settings: Http1Settings, method: string, pieces: readonly Buffer[]): Run {
  const client = new Run(settings);
  client.get('/', method);
  client.connection.take();
  for (const piece of pieces) {
    client.feed(piece);
    piece.fill(0x21);
  }
  return client.close();
}

/** Bytes behind a response and a cut-off end are errors whose place in the order of events depends on the cut. */
function comparable(events: readonly string[]): string[] {
  return settled(events).filter((event) => !event.startsWith('reset'));
}

/** Writes the response on and reads it back. */
function checkForwarding(client: Run, method: string): void {
  if (!client.complete || client.headers === null) return;
  const status = Number(client.headers.get(':status'));
  if (status === 101 || status < 200) return;
  const headers = client.headers.clone();
  for (const name of ['transfer-encoding', 'connection', 'keep-alive', 'proxy-connection', 'upgrade']) headers.remove(name);
  const server = new ServerRun();
  server.answers = false;
  server.feed(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
  server.encoders[0].encodeHeaders(headers, false);
  server.encoders[0].encodeData(Buffer.from(client.body, 'latin1'), false);
  server.encoders[0].encodeData(Buffer.alloc(0), true);
  const written = Buffer.from(server.connection.written, 'latin1');
  const again = run(DEFAULT_HTTP1_CLIENT_SETTINGS, method, [Buffer.from(written)]);
  assert.deepEqual([again.complete, again.body, again.headers?.get(':status')], [true, client.body, client.headers.get(':status')]);
  assert.ok(!again.log.events.some((event) => event.startsWith('error')), 'we refuse what we wrote');
  if (status > 999) return;
  const opinion = llhttpParse(written, true, method === 'HEAD');
  assert.equal(opinion.error, null, 'llhttp refuses what we wrote');
  assert.deepEqual([opinion.messages.length, opinion.messages[0].body, opinion.messages[0].complete], [1, client.body, true]);
}

function checkAgainstLlhttp(client: Run, input: Buffer, method: string): void {
  if (!client.complete || client.headers === null || method === 'HEAD') return;
  const opinion = llhttpParse(input, true);
  const final = opinion.messages.find((message) => Number(message.start) >= 200);
  if (final === undefined || !final.complete || opinion.upgraded) return;
  // One of the informational responses may have been refused by one of the two; then they speak of different messages.
  if (opinion.messages.some((message) => message.start === '101') || client.headers.get(':status') === '101') return;
  assert.deepEqual([client.headers.get(':status'), client.body], [final.start, final.body], 'llhttp frames it otherwise');
}

export const responseTarget: FuzzTarget = {
  name: 'response',
  generate: generateResponses,
  check(input: Buffer, rng: Rng): void {
    const settings = rng.pick(SETTINGS);
    const method = rng.pick(['GET', 'GET', 'HEAD', 'POST']);
    const whole = run(settings, method, [Buffer.from(input)]);
    for (let n = 0; n < 2; n++) assert.deepEqual(comparable(run(settings, method, cut(rng, input)).log.events), comparable(whole.log.events));
    checkForwarding(whole, method);
    checkAgainstLlhttp(whole, input, method);
  },
};
