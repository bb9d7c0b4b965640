import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '../base/random.ts';
import { DrainState } from './drain.ts';

function state(strategy: 'gradual' | 'immediate' = 'gradual'): { drain: DrainState; clock: { now: number } } {
  const clock = { now: 1_000 };
  const drain = new DrainState({ durationMs: 600_000, strategy, now: () => clock.now, random: new SeededRandom(7) });
  return { drain, clock };
}

function share(drain: DrainState, inbound: boolean): number {
  const decision = drain.decisionFor(inbound, false);
  let closed = 0;
  for (let i = 0; i < 10_000; i++) if (decision.drainClose()) closed++;
  return closed / 10_000;
}

describe('drain', () => {
  it('closes nothing without a drain', () => {
    const { drain } = state();
    assert.equal(share(drain, true), 0);
    assert.equal(drain.decisionFor(true, false).draining, false);
  });

  it('closes with a probability that grows over the drain time', () => {
    const { drain, clock } = state();
    drain.start(false, false);
    assert.equal(share(drain, true), 0);
    clock.now += 300_000;
    assert.ok(Math.abs(share(drain, false) - 0.5) < 0.03);
    clock.now += 300_000;
    assert.equal(share(drain, true), 1);
  });

  it('leaves outbound listeners alone in an inbound drain', () => {
    const { drain } = state('immediate');
    drain.start(true, false);
    assert.equal(share(drain, true), 1);
    assert.equal(share(drain, false), 0);
    assert.equal(drain.decisionFor(false, false).draining, false);
  });

  it('closes always while health checks fail, but not on listeners that drain on modification only', () => {
    const { drain } = state();
    drain.setFailedHealth(true);
    assert.equal(share(drain, false), 1);
    assert.equal(drain.decisionFor(false, true).drainClose(), false);
    drain.setFailedHealth(false);
    assert.equal(share(drain, false), 0);
  });

  it('closes always when the process ends', () => {
    const { drain } = state();
    const before = drain.decisionFor(true, true);
    let told = 0;
    const connection = { onDrainStart: () => told++ };
    before.addDrainListener(connection);
    drain.shutdown();
    before.removeDrainListener(connection);
    drain.shutdown();
    assert.equal(told, 1);
    assert.equal(before.closeIdle, true);
    assert.equal(drain.decisionFor(true, true).drainClose(), true);
    assert.equal(drain.decisionFor(true, true).draining, true);
  });
});
