// Every attack of the catalogue through the whole proxy: it comes to what it comes to at Envoy 1.40 (envoy-verdicts.json), but for the
// differences on purpose. Nothing here measures time: limits are counts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { leakCheck } from '../../harness/index.ts';
import { isEnvoy, Stand } from '../stand.ts';
import type { AttackCase, StandName, Verdict } from './case.ts';
import { STANDS } from './case.ts';
import { CASES, keyOf } from './catalogue.ts';
import { DIFFERENCES } from './differences.ts';
import { observe } from './observe.ts';

after(leakCheck());

const verdicts = JSON.parse(readFileSync(new URL('./envoy-verdicts.json', import.meta.url), 'utf8')) as Readonly<Record<string, Verdict>>;

/** What counts the living. */
const GAUGES = ['http.museum.downstream_rq_active', 'http.museum.downstream_cx_active', 'http2.streams_active', 'http2.pending_send_bytes', 'cluster.origin.upstream_rq_active', 'cluster.origin.upstream_rq_pending_active'];

/** A connection that ends with bytes unread ends with a reset; which it is depends on what the client had sent by then. */
function isClosed(ended: string): boolean {
  return ended !== 'open';
}

function compare(one: AttackCase, got: Verdict, wanted: Verdict): void {
  assert.equal(isClosed(got.ended), isClosed(wanted.ended), `the connection: ${JSON.stringify(got)}`);
  if (one.loose !== undefined) {
    for (const name of one.loose) assert.ok((got.stats[name] ?? 0) > 0, `${name}: ${JSON.stringify(got)}`);
    return;
  }
  // Where Envoy closes without a word we say why.
  if (wanted.goaway !== '' || !isClosed(wanted.ended)) assert.equal(got.goaway, wanted.goaway, 'GOAWAY');
  assert.deepEqual(got.streams, wanted.streams);
  assert.deepEqual(got.log, wanted.log);
  assert.deepEqual(got.stats, wanted.stats);
  assert.deepEqual(got.origin, wanted.origin);
}

for (const name of Object.keys(STANDS) as StandName[]) {
  describe(`attacks over HTTP/2: ${name}`, () => {
    let stand: Stand | null = null;
    const running = async (): Promise<Stand> => (stand ??= await Stand.start(STANDS[name]));
    after(() => stand?.stop());

    for (const one of CASES.filter((each) => (each.stand ?? 'plain') === name)) {
      const key = keyOf(one);
      it(key, async () => {
        const recorded = verdicts[key];
        assert.ok(recorded !== undefined, 'record it: NUNCIO_MUSEUM_PROXY=envoy node test/museum/http2/record.ts');
        const wanted = isEnvoy ? recorded : { ...recorded, ...DIFFERENCES[key]?.verdict };
        compare(one, await observe(await running(), one), wanted);
      });
    }

    it('nothing is left of them', async () => {
      for (const gauge of GAUGES) await (await running()).statBecomes(gauge, 0);
    });
  });
}

it('lists only what exists', () => {
  const keys = CASES.map(keyOf);
  assert.equal(new Set(keys).size, keys.length, 'keys are unique');
  assert.deepEqual(Object.keys(verdicts).sort(), [...keys].sort());
  for (const key of Object.keys(DIFFERENCES)) assert.ok(keys.includes(key), key);
});
