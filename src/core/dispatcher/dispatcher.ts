import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { SystemRandom } from '../../base/random.ts';
import type { Timer } from '../../base/timer-wheel.ts';
import { SystemWaker, TimerWheel } from '../../base/timer-wheel.ts';
import type { Dispatcher, LoopTask, TurnTask } from '../../contract/dispatcher.ts';

/** How a dispatcher asks to be called again when it has work outside of a turn: `setImmediate`, or a test's own hand. */
export interface Scheduler {
  /** Calls `run` once, soon, not during this call. */
  soon(run: () => void): void;
}

const immediate: Scheduler = {
  soon: (run) => {
    setImmediate(run);
  },
};

export interface DispatcherOptions {
  readonly name: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Null = no system timer: the test calls `runTimers`. */
  readonly waker?: SystemWaker | null;
  readonly scheduler?: Scheduler;
}

/**
 * The dispatcher of one thread over Node's event loop. Sockets, timers and posted callbacks enter by `runInTurn`; what they ask for with
 * `atTurnEnd` runs when the outermost turn ends.
 */
export class ThreadDispatcher implements Dispatcher {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  private readonly wheel: TimerWheel;
  private readonly scheduler: Scheduler;
  private readonly onSoon = (): void => this.runSoon();
  private depth: number;
  private current: number;
  /** Tasks of this turn; a task asked for while tasks run joins the same round. */
  private tasks: TurnTask[];
  private posted: (() => void)[];
  private loopTasks: LoopTask[];
  private soonAsked: boolean;

  constructor(options: DispatcherOptions) {
    this.name = options.name;
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? new SystemRandom();
    this.wheel = new TimerWheel(this.clock, options.waker === undefined ? new SystemWaker() : options.waker);
    this.scheduler = options.scheduler ?? immediate;
    this.depth = 0;
    this.current = this.clock.now();
    this.tasks = [];
    this.posted = [];
    this.loopTasks = [];
    this.soonAsked = false;
  }

  createTimer(callback: () => void): Timer {
    return this.wheel.create(() => this.runInTurn(invoke, callback));
  }

  now(): number {
    return this.depth > 0 ? this.current : this.clock.now();
  }

  post(callback: () => void): void {
    this.posted.push(callback);
    this.askSoon();
  }

  atTurnEnd(task: TurnTask): void {
    this.tasks.push(task);
    if (this.depth === 0) this.askSoon();
  }

  atLoopEnd(task: LoopTask): void {
    this.loopTasks.push(task);
    this.askSoon();
  }

  runInTurn<A>(run: (argument: A) => void, argument: A): void {
    if (this.depth > 0) {
      run(argument);
      return;
    }
    this.depth = 1;
    this.current = this.clock.now();
    try {
      run(argument);
      if (this.tasks.length > 0) this.runTasks();
    } finally {
      this.depth = 0;
    }
  }

  /** Timers that are armed: a suite that ends with any has a leak. */
  get armedTimers(): number {
    return this.wheel.armed;
  }

  /** Whether posted callbacks or turn tasks wait; for tests. */
  get hasPosted(): boolean {
    return this.posted.length > 0 || this.tasks.length > 0 || this.loopTasks.length > 0;
  }

  /** Runs what is due; tests on a virtual clock call it after moving the clock. */
  runTimers(): void {
    this.wheel.run();
  }

  /** Runs everything posted so far, each callback a turn; tests call it, production the scheduler. */
  runPosted(): void {
    if (this.tasks.length > 0) this.runInTurn(nothing, undefined);
    const posted = this.posted;
    if (posted.length > 0) {
      this.posted = [];
      for (let i = 0; i < posted.length; i++) this.runInTurn(invoke, posted[i]);
    }
    if (this.loopTasks.length > 0) this.runInTurn(runLoopTasks, this.loopTasks);
  }

  /** Drops timers and posted work. */
  dispose(): void {
    this.wheel.dispose();
    this.posted = [];
    this.tasks = [];
    this.loopTasks = [];
  }

  private runTasks(): void {
    // A turn task may ask for another one (a flush that closes a connection that resets a stream that writes elsewhere).
    for (let round = 0; this.tasks.length > 0 && round < MAX_TASK_ROUNDS; round++) {
      const tasks = this.tasks;
      this.tasks = [];
      for (let i = 0; i < tasks.length; i++) tasks[i].onTurnEnd();
    }
    if (this.tasks.length > 0) this.askSoon();
  }

  private askSoon(): void {
    if (this.soonAsked) return;
    this.soonAsked = true;
    this.scheduler.soon(this.onSoon);
  }

  private runSoon(): void {
    this.soonAsked = false;
    this.runPosted();
  }
}

/** Rounds of turn tasks before the loop gets its turn again: no task can hold the thread. */
const MAX_TASK_ROUNDS = 8;

function invoke(callback: () => void): void {
  callback();
}

function nothing(): void {}

/** One turn for all. A task that is asked for meanwhile is for the next time. */
function runLoopTasks(tasks: LoopTask[]): void {
  const count = tasks.length;
  for (let i = 0; i < count; i++) tasks[i].onLoopEnd();
  tasks.splice(0, count);
}
