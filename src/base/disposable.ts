/** Whatever acquires a timer, socket, stat or subscription gives it back here. `dispose` MUST be idempotent and MUST NOT throw. */
export interface Disposable {
  dispose(): void;
}

/** Owns disposables and disposes them in reverse order of their arrival. */
export class DisposableStore implements Disposable {
  private items: Disposable[] = [];
  private disposed = false;

  /** Takes ownership; an item added after `dispose` is disposed at once. Returns the item. */
  add<T extends Disposable>(item: T): T {
    if (this.disposed) item.dispose();
    else this.items.push(item);
    return item;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    const items = this.items;
    this.items = [];
    for (let i = items.length - 1; i >= 0; i--) items[i].dispose();
  }
}
