// A few hundred sessions with a lying server; more by `npm run fuzz -- grpc-client/lying-server`.
import { it } from 'node:test';
import { playCalls } from './calls.ts';
import { playChecks } from './checks.ts';

/** Seeds that once found something. */
const FINDINGS: readonly number[] = [2_138_869_993];

it('findings of the past, and a few hundred sessions', () => {
  for (const seed of FINDINGS) {
    playCalls(seed);
    playChecks(seed);
  }
  for (let seed = 1; seed <= 300; seed++) {
    playCalls(seed);
    playChecks(seed);
  }
});
