// Everything that a fuzzer once found, and seeds, through the invariants of the targets.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Rng } from '../http1/generate.ts';
import { corpusOf } from '../http2/run.ts';
import { jsonTarget } from './json-target.ts';
import { pathTarget } from './path-target.ts';
import { responseTarget } from './response-target.ts';

for (const target of [jsonTarget, responseTarget, pathTarget]) {
  it(`${target.name}: findings of the past and seeds`, () => {
    const inputs = corpusOf(target.name);
    assert.ok(inputs.length >= 3);
    for (const input of inputs) for (let seed = 1; seed <= 5; seed++) void target.check(input, new Rng(seed));
  });

  it(`${target.name}: a thousand generated inputs`, () => {
    const rng = new Rng(20261121);
    let last: Buffer = Buffer.alloc(0);
    for (let i = 0; i < 1_000; i++) {
      last = target.generate(rng, last);
      void target.check(last, rng);
    }
  });
}
