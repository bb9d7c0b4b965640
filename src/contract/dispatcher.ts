import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Timer } from '../base/timer-wheel.ts';

/**
 * One thread's event loop as the rest of the proxy sees it. Every object of the data path belongs to exactly one dispatcher and is
 * touched by no other thread.
 */
export interface Dispatcher {
  /** `main_thread`, `worker_0`, … (Envoy's names in statistics and logs). */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Creates a disarmed timer; `callback` runs inside `runInTurn` and MUST NOT throw. */
  createTimer(callback: () => void): Timer;
  /** Monotonic milliseconds, read once a turn: cheap, at most a turn old. */
  now(): number;
  /** Runs `callback` later in this turn of the loop or in the next one, in order of posting. */
  post(callback: () => void): void;
  /**
   * Runs `callback` when the present turn (one socket event, one timer, one posted callback) ends, after everything else of the turn.
   * Connections flush their output so: what one turn writes, over all streams, leaves in one write. Outside of a turn: soon.
   */
  atTurnEnd(task: TurnTask): void;
  /**
   * Runs `task` inside a turn of its own when the loop has handled everything that was ready with the present event: what many sockets cause on one
   * connection leaves in one write.
   */
  atLoopEnd(task: LoopTask): void;
  /** Wraps one event from outside: refreshes `now()`, runs, then the turn-end tasks. Nested calls join the outer turn. */
  runInTurn<A>(run: (argument: A) => void, argument: A): void;
}

/** An object rather than a closure, so that asking for it costs nothing. */
export interface TurnTask {
  onTurnEnd(): void;
}

/** See `atLoopEnd`. */
export interface LoopTask {
  onLoopEnd(): void;
}
