import type { HeaderMap } from './header-map.ts';

/** One admin endpoint. */
export interface AdminHandler {
  /** `/stats` */
  readonly path: string;
  readonly help: string;
  /** Changes state: POST only, else 405. */
  readonly mutates: boolean;
  readonly parameters: readonly AdminParameter[];
  handle(request: AdminRequest): AdminResponse;
}

export interface AdminParameter {
  readonly id: string;
  readonly help: string;
}

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: HeaderMap;
  readonly body: string;
}

/** The body may come in pieces, so that a long listing does not hold the thread. */
export interface AdminResponse {
  readonly status: number;
  /** Default `text/plain; charset=UTF-8`. */
  readonly contentType?: string;
  /** More headers, before the usual ones. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body: string | AsyncIterable<string> | Promise<string>;
}
