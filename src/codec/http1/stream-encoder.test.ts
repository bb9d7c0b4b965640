import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StreamCallbacks } from '../../contract/codec.ts';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import { ServerRun } from './testing.ts';

class Listener implements StreamCallbacks {
  readonly seen: string[];
  private readonly name: string;

  constructor(name: string, seen: string[]) {
    this.name = name;
    this.seen = seen;
  }

  onResetStream(reason: number): void {
    this.seen.push(`${this.name} reset ${reason}`);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.seen.push(`${this.name} above`);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.seen.push(`${this.name} below`);
  }
}

describe('stream callbacks', () => {
  it('reach all listeners in order, and none that left', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const { stream } = run.encoders[0];
    const seen: string[] = [];
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => new Listener(name, seen));
    for (const each of [a, b, c, d]) stream.addCallbacks(each);
    stream.removeCallbacks(b);
    stream.removeCallbacks(c);
    run.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
    run.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
    run.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
    stream.resetStream(RESET_LOCAL_RESET);
    run.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
    assert.deepEqual(seen, ['a above', 'd above', 'a below', 'd below', `a reset ${RESET_LOCAL_RESET}`, `d reset ${RESET_LOCAL_RESET}`]);
  });

  it('a listener may leave while it is told', () => {
    const run = new ServerRun();
    run.answers = false;
    run.feed('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const { stream } = run.encoders[0];
    const seen: string[] = [];
    const leaving = new Listener('a', seen);
    leaving.onAboveWriteBufferHighWatermark = () => stream.removeCallbacks(leaving);
    stream.addCallbacks(leaving);
    stream.addCallbacks(new Listener('b', seen));
    run.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
    assert.deepEqual(seen, ['b above']);
  });
});
