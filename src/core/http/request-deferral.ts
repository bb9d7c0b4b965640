import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Runtime } from '../../contract/runtime.ts';

/** A request that waits for its filters. */
export interface DeferredStream {
  /** Starts the filters; false when the stream is over or had started. */
  resumeDeferred(): boolean;
}

const UNLIMITED = 0xffff_ffff;

/**
 * Runtime `http.max_requests_per_io_cycle`: the requests of one connection that go on to their filters in one turn of the loop. Others wait
 * for the next turns, in order, so that a client with many streams cannot hold the thread.
 */
export class RequestDeferral {
  private readonly dispatcher: Dispatcher;
  private readonly limit: number;
  private count: number;
  private waiting: DeferredStream[];
  private scheduled: boolean;

  /** Null when nothing is to be deferred. */
  static of(dispatcher: Dispatcher, runtime: Runtime): RequestDeferral | null {
    const limit = runtime.snapshot().getInteger('http.max_requests_per_io_cycle', UNLIMITED);
    return limit >= UNLIMITED ? null : new RequestDeferral(dispatcher, limit);
  }

  private constructor(dispatcher: Dispatcher, limit: number) {
    this.dispatcher = dispatcher;
    this.limit = limit;
    this.count = 0;
    this.waiting = [];
    this.scheduled = false;
  }

  /** Bytes of the connection are about to be read. */
  onDispatch(): void {
    this.count = 0;
  }

  /** Whether this request must wait; then `resumeDeferred` is called on it later. */
  defer(stream: DeferredStream): boolean {
    if (!this.scheduled && ++this.count <= this.limit) return false;
    this.waiting.push(stream);
    this.schedule();
    return true;
  }

  /** The connection is gone, and its streams with it. */
  clear(): void {
    this.waiting = [];
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.dispatcher.post(() => this.resume());
  }

  private resume(): void {
    this.scheduled = false;
    const { waiting } = this;
    let done = 0;
    // One is always let through.
    const most = Math.max(1, this.limit);
    let next = 0;
    while (next < waiting.length && done < most) if (waiting[next++].resumeDeferred()) done++;
    // The list may have been cleared meanwhile.
    if (this.waiting === waiting) this.waiting = waiting.slice(next);
    if (this.waiting.length > 0) this.schedule();
  }
}

/** A request that is held back by `http.max_requests_per_io_cycle`; its body is bounded by the stream's window. */
export class DeferredRequest {
  readonly headers: HeaderMap;
  readonly body: Buffer[];
  endStream: boolean;
  trailers: HeaderMap | null;

  constructor(headers: HeaderMap, endStream: boolean) {
    this.headers = headers;
    this.body = [];
    this.endStream = endStream;
    this.trailers = null;
  }
}
