import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { VirtualClock } from '../../base/clock.ts';
import { ThreadDispatcher } from './dispatcher.ts';

const clock = new VirtualClock();
let soon: (() => void)[];
let log: string[];
let dispatcher: ThreadDispatcher;

beforeEach(() => {
  soon = [];
  log = [];
  dispatcher = new ThreadDispatcher({ name: 'test', clock, waker: null, scheduler: { soon: (run) => soon.push(run) } });
});

function task(name: string): { onTurnEnd: () => void } {
  return { onTurnEnd: () => log.push(name) };
}

function runSoon(): void {
  const runs = soon;
  soon = [];
  for (const run of runs) run();
}

test('turn tasks run once, after the turn, in order; nested turns join the outer one', () => {
  dispatcher.runInTurn(() => {
    dispatcher.atTurnEnd(task('a'));
    dispatcher.runInTurn(() => dispatcher.atTurnEnd(task('b')), undefined);
    log.push('end of turn');
  }, undefined);
  assert.deepEqual(log, ['end of turn', 'a', 'b']);
});

test('a turn task may ask for another; one that never stops gives the loop its turn', () => {
  let runs = 0;
  const again = { onTurnEnd: (): void => {
    runs++;
    dispatcher.atTurnEnd(again);
  } };
  dispatcher.runInTurn(() => dispatcher.atTurnEnd(again), undefined);
  assert.equal(runs, 8);
  assert.equal(soon.length, 1);
});

test('now() stands still within a turn', () => {
  clock.set(100);
  dispatcher.runInTurn(() => {
    clock.set(200);
    assert.equal(dispatcher.now(), 100);
  }, undefined);
  assert.equal(dispatcher.now(), 200);
});

test('posted callbacks run later, in order, each in a turn of its own', () => {
  dispatcher.post(() => {
    log.push('first');
    dispatcher.atTurnEnd(task('task of first'));
    dispatcher.post(() => log.push('third'));
  });
  dispatcher.post(() => log.push('second'));
  assert.deepEqual(log, []);
  runSoon();
  assert.deepEqual(log, ['first', 'task of first', 'second']);
  runSoon();
  assert.deepEqual(log, ['first', 'task of first', 'second', 'third']);
});

test('a turn task outside of a turn runs soon', () => {
  dispatcher.atTurnEnd(task('a'));
  assert.deepEqual(log, []);
  runSoon();
  assert.deepEqual(log, ['a']);
});

test('timers run in a turn', () => {
  const timer = dispatcher.createTimer(() => dispatcher.atTurnEnd(task('timer')));
  timer.enable(5);
  clock.set(clock.now() + 6);
  dispatcher.runTimers();
  assert.deepEqual(log, ['timer']);
  assert.equal(dispatcher.armedTimers, 0);
});

test('an error leaves the dispatcher usable', () => {
  assert.throws(() => dispatcher.runInTurn(() => {
    throw new Error('bug');
  }, undefined));
  dispatcher.runInTurn(() => dispatcher.atTurnEnd(task('a')), undefined);
  assert.deepEqual(log, ['a']);
});

test('tasks of the loop run once, in a turn of their own, after what was posted', () => {
  const ran: string[] = [];
  const again = { onLoopEnd: (): void => void ran.push('again') };
  dispatcher.atLoopEnd({
    onLoopEnd: () => {
      ran.push('loop');
      dispatcher.atTurnEnd({ onTurnEnd: () => void ran.push('turn end') });
      dispatcher.atLoopEnd(again);
    },
  });
  dispatcher.atLoopEnd({ onLoopEnd: () => void ran.push('second') });
  dispatcher.post(() => ran.push('posted'));
  dispatcher.runPosted();
  assert.deepEqual(ran, ['posted', 'loop', 'second', 'turn end']);
  dispatcher.runPosted();
  dispatcher.runPosted();
  assert.deepEqual(ran.slice(4), ['again']);
});
