/**
 * What must hold for any bytes that a client sends:
 * nothing throws; the events do not depend on how the bytes were cut; the quick and the exact reader of fields agree; what goes to the
 * origin reads back as the same message, with our parser and with llhttp; and where llhttp accepts the input too, it sees the same
 * messages.
 */
import assert from 'node:assert/strict';
import { parseExactFields, EXACT_OK } from '../../src/codec/http1/exact-head.ts';
import { addScannedFields, scanFields } from '../../src/codec/http1/field-scanner.ts';
import { DEFAULT_HTTP1_CLIENT_SETTINGS, DEFAULT_HTTP1_SETTINGS, http1Settings } from '../../src/codec/http1/index.ts';
import type { Http1Settings } from '../../src/codec/http1/index.ts';
import { FIELD_OK, HEAD_REQUEST, MessageHead } from '../../src/codec/http1/message-head.ts';
import { ClientRun, ServerRun } from '../../src/codec/http1/testing.ts';
import type { HeaderMap } from '../../src/contract/header-map.ts';
import { cut, generateRequests } from './generate.ts';
import type { Rng } from './generate.ts';
import { LLHTTP_METHODS, llhttpParse } from './llhttp.ts';
import type { FuzzTarget } from './run.ts';

const SETTINGS: readonly Http1Settings[] = [
  DEFAULT_HTTP1_SETTINGS,
  http1Settings({ enableTrailers: true, acceptHttp10: true, defaultHostForHttp10: 'd', allowCustomMethods: true, allowChunkedLength: true }),
  http1Settings({ maxHeadBytes: 100, maxHeadersCount: 3 }),
];

interface Message {
  readonly headers: HeaderMap;
  body: string;
  complete: boolean;
}

/** Runs bytes through a server and gives the events and messages. */
class Run extends ServerRun {
  readonly messages: Message[] = [];

  feedAll(pieces: readonly Buffer[]): this {
    for (const piece of pieces) {
      this.feed(piece);
      piece.fill(0x21);
    }
    return this;
  }

  override newStream(encoder: Parameters<ServerRun['newStream']>[0]): ReturnType<ServerRun['newStream']> {
    const logging = super.newStream(encoder);
    const messages = this.messages;
    return {
      decodeHeaders(headers, end) {
        messages.push({ headers: headers.clone(), body: '', complete: end });
        logging.decodeHeaders(headers, end);
      },
      decodeData(data, end) {
        messages[messages.length - 1].body += data.toString('latin1');
        if (end) messages[messages.length - 1].complete = true;
        logging.decodeData(data, end);
      },
      decodeTrailers(trailers) {
        messages[messages.length - 1].complete = true;
        logging.decodeTrailers(trailers);
      },
      sendLocalReply: (status, body, details) => logging.sendLocalReply(status, body, details),
    };
  }
}

/** Body that came in one piece with an error is not handed on: it depends on the cut and is left out. */
export function settled(events: readonly string[]): string[] {
  return events.some((event) => event.startsWith('error')) ? events.filter((event) => !event.startsWith('data')) : [...events];
}

function checkReaders(text: string, bytes: Buffer): void {
  const at = text.indexOf('\r\n') + 2;
  const next = scanFields(bytes, at, bytes.length);
  if (next < 0) return;
  const quick = new MessageHead(DEFAULT_HTTP1_SETTINGS);
  quick.begin(HEAD_REQUEST);
  const result = addScannedFields(bytes, text, 0, quick);
  const head = text.slice(at, next);
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(head)) throw new Error('the quick reader took a control character');
  const exact = new MessageHead(DEFAULT_HTTP1_SETTINGS);
  exact.begin(HEAD_REQUEST);
  const verdict = parseExactFields(head, 0, exact);
  assert.equal(verdict === EXACT_OK, result === FIELD_OK, 'readers disagree');
  if (result !== FIELD_OK) return;
  assert.deepEqual(quick.headers.entries(), exact.headers.entries());
  assert.deepEqual([quick.contentLength, quick.isChunked, quick.fieldBytes], [exact.contentLength, exact.isChunked, exact.fieldBytes]);
}

/** Writes a message on as a proxy would and reads it back. */
function checkForwarding(message: Message): void {
  const headers = message.headers.clone();
  const method = headers.get(':method') ?? '';
  if (!message.complete || method === 'CONNECT' || headers.has('upgrade')) return;
  // Others (`?q` from `http://h?q`, `*`, absolute targets that are not taken apart) are refused by the connection manager.
  if (!(headers.get(':path') ?? '').startsWith('/')) return;
  for (const name of ['transfer-encoding', 'connection', 'keep-alive', 'proxy-connection']) headers.remove(name);
  const client = new ClientRun(DEFAULT_HTTP1_CLIENT_SETTINGS);
  const hasBody = message.body !== '' || message.headers.has('content-length') || message.headers.has('transfer-encoding');
  const encoder = client.request(headers, !hasBody);
  assert.ok(!client.log.events.some((event) => event.startsWith('refused')), 'an accepted request cannot be written: ' + String(client.log.events));
  if (hasBody) {
    encoder.encodeData(Buffer.from(message.body, 'latin1'), false);
    encoder.encodeData(Buffer.alloc(0), true);
  }
  const written = Buffer.from(client.connection.written, 'latin1');
  const again = new Run(http1Settings({ allowCustomMethods: true })).feedAll([Buffer.from(written)]);
  assert.equal(again.messages.length, 1, 'one message becomes one message');
  const read = again.messages[0];
  assert.equal(read.body, message.body);
  assert.equal(read.complete, true);
  for (const name of [':method', ':path', ':authority']) {
    assert.equal(read.headers.get(name), headers.get(name), name);
  }
  if (!LLHTTP_METHODS.has(method) || method === 'PRI') return;
  const opinion = llhttpParse(written, false);
  assert.equal(opinion.error, null, 'llhttp refuses what we wrote');
  assert.equal(opinion.messages.length, 1);
  assert.deepEqual([opinion.messages[0].body, opinion.messages[0].complete], [message.body, true], 'llhttp frames it otherwise');
}

/** Where both accept the raw input, both see the same messages. */
function checkAgainstLlhttp(run: Run, input: Buffer): void {
  const opinion = llhttpParse(input, false);
  const count = Math.min(run.messages.length, opinion.messages.length);
  for (let i = 0; i < count; i++) {
    const ours = run.messages[i];
    const theirs = opinion.messages[i];
    const method = ours.headers.get(':method') ?? '';
    if (method === 'CONNECT' || theirs.start.startsWith('CONNECT') || ours.headers.has('upgrade') || opinion.upgraded) return;
    if (!ours.complete || !theirs.complete || theirs.isVersionless) return;
    assert.equal(theirs.start.split(' ')[0], method, 'method of message ' + String(i));
    assert.equal(theirs.body, ours.body, 'body of message ' + String(i));
  }
}

export const requestTarget: FuzzTarget = {
  name: 'request',
  generate: generateRequests,
  check(input: Buffer, rng: Rng): void {
    const settings = rng.pick(SETTINGS);
    const whole = new Run(settings).feedAll([Buffer.from(input)]);
    const expected = settled(whole.log.events);
    for (let n = 0; n < 2; n++) assert.deepEqual(settled(new Run(settings).feedAll(cut(rng, input)).log.events), expected);
    checkReaders(input.toString('latin1'), input);
    for (const message of whole.messages) checkForwarding(message);
    checkAgainstLlhttp(whole, input);
  },
};
