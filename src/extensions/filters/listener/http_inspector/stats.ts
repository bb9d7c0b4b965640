import type { Counter, Scope } from '../../../../contract/stats.ts';

/** Statistics of `http_inspector.` (of all listeners together). */
export class HttpInspectorStats {
  readonly readError: Counter;
  readonly http10Found: Counter;
  readonly http11Found: Counter;
  readonly http2Found: Counter;
  readonly httpNotFound: Counter;

  constructor(root: Scope) {
    const scope = root.scope('http_inspector');
    this.readError = scope.counter('read_error');
    this.http10Found = scope.counter('http10_found');
    this.http11Found = scope.counter('http11_found');
    this.http2Found = scope.counter('http2_found');
    this.httpNotFound = scope.counter('http_not_found');
  }
}
