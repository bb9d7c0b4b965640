/**
 * Weighted round robin by earliest deadline first: an entry with weight w is due every 1/w; ties go to who was added first. Same order
 * of picks as Envoy's scheduler.
 */
export class EdfScheduler<T> {
  private readonly heap: Entry<T>[];
  private time: number;
  private order: number;
  /** Picks that were looked at in advance, oldest first. */
  private readonly prepicked: T[];

  constructor() {
    this.heap = [];
    this.prepicked = [];
    this.time = 0;
    this.order = 0;
  }

  /**
   * A scheduler in the state that it has after `picks` picks, reached in O(n): each entry's share of the picks is skipped by arithmetic,
   * the few left over are made one by one. Weights MUST be positive.
   */
  static withPicks<T>(entries: readonly T[], weightOf: (entry: T) => number, picks: number): EdfScheduler<T> {
    const scheduler = new EdfScheduler<T>();
    const wanted = picks % MAX_PICKS;
    // A little added keeps weights from being exact multiples of each other, where rounding would decide.
    const weights = entries.map((entry) => weightOf(entry) + 1e-13);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    let made = 0;
    for (let i = 0; i < entries.length; i++) {
      const weight = weights[i];
      let share = Math.floor((weight * wanted) / sum);
      if (share > 0 && share / weight >= wanted / sum) share--;
      scheduler.time = Math.max(scheduler.time, share / weight);
      scheduler.heap.push({ deadline: (share + 1) / weight, order: i, value: entries[i] });
      made += share;
    }
    scheduler.order = entries.length;
    for (let i = (scheduler.heap.length >> 1) - 1; i >= 0; i--) scheduler.sink(i);
    for (; made < wanted && scheduler.heap.length > 0; made++) scheduler.pick(weightOf);
    return scheduler;
  }

  add(weight: number, value: T): void {
    this.heap.push({ deadline: this.time + 1 / weight, order: this.order++, value });
    this.rise(this.heap.length - 1);
  }

  /** The next entry, which is hung up again with the weight that it has now; null when there is none. */
  pick(weightOf: (entry: T) => number): T | null {
    return this.prepicked.shift() ?? this.draw(weightOf);
  }

  /** What a later pick will give: the first call tells the next one, the second that after it, and so on. */
  peekAgain(weightOf: (entry: T) => number): T | null {
    const entry = this.draw(weightOf);
    if (entry !== null) this.prepicked.push(entry);
    return entry;
  }

  private draw(weightOf: (entry: T) => number): T | null {
    const heap = this.heap;
    if (heap.length === 0) return null;
    const top = heap[0];
    this.time = top.deadline;
    top.deadline = this.time + 1 / weightOf(top.value);
    top.order = this.order++;
    this.sink(0);
    return top.value;
  }

  private before(a: Entry<T>, b: Entry<T>): boolean {
    return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
  }

  private rise(index: number): void {
    const { heap } = this;
    let at = index;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(heap[at], heap[parent])) return;
      const swapped = heap[at];
      heap[at] = heap[parent];
      heap[parent] = swapped;
      at = parent;
    }
  }

  private sink(index: number): void {
    const { heap } = this;
    let at = index;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const least = right < heap.length && this.before(heap[right], heap[left]) ? right : left;
      if (!this.before(heap[least], heap[at])) return;
      const swapped = heap[at];
      heap[at] = heap[least];
      heap[least] = swapped;
      at = least;
    }
  }
}

interface Entry<T> {
  deadline: number;
  order: number;
  readonly value: T;
}

/** As Envoy: enough for any distribution (a tenth of 2^32 − 1). */
const MAX_PICKS = 429_496_729;
