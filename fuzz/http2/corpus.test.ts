// Everything that a fuzzer once found, and seeds, through the invariants of the targets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDecoder, checkEncoder, committedStories } from '../../test/conformance/hpack/stories.ts';
import { Rng } from '../http1/generate.ts';
import { generateProgram } from './generate.ts';
import { hpackTarget } from './hpack-target.ts';
import { corpusOf } from './run.ts';

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

  it('hpack-test-case: the committed stories, decoded and encoded', () => {
    const stories = committedStories();
    assert.ok(stories.length > 100);
    for (const story of stories) {
      assert.equal(checkDecoder(story), null);
      assert.equal(checkEncoder(story, 1000, true, { bytes: 0 }), null);
    }
  });
});
