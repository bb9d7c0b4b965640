import type { OriginScript } from '../../harness/index.ts';
import type { StandOptions } from '../stand.ts';
import { answer } from '../../harness/index.ts';
import { ANSWER_PATHS } from './answers.ts';

/** Proxies on which the cases run. */
export type StandName = 'plain' | 'tight' | 'lenient' | 'connect' | 'slow' | 'silent' | 'large' | 'drop' | 'reject' | 'windows' | 'huge' | 'answers';

/** One attack: bytes of a client, and what is to be looked at. */
export interface AttackCase {
  /** Advisory, or class. */
  readonly id: string;
  readonly name: string;
  readonly stand?: StandName;
  /** What follows the preface and SETTINGS. Several pieces are sent one after another, the next when the PING behind each is answered. */
  readonly send: () => Buffer | readonly Buffer[];
  /** False: `send` begins at the first byte. */
  readonly preface?: false;
  /** How it ends: the proxy ends the connection, the client resets it at once, or the proxy answers a PING and this many streams. */
  readonly until: 'close' | 'leave' | { readonly answers: number };
  /** The client does not read while it sends. */
  readonly deaf?: true;
  /** Turns on timing: only the end of the connection and these statistics are compared, and these only for being above zero. */
  readonly loose?: readonly string[];
}

/** What a case came to. */
export interface Verdict {
  /** Code of the GOAWAY (the last one), or empty. */
  readonly goaway: string;
  /** `fin`, `reset`, or `open` when the proxy did not end the connection. */
  readonly ended: string;
  /** What streams got: `200 ×2`, `reset PROTOCOL_ERROR ×1`; sorted. On the stand `answers` all of it. */
  readonly streams: readonly string[];
  /** Counters that moved. */
  readonly stats: Readonly<Record<string, number>>;
  /** Lines of the access log with their number; sorted. */
  readonly log: readonly string[];
  /** What the origin read (HTTP/1), without what the proxy adds. */
  readonly origin: readonly string[];
}

const HELLO: OriginScript = { replies: [answer({ body: 'hello' })] };
const NEVER: OriginScript = { replies: [] };
const LARGE: OriginScript = { replies: [answer({ body: 'x'.repeat(1_000_000) })] };

/** What the observer asks for before and after a case is no affair of the origin's. */
const ROUTES: StandOptions = {
  routes: [
    { match: { prefix: '/sentinel-' }, direct_response: { status: 200 } },
    { match: { prefix: '/' }, route: { cluster: 'origin' } },
    { match: { connect_matcher: {} }, route: { cluster: 'origin' } },
  ],
};

const OPTIONS: Readonly<Record<StandName, StandOptions>> = {
  plain: { origin: HELLO },
  tight: { origin: HELLO, manager: { max_request_headers_kb: 2, common_http_protocol_options: { max_headers_count: 10 } } },
  lenient: { origin: HELLO, manager: { http2_protocol_options: { override_stream_error_on_invalid_http_message: true } } },
  connect: { origin: HELLO, manager: { http2_protocol_options: { allow_connect: true } } },
  slow: { origin: HELLO, manager: { request_headers_timeout: '0.1s', stream_idle_timeout: '0.3s' } },
  silent: { origin: NEVER },
  large: { origin: LARGE },
  drop: { origin: HELLO, manager: { common_http_protocol_options: { headers_with_underscores_action: 'DROP_HEADER' } } },
  reject: { origin: HELLO, manager: { common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' } } },
  answers: { origin: { paths: ANSWER_PATHS } },
  huge: { origin: HELLO, manager: { max_request_headers_kb: 200 } },
  windows: { origin: NEVER, manager: { http2_protocol_options: { initial_stream_window_size: 65_535, initial_connection_window_size: 65_535 } } },
};

export const STANDS: Readonly<Record<StandName, StandOptions>> = {
  plain: { ...ROUTES, ...OPTIONS.plain },
  tight: { ...ROUTES, ...OPTIONS.tight },
  lenient: { ...ROUTES, ...OPTIONS.lenient },
  connect: { ...ROUTES, ...OPTIONS.connect },
  slow: { ...ROUTES, ...OPTIONS.slow },
  silent: { ...ROUTES, ...OPTIONS.silent },
  large: { ...ROUTES, ...OPTIONS.large },
  drop: { ...ROUTES, ...OPTIONS.drop },
  reject: { ...ROUTES, ...OPTIONS.reject },
  answers: { ...ROUTES, ...OPTIONS.answers },
  huge: { ...ROUTES, ...OPTIONS.huge },
  windows: { ...ROUTES, ...OPTIONS.windows },
};
