/** An item of a LinkedList; it hangs in one list at a time. */
export interface Linked<T extends Linked<T>> {
  next: T | null;
  previous: T | null;
  list: LinkedList<T> | null;
}

/** An intrusive list: adding, removing and moving are O(1) and allocate nothing. */
export class LinkedList<T extends Linked<T>> {
  front: T | null;
  back: T | null;
  size: number;

  constructor() {
    this.front = null;
    this.back = null;
    this.size = 0;
  }

  pushFront(item: T): void {
    item.list = this;
    item.previous = null;
    item.next = this.front;
    if (this.front === null) this.back = item;
    else this.front.previous = item;
    this.front = item;
    this.size++;
  }

  remove(item: T): void {
    if (item.list !== this) return;
    if (item.previous === null) this.front = item.next;
    else item.previous.next = item.next;
    if (item.next === null) this.back = item.previous;
    else item.next.previous = item.previous;
    item.next = null;
    item.previous = null;
    item.list = null;
    this.size--;
  }

  /** A copy, for walks during which items leave. */
  toArray(): T[] {
    const all: T[] = [];
    for (let item = this.front; item !== null; item = item.next) all.push(item);
    return all;
  }
}
