// Servers that misbehave over HTTP/2, behind the whole proxy: clients, log, counters and the server's view are what they are with Envoy 1.40
// (envoy-verdicts.json), but for the differences on purpose.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { leakCheck } from '../../harness/index.ts';
import { isEnvoy, Stand } from '../stand.ts';
import type { ServerVerdict } from './case.ts';
import { CASES, keyOf } from './catalogue.ts';
import { observe, standOptions } from './observe.ts';
import { MisbehavingServer } from './server.ts';

after(leakCheck());

const verdicts = JSON.parse(readFileSync(new URL('./envoy-verdicts.json', import.meta.url), 'utf8')) as Readonly<Record<string, ServerVerdict>>;

const RESET = (reason: string): string => `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`;
const COUNTED = { 'http2.nghttp2_upstream_connections': 1 };

/** Where nuncio differs from Envoy on purpose, and why. A GOAWAY where Envoy closes without a word is no entry: see differences.md. */
const DIFFERENCES: Readonly<Record<string, { readonly why: string; readonly verdict: Partial<ServerVerdict> }>> = {
  'stream: PUSH_PROMISE, our settings not acknowledged': {
    why: 'nobody pushes to a proxy: refused without waiting for the acknowledgement; Envoy resets the promised stream',
    verdict: {
      clients: [`502 content-length=87 ${JSON.stringify(RESET('protocol error'))}`],
      log: ['502 UPE upstream_reset_before_response_started{protocol_error} /'],
      stats: { ...COUNTED, 'upstream_cx_protocol_error': 1, 'upstream_rq_5xx': 1, 'upstream_rq_tx_reset': 1 },
      seen: ['end'],
    },
  },
  'reset: NO_ERROR behind the answer to an unfinished request': {
    why: 'a stream that the peer has reset is closed (RFC 9113 section 5.1): it is not reset again',
    verdict: { stats: { ...COUNTED, 'http2.rx_reset': 1, 'upstream_rq_2xx': 1, 'upstream_rq_tx_reset': 1 }, seen: [] },
  },
  'goaway: with a higher id than before': {
    why: 'RFC 9113 section 6.8: an error, found in the same piece of input; Envoy has closed the connection by then',
    verdict: { stats: { ...COUNTED, 'upstream_cx_close_notify': 1, 'upstream_cx_protocol_error': 1, 'upstream_rq_5xx': 1 } },
  },
};

/** Where Envoy closes without a word we say why. */
function comparable(seen: readonly string[], wanted: readonly string[]): readonly string[] {
  return wanted.some((each) => each.startsWith('GOAWAY')) ? seen : seen.filter((each) => !each.startsWith('GOAWAY'));
}

describe('servers that misbehave over HTTP/2', () => {
  const server = new MisbehavingServer();
  let stand: Stand | null = null;
  before(async () => {
    await server.start();
    stand = await Stand.start(standOptions(server));
  });
  after(async () => {
    await stand?.stop();
    await server.stop();
  });

  for (const one of CASES) {
    const key = keyOf(one);
    it(key, async () => {
      const recorded = verdicts[key];
      assert.ok(recorded !== undefined && stand !== null, 'record it: NUNCIO_MUSEUM_PROXY=envoy node test/museum/http2-client/record.ts');
      const wanted = isEnvoy ? recorded : { ...recorded, ...DIFFERENCES[key]?.verdict };
      const got = await observe(stand, server, one);
      assert.deepEqual(got.clients, wanted.clients);
      if (one.loose === true) return;
      assert.deepEqual(got.log, wanted.log);
      assert.deepEqual(got.stats, wanted.stats);
      assert.deepEqual(comparable(got.seen, wanted.seen), wanted.seen);
    });
  }

  it('nothing is left of them', async () => {
    for (const gauge of ['upstream_rq_active', 'upstream_rq_pending_active', 'upstream_cx_active', 'http2.streams_active', 'http2.pending_send_bytes']) await stand?.statBecomes(`cluster.peer.${gauge}`, 0);
  });

  it('lists only what exists', () => {
    const keys = CASES.map(keyOf);
    assert.equal(new Set(keys).size, keys.length, 'keys are unique');
    assert.deepEqual(Object.keys(verdicts).sort(), [...keys].sort());
    for (const key of Object.keys(DIFFERENCES)) assert.ok(keys.includes(key), key);
  });
});
