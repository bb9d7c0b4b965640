// Everything that a fuzzer once found, and the museum's catalogue, through the invariants of the targets.
import { describe, it } from 'node:test';
import { REQUEST_CASES } from '../../test/museum/http1/catalogue.ts';
import { generateRequests, generateResponses, mutate, Rng } from './generate.ts';
import { requestTarget } from './request-target.ts';
import { responseTarget } from './response-target.ts';
import { corpusOf } from './run.ts';

describe('HTTP/1 corpus', () => {
  for (const target of [requestTarget, responseTarget]) {
    it(`${target.name}: findings of the past`, () => {
      for (const input of corpusOf(target.name)) for (let seed = 1; seed <= 5; seed++) target.check(input, new Rng(seed));
    });
  }

  it('the desync catalogue', () => {
    for (const [seed, one] of REQUEST_CASES.entries()) {
      if (one.send.length < 5_000) requestTarget.check(Buffer.from(one.send, 'latin1'), new Rng(seed));
    }
  });

  it('a thousand generated messages each way', () => {
    const rng = new Rng(20261121);
    for (let i = 0; i < 1000; i++) {
      const request = mutate(rng, generateRequests(rng), generateRequests(rng));
      const response = mutate(rng, generateResponses(rng), generateResponses(rng));
      if (request !== '') requestTarget.check(Buffer.from(request, 'latin1'), rng);
      if (response !== '') responseTarget.check(Buffer.from(response, 'latin1'), rng);
    }
  });
});
