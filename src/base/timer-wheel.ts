import type { Clock } from './clock.ts';

/**
 * Timers of one thread: a hierarchical wheel (Varghese and Lauck) with ticks of one millisecond, driven by one system timer.
 *
 * Arming, moving and disarming a timer are O(1) and allocate nothing. A timer whose deadline moves later stays where it hangs
 * and is re-hung when its old slot comes up, so refreshing an idle timer is one write.
 * A timer never fires early; it may fire late by a tick and by whatever holds the thread.
 */
const SLOT_BITS = 8;
const SLOTS = 1 << SLOT_BITS;
const MASK = SLOTS - 1;
const LEVELS = 4;
/** Longest wait that the wheel can hold, about 49 days; longer ones are re-hung on the way. */
const MAX_SPAN = 2 ** (SLOT_BITS * LEVELS) - 1;
const NEVER = Infinity;

/** A re-armable one-shot timer. `callback` MUST NOT throw. Created by `TimerWheel.create`. */
export class Timer {
  /** Absolute tick at which to fire, or NEVER when disarmed. */
  deadline = NEVER;
  /** Tick of the slot where the timer hangs; meaningful while `list` is set. */
  hungAt = 0;
  next: Timer | null = null;
  previous: Timer | null = null;
  list: SlotList | null = null;
  readonly callback: () => void;
  private readonly wheel: TimerWheel;

  constructor(wheel: TimerWheel, callback: () => void) {
    this.wheel = wheel;
    this.callback = callback;
  }

  /** Arms the timer to fire once, `delayMs` from now (0 or more); replaces an earlier arming. */
  enable(delayMs: number): void {
    this.wheel.arm(this, delayMs);
  }

  /** Disarms; harmless when not armed. */
  disable(): void {
    this.wheel.disarm(this);
  }

  get enabled(): boolean {
    return this.deadline !== NEVER;
  }
}

class SlotList {
  head: Timer | null = null;

  push(timer: Timer): void {
    timer.list = this;
    timer.previous = null;
    timer.next = this.head;
    if (this.head !== null) this.head.previous = timer;
    this.head = timer;
  }

  remove(timer: Timer): void {
    if (timer.previous === null) this.head = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== null) timer.next.previous = timer.previous;
    timer.next = null;
    timer.previous = null;
    timer.list = null;
  }
}

/** Wakes the wheel; the production one is a `setTimeout`, a test passes none and calls `advanceTo`. */
export interface Waker {
  /** Calls `wake` once after about `delayMs`; replaces an earlier request. */
  wakeAfter(delayMs: number, wake: () => void): void;
  cancel(): void;
}

export class TimerWheel {
  private readonly levels: SlotList[][];
  private readonly clock: Clock;
  private readonly waker: Waker | null;
  private readonly wake = (): void => this.onWake();
  /** Ticks up to and including this one have been run. */
  private tick: number;
  private armedCount = 0;
  private hungCount = 0;
  private wakeAt = NEVER;
  private running = false;

  constructor(clock: Clock, waker: Waker | null) {
    this.clock = clock;
    this.waker = waker;
    this.tick = Math.floor(clock.now());
    this.levels = Array.from({ length: LEVELS }, () => Array.from({ length: SLOTS }, () => new SlotList()));
  }

  create(callback: () => void): Timer {
    return new Timer(this, callback);
  }

  /** Number of armed timers: a suite that ends with any has a leak. */
  get armed(): number {
    return this.armedCount;
  }

  arm(timer: Timer, delayMs: number): void {
    const now = this.clock.now();
    let deadline = Math.ceil(now + (delayMs > 0 ? delayMs : 0));
    if (deadline <= this.tick) deadline = this.tick + 1;
    if (timer.deadline === NEVER) this.armedCount++;
    timer.deadline = deadline;
    if (timer.list !== null) {
      if (timer.hungAt <= deadline) return;
      timer.list.remove(timer);
      this.hungCount--;
    }
    // An idle wheel does not tick, so it may stand far in the past: catch up before hanging relative to it.
    if (this.hungCount === 0 && !this.running) this.tick = Math.max(this.tick, Math.floor(now) - 1);
    this.hang(timer);
    if (!this.running) this.schedule(timer.hungAt);
  }

  disarm(timer: Timer): void {
    if (timer.deadline === NEVER) return;
    timer.deadline = NEVER;
    this.armedCount--;
    if (timer.list !== null) {
      timer.list.remove(timer);
      this.hungCount--;
    }
  }

  /** Runs everything due at the clock's present time. Tests set their clock and call this. */
  run(): void {
    this.advanceTo(Math.floor(this.clock.now()));
  }

  /** Drops every timer and the system timer. */
  dispose(): void {
    this.waker?.cancel();
    this.wakeAt = NEVER;
  }

  private hang(timer: Timer): void {
    const span = timer.deadline - this.tick;
    const at = span > MAX_SPAN ? this.tick + MAX_SPAN : timer.deadline;
    timer.hungAt = at;
    const distance = at - this.tick;
    let level = 0;
    let shift = 1;
    while (level < LEVELS - 1 && distance >= shift * SLOTS) {
      level++;
      shift *= SLOTS;
    }
    const slot = Math.floor(at / shift) & MASK;
    this.levels[level][slot].push(timer);
    this.hungCount++;
  }

  private schedule(at: number): void {
    if (this.waker === null || at >= this.wakeAt) return;
    this.wakeAt = at;
    this.waker.wakeAfter(Math.max(0, at - this.clock.now()), this.wake);
  }

  private onWake(): void {
    this.wakeAt = NEVER;
    this.run();
  }

  private advanceTo(target: number): void {
    if (this.running) return;
    this.running = true;
    while (this.tick < target && this.hungCount > 0) {
      const next = this.nextOccupiedTick();
      if (next > target) break;
      this.tick = next;
      this.cascade(next);
      this.fire(next);
    }
    if (this.tick < target) this.skipTo(target);
    this.running = false;
    if (this.hungCount > 0) this.schedule(this.nextOccupiedTick());
  }

  /** Moves past empty ticks; slots of higher levels that begin on the way hold nothing (nextOccupiedTick saw to that). */
  private skipTo(target: number): void {
    this.tick = target;
  }

  /**
   * The next tick at which a timer fires or a higher slot must be spread over the lower levels. May be earlier than any
   * deadline, never later.
   */
  private nextOccupiedTick(): number {
    let best = NEVER;
    let shift = 1;
    for (let level = 0; level < LEVELS; level++) {
      const base = Math.floor(this.tick / shift);
      const slots = this.levels[level];
      for (let i = 1; i <= SLOTS; i++) {
        if (slots[(base + i) & MASK].head !== null) {
          const at = (base + i) * shift;
          if (at < best) best = at;
          break;
        }
      }
      shift *= SLOTS;
    }
    return best;
  }

  /** Spreads the slots of higher levels that begin at `tick` over the levels below. */
  private cascade(tick: number): void {
    let shift = SLOTS;
    for (let level = 1; level < LEVELS; level++) {
      if (tick % shift !== 0) return;
      const list = this.levels[level][Math.floor(tick / shift) & MASK];
      let timer = list.head;
      list.head = null;
      while (timer !== null) {
        const following: Timer | null = timer.next;
        timer.next = null;
        timer.previous = null;
        timer.list = null;
        this.hungCount--;
        this.rehang(timer, tick);
        timer = following;
      }
      shift *= SLOTS;
    }
  }

  private rehang(timer: Timer, tick: number): void {
    if (timer.deadline <= tick) {
      timer.hungAt = tick;
      this.levels[0][tick & MASK].push(timer);
      this.hungCount++;
    } else this.hang(timer);
  }

  private fire(tick: number): void {
    const list = this.levels[0][tick & MASK];
    for (;;) {
      const timer = list.head;
      if (timer === null) return;
      list.remove(timer);
      this.hungCount--;
      if (timer.deadline > tick) {
        this.hang(timer);
        continue;
      }
      timer.deadline = NEVER;
      this.armedCount--;
      timer.callback();
    }
  }
}

/** A wake that is later than this comes of a thread that was held up. */
const LATE_MS = 10;

/**
 * Wakes by `setTimeout`. After the thread was held up Node would run timers before it looks at sockets, and everything whose answer has
 * long arrived would time out: the wake then waits until sockets have been looked at once.
 */
export class SystemWaker implements Waker {
  private handle: NodeJS.Timeout | null = null;
  private immediate: NodeJS.Immediate | null = null;

  wakeAfter(delayMs: number, wake: () => void): void {
    this.cancel();
    const delay = Math.min(delayMs, 2_147_483_647);
    const due = performance.now() + delay;
    this.handle = setTimeout(() => {
      this.handle = null;
      if (performance.now() - due <= LATE_MS) wake();
      else this.immediate = setImmediate(() => this.wakeLate(wake));
    }, delay);
  }

  cancel(): void {
    if (this.handle !== null) clearTimeout(this.handle);
    if (this.immediate !== null) clearImmediate(this.immediate);
    this.handle = null;
    this.immediate = null;
  }

  private wakeLate(wake: () => void): void {
    this.immediate = null;
    wake();
  }
}
