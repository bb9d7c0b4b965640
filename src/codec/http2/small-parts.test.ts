import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAuthority, isMethod, isPath, isScheme, parseContentLength, parseStatus, trimBlanks } from './field-rules.ts';
import { MAX_WINDOW, readUint24, readUint31, readUint32, writeFrameHeader, writeUint32 } from './frame.ts';
import { RateLimit } from './rate-limit.ts';
import { ReceiveWindow } from './receive-window.ts';
import { RecentResets } from './recent-resets.ts';
import { SendBuffer } from './send-buffer.ts';
import { acknowledgedSettings } from './settings-frame.ts';
import { http2Settings } from './settings.ts';

test('frame header: what is written is read', () => {
  const bytes = new Uint8Array(9);
  writeFrameHeader(bytes, 0, 0xabcdef, 7, 0x25, 0x7fff_fffe);
  assert.deepEqual([readUint24(bytes, 0), bytes[3], bytes[4], readUint31(bytes, 5)], [0xabcdef, 7, 0x25, 0x7fff_fffe]);
  writeUint32(bytes, 0, 0xffff_fffe);
  assert.equal(readUint32(bytes, 0), 0xffff_fffe);
  assert.equal(readUint31(bytes, 0), 0x7fff_fffe);
});

test('receive window: limit, credit at half, resize', () => {
  const window = new ReceiveWindow(100);
  assert.equal(window.receive(60), true);
  assert.equal(window.receive(41), false);
  assert.equal(window.consume(49), 0);
  assert.equal(window.consume(1), 50);
  assert.equal(window.received, 10);
  assert.equal(window.resize(100), true);
  assert.equal(window.receive(190), true);
  assert.equal(window.resize(MAX_WINDOW), false);
});

test('rate limit: burst, then so many a second', () => {
  const limit = new RateLimit(2, 1);
  assert.deepEqual([limit.take(0), limit.take(10), limit.take(20)], [true, true, false]);
  assert.deepEqual([limit.take(1_000), limit.take(1_500)], [true, false]);
  assert.deepEqual([limit.take(100_000), limit.take(100_000), limit.take(100_000)], [true, true, false]);
});

test('recent resets: one that the peer has reset too is over', () => {
  const resets = new RecentResets();
  resets.remove(1);
  resets.add(1, -1);
  resets.add(3, -1);
  resets.remove(1);
  assert.deepEqual([resets.has(1), resets.has(3)], [false, true]);
});

test('recent resets: an overflow is kind to what it forgets', () => {
  const resets = new RecentResets();
  assert.equal(resets.has(1), false);
  for (let id = 1; id < 2 * 64; id += 2) resets.add(id, -1);
  assert.deepEqual([resets.has(1), resets.has(2), resets.has(127), resets.has(129)], [true, false, true, false]);
  resets.add(201, 5);
  assert.deepEqual([resets.has(1), resets.has(3), resets.has(150)], [true, true, false]);
  assert.deepEqual([resets.countBody(1, 9, true), resets.countBody(201, 3, false), resets.countBody(201, 3, false), resets.countBody(201, 3, false)], [true, true, false, true]);
  resets.add(203, 5);
  resets.add(205, 5);
  assert.deepEqual([resets.countBody(203, 4, true), resets.countBody(205, 5, true)], [false, true]);
});

class OpenBuffer extends SendBuffer {
  push(text: string): Buffer {
    const bytes = Buffer.from(text);
    this.pushData(bytes);
    return bytes;
  }

  take(limit: number): string {
    let text = '';
    while (text.length < limit && this.pendingBytes > 0) text += Buffer.from(this.shiftData(limit - text.length)).toString();
    return text;
  }
}

test('send buffer: pieces of any size in order; kept bytes are copies', () => {
  const buffer = new OpenBuffer();
  const given = [];
  for (let i = 0; i < 40; i++) given.push(buffer.push(String.fromCharCode(48 + i).repeat(3)));
  assert.equal(buffer.take(4), '0001');
  buffer.keep();
  for (const bytes of given) bytes.fill('!');
  given.push(buffer.push('end'));
  assert.equal(buffer.take(2), '11');
  buffer.keep();
  for (const bytes of given) bytes.fill('!');
  assert.equal(buffer.pendingBytes, 38 * 3 + 3);
  const rest = buffer.take(1_000);
  assert.equal(rest.length, 38 * 3 + 3);
  assert.ok(!rest.includes('!') && rest.startsWith('222') && rest.endsWith('end'));
});

test('field rules', () => {
  assert.deepEqual(['a:80', '[::1]', 'user@a', 'a b', ''].map(isAuthority), [true, true, false, false, true]);
  assert.deepEqual(['GET', 'M-SEARCH', '', 'G T', 'G:'].map(isMethod), [true, true, false, false, false]);
  assert.deepEqual(['http', 'HTTPS', 'a+b.c-1', '1a', '', 'a_b'].map(isScheme), [true, true, true, false, false, false]);
  assert.deepEqual(['/', '*', '/a b', '/\t', ''].map(isPath), [true, true, false, false, false]);
  assert.deepEqual(['0', '007', '', '-1', '1.5', '9007199254740993'].map(parseContentLength), [0, 7, -1, -1, -1, -1]);
  assert.deepEqual(['200', '099', '1000', '2x0'].map(parseStatus), [200, -1, -1, -1]);
  assert.deepEqual(['', ' \t', ' a b\t', 'a'].map(trimBlanks), ['', '', 'a b', 'a']);
});

test('of a setting given twice the last is acknowledged', () => {
  const custom = { identifier: 5, value: 20_000 };
  const ours = acknowledgedSettings(true, http2Settings({ customSettingsParameters: [custom, { identifier: 3, value: 9 }], maxConcurrentStreams: 10 }));
  assert.deepEqual(ours, { headerTableSize: 4096, initialWindow: 16 * 1024 * 1024, maxFrameSize: 20_000, maxConcurrentStreams: 10 });
});
