// Everything that a fuzzer once found, and seeds, through the invariants of the target.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Rng } from '../http1/generate.ts';
import { corpusOf } from '../http2/run.ts';
import { framesTarget } from './frames-target.ts';

it('gRPC frames: findings of the past and seeds', () => {
  const inputs = corpusOf(framesTarget.name);
  assert.ok(inputs.length > 3);
  for (const input of inputs) for (let seed = 1; seed <= 5; seed++) void framesTarget.check(input, new Rng(seed));
});

it('gRPC frames: two thousand generated inputs', () => {
  const rng = new Rng(20261121);
  for (let i = 0; i < 2_000; i++) void framesTarget.check(framesTarget.generate(rng, Buffer.alloc(0)), rng);
});
