// The verdicts of the real Envoy 1.40 on raw requests and responses, recorded once (envoy-verdicts.json), against the codec.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  KEY_FORMAT_PRESERVE_CASE,
  KEY_FORMAT_PROPER_CASE,
  UNDERSCORES_DROP_HEADER,
  UNDERSCORES_REJECT_REQUEST,
  http1Settings,
  DEFAULT_HTTP1_CLIENT_SETTINGS,
} from '../../../src/codec/http1/settings.ts';
import type { Http1Settings } from '../../../src/codec/http1/settings.ts';
import { MiniProxy } from './mini-proxy.ts';

interface Verdict {
  readonly name: string;
  readonly settings: string;
  readonly send: string | (string | number)[];
  readonly reply?: string | (string | number)[];
  readonly close?: boolean;
  /** Access log lines: `status details flags protocol method authority path rx=bytes hb=…`. */
  readonly log: string[];
  readonly origin: string;
  readonly response: string;
}

const SETTINGS: Record<string, Partial<Http1Settings>> = {
  default: {},
  http10: { acceptHttp10: true },
  http10host: { acceptHttp10: true, defaultHostForHttp10: 'dflt' },
  trailers: { enableTrailers: true },
  chlen: { allowChunkedLength: true },
  custom: { allowCustomMethods: true },
  noabs: { allowAbsoluteUrl: false },
  udrop: { headersWithUnderscoresAction: UNDERSCORES_DROP_HEADER },
  urej: { headersWithUnderscoresAction: UNDERSCORES_REJECT_REQUEST },
  ws: {},
  few: { maxHeadersCount: 3, maxHeadBytes: 1024 },
  edge: { validateScheme: true },
  proper: { headerKeyFormat: KEY_FORMAT_PROPER_CASE },
  preserve: { headerKeyFormat: KEY_FORMAT_PRESERVE_CASE },
  ignup: { ignoreUpgrade: (token) => token === 'foo' },
};

/** Where the codec differs from Envoy on purpose, and why. */
const DIFFERENT: Record<string, string> = {
  'te-cr-in': 'Envoy takes `chun CR ked` for chunked in one place and not in another; refused here',
  'ff-in-uri': 'details only: Envoy looks at the rest of the head before it reports a bad first line',
};

/** Cases that turn on what the connection manager does in time (closing after an early answer, a pool's idle connections). */
const NOT_THE_CODECS = new Set(['expect', 'r-early-413', 'r-idle-extra']);

const verdicts = JSON.parse(readFileSync(new URL('./envoy-verdicts.json', import.meta.url), 'utf8')) as Verdict[];

function run(verdict: Verdict): MiniProxy {
  const changes = SETTINGS[verdict.settings];
  const formats = { headerKeyFormat: changes.headerKeyFormat ?? 0, enableTrailers: changes.enableTrailers ?? false } as const;
  const proxy = new MiniProxy(http1Settings(changes), http1Settings(formats, DEFAULT_HTTP1_CLIENT_SETTINGS));
  const replies = [verdict.reply ?? 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'].flat().filter((each) => typeof each === 'string');
  for (const piece of [verdict.send].flat()) if (typeof piece === 'string') proxy.fromClient(piece);
  for (let turn = 0; turn < 20 && proxy.upstream.written.length > (origins.get(proxy) ?? 0); turn++) {
    origins.set(proxy, proxy.upstream.written.length);
    for (const reply of replies) proxy.fromOrigin(reply, verdict.close === true);
  }
  return proxy;
}

const origins = new WeakMap<MiniProxy, number>();

/** What the log line of Envoy says of a request, in the words of an Outcome. */
function expected(line: string): { refused: boolean; status: number; details: string; method: string; authority: string; path: string; bytes: number } {
  const [status, details, , , method, ...rest] = line.split(' ');
  const bytes = Number(/rx=(\d+)/.exec(line)?.[1]);
  const at = rest.findIndex((each) => each.startsWith('rx='));
  const refused = /^(http1\.|http\.|low_version)/.test(details) || details.startsWith('codec_error:');
  return { refused, status: Number(status), details, method, authority: rest[0], path: rest[at - 1], bytes };
}

describe('verdicts of Envoy 1.40', () => {
  for (const verdict of verdicts) {
    // Answers that a route gives, and what depends on it, are the connection manager's.
    const isRouted = verdict.log.every((line) => !/direct_response|upgrade_failed|route_not_found/.test(line));
    if (!isRouted || verdict.name in DIFFERENT || NOT_THE_CODECS.has(verdict.name)) continue;
    it(`${verdict.name} [${verdict.settings}]`, () => {
      const proxy = run(verdict);
      const lines = verdict.log.map(expected);
      assert.equal(proxy.outcomes.length, lines.length, 'number of requests');
      for (const [i, line] of lines.entries()) compare(proxy, i, line);
      if (lines.every((line) => line.details === 'via_upstream') && !isLate(verdict)) {
        assert.equal(withoutServerOrder(proxy.downstream.written), withoutServerOrder(verdict.response.replace(/connection: (close|keep-alive)\r\n/gi, '')));
        assert.equal(proxy.upstream.written, verdict.origin);
      }
    });
  }

  it('lists only differences that exist', () => {
    for (const name of Object.keys(DIFFERENT)) assert.ok(verdicts.some((verdict) => verdict.name === name), name);
  });
});

/** Cases in which bytes come after the connection manager has decided to close. */
function isLate(verdict: Verdict): boolean {
  return /^(up-|connect|expect|r-early|cl-big|ch-16f)/.test(verdict.name) || verdict.response.endsWith('...');
}

/** Envoy sets `server` where the origin's stood or behind; compare without it. */
function withoutServerOrder(text: string): string {
  return text.replace(/server: envoy\r\n/gi, '');
}

function compare(proxy: MiniProxy, i: number, line: ReturnType<typeof expected>): void {
  const outcome = proxy.outcomes[i];
  if (line.refused) {
    if (line.status === 0) assert.equal(proxy.closed, true);
    else assert.deepEqual([outcome.status, outcome.details], [line.status, line.details]);
    return;
  }
  assert.deepEqual([outcome.method, outcome.authority ?? '-', outcome.path ?? '-'], [line.method, line.authority, line.path]);
  assert.equal(outcome.bodyBytes, line.bytes, 'body bytes');
  if (/before_response_started\{protocol_error\}/.test(line.details)) assert.equal(outcome.details, 'reset 10');
  else if (/after_response_started\{protocol_error\}/.test(line.details)) assert.equal(outcome.details, 'reset late 10');
  else if (line.details === 'via_upstream') assert.equal(outcome.status, line.status);
}
