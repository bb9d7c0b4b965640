// Everything that a fuzzer once found, and seeds, through the invariants of the targets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDecoder, checkEncoder, committedStories } from '../../test/conformance/hpack/stories.ts';
import { CASES } from '../../test/museum/http2/catalogue.ts';
import { Rng } from '../http1/generate.ts';
import { clientFramesTarget, serverFramesTarget } from './frames-target.ts';
import { generateProgram } from './generate.ts';
import { hpackTarget } from './hpack-target.ts';
import { corpusOf } from './run.ts';

/** Preface and SETTINGS. */
const START = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from('000000040000000000', 'hex')]);

describe('HTTP/2 corpus', () => {
  it('hpack: findings of the past', () => {
    const inputs = [...corpusOf('hpack'), ...corpusOf('hpack-peers')];
    assert.ok(inputs.length > 10);
    for (const input of inputs) for (let seed = 1; seed <= 5; seed++) void hpackTarget.check(input, new Rng(seed));
  });

  it('hpack: two thousand generated programs', () => {
    const rng = new Rng(20261121);
    let last = generateProgram(rng);
    for (let i = 0; i < 2000; i++) {
      last = hpackTarget.generate(rng, last);
      void hpackTarget.check(last, rng);
    }
  });

  for (const target of [serverFramesTarget, clientFramesTarget]) {
    it(`${target.name}: findings of the past, and a thousand generated connections`, () => {
      const inputs = corpusOf(target.name);
      assert.ok(inputs.length > 10);
      for (const input of inputs) for (let seed = 1; seed <= 5; seed++) void target.check(input, new Rng(seed));
      const rng = new Rng(20261121);
      let last: Buffer = Buffer.alloc(0);
      for (let i = 0; i < 1_000; i++) {
        last = target.generate(rng, last);
        void target.check(last, rng);
      }
    });
  }

  it('server-frames: the attacks of the museum', () => {
    for (const [seed, one] of CASES.entries()) {
      const bytes = [one.send()].flat();
      const input = Buffer.concat([one.preface === false ? Buffer.alloc(0) : START, ...bytes]);
      if (input.length < 20_000) void serverFramesTarget.check(input, new Rng(seed));
    }
  });

  it('hpack-test-case: the committed stories, decoded and encoded', () => {
    const stories = committedStories();
    assert.ok(stories.length > 100);
    for (const story of stories) {
      assert.equal(checkDecoder(story), null);
      assert.equal(checkEncoder(story, 1000, true, { bytes: 0 }), null);
    }
  });
});
