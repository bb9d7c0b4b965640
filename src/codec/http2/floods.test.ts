import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAME_PING, FRAME_PRIORITY } from './frame.ts';
import { data, frame, GET, POST, reset, ServerRun, settingsFrame, windowUpdate } from './testing.ts';
import type { Http2Settings } from './settings.ts';

/** Feeds `bytes` until the connection ends; returns how often, and what it said. */
function flood(run: ServerRun, bytes: (i: number) => Buffer, most = 20_000): [number, string[], string] {
  run.events();
  for (let i = 1; i <= most; i++) {
    run.feed(bytes(i));
    const error = run.log.find((line) => line.startsWith('error') || line.startsWith('flood'));
    if (error !== undefined) return [i, run.sent().filter((line) => line.startsWith('GOAWAY')), error];
  }
  return [most, [], ''];
}

function post(settings: Partial<Http2Settings> = {}): ServerRun {
  const run = new ServerRun(settings).open();
  return run.feed(run.peer.headers(1, POST));
}

test('DATA without content', () => {
  const run = post();
  assert.deepEqual(flood(run, () => data(1, '')), [2, ['GOAWAY 1 11 Too many consecutive frames with an empty payload'], 'error flood Too many consecutive frames with an empty payload']);
  assert.equal(run.stats.value('inboundEmptyFramesFlood'), 1);
  assert.equal(run.requests[0].encoder.stream.responseDetails, 'http2.inbound_empty_frames_flood');
  const padded = post({ maxConsecutiveInboundFramesWithEmptyPayload: 5 });
  assert.equal(flood(padded, () => frame(0, 8, 1, '\x03\0\0\0'))[0], 6);
});

test('CONTINUATION without content, and without end', () => {
  const run = new ServerRun().open();
  const block = run.peer.block(GET);
  run.feed(frame(1, 1, 1, block));
  assert.equal(flood(run, () => frame(9, 0, 1, ''))[0], 2);
  const long = new ServerRun().open();
  long.feed(frame(1, 1, 1, long.peer.block(GET)));
  // A literal that never ends: what is kept is bounded.
  const [count, said] = flood(long, () => frame(9, 0, 1, 'x'.repeat(16_000)));
  assert.deepEqual([count, said], [16, ['GOAWAY 1 11 header block too large']]);
  const many = new ServerRun().open();
  many.feed(frame(1, 1, 1, many.peer.block(GET)));
  assert.deepEqual(flood(many, () => frame(9, 0, 1, '\x20')), [
    513,
    ['GOAWAY 1 11 Too many CONTINUATION frames following a HEADER frame'],
    'error codec Too many CONTINUATION frames following a HEADER frame',
  ]);
});

test('PRIORITY and WINDOW_UPDATE', () => {
  const priority = post({ maxInboundPriorityFramesPerStream: 10 });
  assert.equal(flood(priority, () => frame(FRAME_PRIORITY, 0, 3, '\0\0\0\0\x10'))[0], 21);
  assert.equal(priority.stats.value('inboundPriorityFramesFlood'), 1);
  const window = post();
  assert.deepEqual(flood(window, () => windowUpdate(0, 1))[2], 'error flood Too many WINDOW_UPDATE frames');
  assert.equal(window.stats.value('inboundWindowUpdateFramesFlood'), 1);
  // 5 + 2 × (1 stream + 10 × 2 DATA frames sent)
  const busy = post();
  busy.requests[0].answer('hello');
  busy.sent();
  assert.equal(flood(busy, () => windowUpdate(0, 1))[0], 5 + 2 * (1 + 10) + 1);
});

test('answers that the peer does not fetch: PING, SETTINGS, resets', () => {
  for (const bytes of [frame(FRAME_PING, 0, 0, '12345678'), settingsFrame()]) {
    const run = new ServerRun({ maxOutboundControlFrames: 50 }).open();
    // A byte of the opening waits, and with it our acknowledgement.
    run.connection.pendingWriteBytes = 1;
    const [count, , error] = flood(run, () => {
      run.connection.pendingWriteBytes += bytes.length;
      return bytes;
    });
    assert.deepEqual([count, error], [50, 'error flood Too many control frames in the outbound queue.']);
    assert.equal(run.stats.value('outboundControlFlood'), 1);
    assert.equal(run.stats.value('outboundControlFramesActive'), 50);
    run.codec.onConnectionClose();
    assert.deepEqual([run.stats.value('outboundControlFramesActive'), run.stats.value('outboundFramesActive')], [0, 0]);
  }
  // A peer that reads may ask as often as it likes.
  const reading = new ServerRun({ maxOutboundControlFrames: 50 }).open();
  assert.equal(flood(reading, () => frame(FRAME_PING, 0, 0, '12345678'), 500)[0], 500);
  assert.equal(reading.stats.value('outboundControlFramesActive'), 0);
  // All of them in one piece wait for the same write.
  const once = new ServerRun({ maxOutboundControlFrames: 50 }).open();
  assert.equal(flood(once, () => Buffer.concat(Array.from({ length: 51 }, () => frame(FRAME_PING, 0, 0, '12345678'))))[0], 1);
});

test('frames of all kinds that wait, found outside of dispatch', () => {
  const run = new ServerRun({ maxOutboundFrames: 10 }).open([4, 1_000_000]);
  run.feed(run.peer.headers(1, GET, true), windowUpdate(0, 1_000_000));
  run.requests[0].answer('x'.repeat(200_000));
  run.sent();
  assert.equal(run.events().at(-1), 'flood Too many frames in the outbound queue.');
  assert.equal(run.stats.value('outboundFlood'), 1);
  assert.equal(run.requests[0].encoder.stream.responseDetails, 'http2.outbound_frames_flood');
});

test('rapid reset', () => {
  const run = new ServerRun({ streamResetBurst: 20, streamResetRate: 5 }).open();
  const pair = (i: number): Buffer => Buffer.concat([run.peer.headers(2 * i + 1, GET, true), reset(2 * i + 1, 8)]);
  assert.deepEqual(flood(run, pair).slice(0, 2), [21, ['GOAWAY 43 2']]);
  const slow = new ServerRun({ streamResetBurst: 20, streamResetRate: 5 }).open();
  const result = flood(slow, (i) => {
    slow.clock.time += 250;
    return Buffer.concat([slow.peer.headers(2 * i + 1, GET, true), reset(2 * i + 1, 8)]);
  }, 500);
  assert.equal(result[0], 500);
  assert.equal(slow.stats.value('streamsActive'), 0);
});

test('resets that we are made to send count as answers (MadeYouReset)', () => {
  const run = new ServerRun({ maxOutboundControlFrames: 100 }).open();
  run.connection.pendingWriteBytes = 1;
  const [count, , error] = flood(run, (i) => {
    run.connection.pendingWriteBytes += 13;
    return Buffer.concat([run.peer.headers(2 * i + 1, POST), windowUpdate(2 * i + 1, 0x7fff_ffff)]);
  });
  assert.deepEqual([count, error], [100, 'error flood Too many control frames in the outbound queue.']);
  assert.equal(run.stats.value('streamsActive'), 0);
});

test('unknown frames are no matter, ten thousands of them are', () => {
  const run = new ServerRun().open();
  assert.deepEqual(flood(run, () => frame(0x99, 0, 0, 'x')).slice(0, 2), [10_001, ['GOAWAY 0 11']]);
});

test('an HPACK bomb makes no strings beyond the limit', () => {
  const run = new ServerRun({}, { maxHeadersBytes: 10_000, maxHeadersCount: 1_000 }).open();
  const value = 'x'.repeat(3_000);
  run.feed(run.peer.headers(1, [...GET, ['a', value]], true));
  run.feed(run.peer.headers(3, [...GET, ['a', value]], true));
  const again = run.peer.block([['a', value]]);
  assert.ok(again.length < 5);
  const bomb = Buffer.concat([run.peer.block(GET), ...Array.from({ length: 4_000 }, () => again)]);
  run.feed(frame(1, 5, 5, bomb));
  assert.deepEqual(run.sent(), ['RST 5 2']);
  assert.equal(run.events().at(-1), '5 reset 2 http2.header_list_size_too_large');
});
