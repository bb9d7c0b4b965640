import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../base/clock.ts';
import { SeededRandom } from '../../base/random.ts';
import { ThreadDispatcher } from '../dispatcher/dispatcher.ts';
import { RequestDeferral } from './request-deferral.ts';
import { TestRuntime } from './testing/proxy.ts';

class Turns {
  readonly dispatcher = new ThreadDispatcher({ name: 'test', clock: new VirtualClock(0), random: new SeededRandom(1), waker: null, scheduler: { soon: () => {} } });
  readonly resumed: number[] = [];
  readonly deferral: RequestDeferral;

  constructor(limit: number) {
    const runtime = new TestRuntime();
    runtime.values.set('http.max_requests_per_io_cycle', limit);
    const deferral = RequestDeferral.of(this.dispatcher, runtime);
    assert.ok(deferral !== null);
    this.deferral = deferral;
  }

  /** Requests of one read; returns those that go on at once. */
  read(ids: readonly number[], over: readonly number[] = []): number[] {
    this.deferral.onDispatch();
    return ids.filter((id) => !this.deferral.defer({
      resumeDeferred: () => {
        if (over.includes(id)) return false;
        this.resumed.push(id);
        return true;
      },
    }));
  }

  turn(): number[] {
    this.dispatcher.runPosted();
    return this.resumed.splice(0);
  }
}

test('without the runtime key nothing is deferred', () => {
  const dispatcher = new ThreadDispatcher({ name: 'test', clock: new VirtualClock(0), random: new SeededRandom(1), waker: null, scheduler: { soon: () => {} } });
  assert.equal(RequestDeferral.of(dispatcher, new TestRuntime()), null);
});

test('what is over the limit goes on in later turns, in order', () => {
  const turns = new Turns(2);
  assert.deepEqual(turns.read([1, 2, 3, 4, 5, 6]), [1, 2]);
  // While some wait, newer ones wait behind them.
  assert.deepEqual(turns.read([7]), []);
  assert.deepEqual([turns.turn(), turns.turn(), turns.turn(), turns.turn()], [[3, 4], [5, 6], [7], []]);
  assert.deepEqual(turns.read([8, 9, 10]), [8, 9]);
});

test('streams that are over take no turn', () => {
  const turns = new Turns(1);
  assert.deepEqual(turns.read([1, 2, 3, 4], [2, 3]), [1]);
  assert.deepEqual([turns.turn(), turns.turn()], [[4], []]);
});

test('one goes on in each turn even with a limit of none', () => {
  const turns = new Turns(0);
  assert.deepEqual(turns.read([1, 2]), []);
  assert.deepEqual([turns.turn(), turns.turn()], [[1], [2]]);
});

test('nothing is resumed when the connection is gone', () => {
  const turns = new Turns(1);
  turns.read([1, 2]);
  turns.deferral.clear();
  assert.deepEqual(turns.turn(), []);
});
