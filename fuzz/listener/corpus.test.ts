// Everything that a fuzzer once found through the invariants of the targets, and some generated inputs.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Rng } from '../http1/generate.ts';
import { corpusOf } from '../http2/run.ts';
import { clientHelloTarget } from './client-hello-target.ts';
import { proxyProtocolTarget } from './proxy-protocol-target.ts';

for (const target of [clientHelloTarget, proxyProtocolTarget]) {
  it(`${target.name}: findings of the past`, () => {
    const inputs = corpusOf(target.name);
    assert.ok(inputs.length > 0);
    for (const input of inputs) for (let seed = 1; seed <= 5; seed++) void target.check(input, new Rng(seed));
  });

  it(`${target.name}: two thousand generated inputs`, () => {
    const rng = new Rng(20261121);
    for (let i = 0; i < 2_000; i++) void target.check(target.generate(rng, Buffer.alloc(0)), rng);
  });
}
