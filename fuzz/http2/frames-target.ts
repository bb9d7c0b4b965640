import assert from 'node:assert/strict';
import type { RequestDecoder, ResponseEncoder } from '../../src/contract/codec.ts';
import { ClientRun, ServerRun, TestResponse } from '../../src/codec/http2/testing.ts';
import type { TestRequest } from '../../src/codec/http2/testing.ts';
import { FrameReader } from '../../test/harness/http2-frames.ts';
import type { Rng } from '../http1/generate.ts';
import { mutateBytes } from './generate.ts';
import { generateConnection } from './generate-frames.ts';
import type { FuzzTarget } from './run.ts';

const SMALL = { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 };

/** Body events that can be joined: which pieces a body comes in depends on how the input was cut. */
const BODY = /^(\d+) body (\d+)( end)?$/;

function joined(events: readonly string[]): string[] {
  const all: string[] = [];
  for (const event of events) {
    const now = BODY.exec(event);
    const before = now === null ? null : BODY.exec(all.at(-1) ?? '');
    if (now !== null && before !== null && now[1] === before[1] && before[3] === undefined) all[all.length - 1] = `${now[1]} body ${Number(now[2]) + Number(before[2])}${now[3] ?? ''}`;
    else all.push(event);
  }
  return all.filter((event) => !event.endsWith(' body 0'));
}

function logBodies(decoder: { decodeData(data: Buffer, end: boolean): void }, run: { readonly log: string[] }, id: () => number): void {
  decoder.decodeData = (data, end) => run.log.push(`${id()} body ${data.length}${end ? ' end' : ''}`);
}

class FuzzServer extends ServerRun {
  override newStream(encoder: ResponseEncoder): RequestDecoder {
    const decoder = super.newStream(encoder);
    logBodies(decoder, this, () => encoder.stream.codecStreamId);
    return decoder;
  }
}

/** What a codec makes of the bytes, and what it says. */
interface Outcome {
  readonly events: readonly string[];
  readonly said: readonly string[];
  readonly error: boolean;
}

interface Pieces {
  readonly cut: (at: number) => number;
}

const WHOLE: Pieces = { cut: () => Infinity };

function finish(run: ServerRun | ClientRun, input: Buffer, pieces: Pieces): Outcome {
  for (let at = 0; at < input.length; ) {
    const end = Math.min(input.length, at + pieces.cut(at));
    // Each piece in memory of its own, as from a socket: nothing may be read behind its end or after the call.
    const piece = Buffer.from(input.subarray(at, end));
    run.feed(piece);
    piece.fill(0xa5);
    at = end;
    if (run.log.some((line) => line.startsWith('error'))) break;
  }
  const bytes = run.connection.take();
  checkOutput(bytes);
  const said = run.peer.read(bytes).filter((line) => !line.startsWith('WINDOW') && !line.startsWith('PING') && !line.startsWith('SETTINGS'));
  const events = run.events();
  const error = events.some((line) => line.startsWith('error'));
  run.codec.onConnectionClose();
  assert.equal(run.stats.value('streamsActive'), 0, 'no stream is left');
  assert.equal(run.stats.value('pendingSendBytes'), 0, 'no body is left');
  assert.equal(run.codec.activeStreams, 0);
  return { events, said, error };
}

/** What is sent are whole frames. */
function checkOutput(bytes: Buffer): void {
  const reader = new FrameReader();
  for (const frame of reader.push(bytes)) assert.ok(frame.payload.length <= 16_384);
  assert.equal(reader.left.length, 0, 'an incomplete frame is sent');
}

function serve(input: Buffer, pieces: Pieces, answers: boolean): Outcome {
  const run = new FuzzServer(SMALL);
  if (answers) run.onRequest = (request: TestRequest) => request.answer(request.encoder.stream.codecStreamId % 4 === 1 ? 'hello' : '');
  return finish(run, input, pieces);
}

function ask(input: Buffer, pieces: Pieces): Outcome {
  const run = new ClientRun(SMALL);
  for (let i = 0; i < 3; i++) {
    const response = new TestResponse(run);
    logBodies(response, run, () => response.encoder.stream.codecStreamId);
    response.send(i === 1 ? [[':method', 'HEAD'], [':scheme', 'http'], [':authority', 'a'], [':path', '/']] : undefined, i !== 2);
  }
  run.sent();
  return finish(run, input, pieces);
}

/**
 * Events without what depends on the pieces, because resets of ours are told when a turn ends: whether a stream hears of its own end before
 * that of the connection, and of which of two ends; how much of the body of a stream that is reset has come through. Stream by stream.
 */
function settled(events: readonly string[], error: boolean): readonly string[] {
  const reset = new Set(events.filter((line) => /^\d+ reset /.test(line)).map((line) => line.split(' ')[0]));
  const kept = events.filter((line) => {
    const [id = '', what] = line.split(' ');
    return !(what === 'reset' && error) && !(what === 'body' && (reset.has(id) || error));
  });
  return joined(kept.map((line) => line.replace(/^(\d+ reset) .*/, '$1')).sort((a, b) => streamOf(a) - streamOf(b)));
}

function streamOf(line: string): number {
  const id = Number.parseInt(line, 10);
  return Number.isNaN(id) ? 0 : id;
}

/** Cut anywhere, and into single bytes, the events are the same; so is what is said, but for answers that a dispatch gathers. */
function compareCuts(run: (pieces: Pieces) => Outcome, rng: Rng, input: Buffer): void {
  const whole = run(WHOLE);
  const cuts: Pieces[] = [{ cut: () => 1 + rng.below(rng.chance(0.5) ? 12 : 3_000) }];
  if (input.length < 2_000) cuts.push({ cut: () => 1 });
  for (const pieces of cuts) {
    const other = run(pieces);
    // A stream whose reset waits for the end of the turn still knows that its peer had ended it, and what comes then is an error; later it is not.
    const resets = (outcome: Outcome): string => outcome.said.filter((line) => line.startsWith('RST ')).join();
    // The last stream that was begun may have come with part of its HEADERS only: its id is left out.
    const goAways = (outcome: Outcome): string => outcome.said.filter((line) => line.startsWith('GOAWAY')).map((line) => line.replace(/^GOAWAY \d+/, 'GOAWAY')).join();
    if ((whole.error || other.error) && resets(whole) !== resets(other)) continue;
    assert.deepEqual(settled(other.events, whole.error), settled(whole.events, whole.error));
    assert.equal(goAways(other), goAways(whole));
  }
}

export const serverFramesTarget: FuzzTarget = {
  name: 'server-frames',
  generate: (rng, last) => (rng.chance(0.4) ? mutateBytes(rng, generateConnection(rng, true), last) : generateConnection(rng, true)),
  check(input, rng) {
    compareCuts((pieces) => serve(input, pieces, false), rng, input);
    // With answers the peer's frames may race with them: only what must always hold is looked at.
    serve(input, WHOLE, true);
    serve(input, { cut: () => 1 + rng.below(200) }, true);
  },
};

export const clientFramesTarget: FuzzTarget = {
  name: 'client-frames',
  generate: (rng, last) => (rng.chance(0.4) ? mutateBytes(rng, generateConnection(rng, false), last) : generateConnection(rng, false)),
  check(input, rng) {
    compareCuts((pieces) => ask(input, pieces), rng, input);
  },
};
