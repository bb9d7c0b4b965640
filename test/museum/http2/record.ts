// `NUNCIO_MUSEUM_PROXY=envoy node test/museum/http2/record.ts [--only TEXT]`: the verdicts of Envoy 1.40 on the catalogue, into
// envoy-verdicts.json. Without the variable: prints nuncio's beside the recorded ones where they differ.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isEnvoy, Stand } from '../stand.ts';
import type { StandName, Verdict } from './case.ts';
import { STANDS } from './case.ts';
import { CASES, keyOf } from './catalogue.ts';
import { observe } from './observe.ts';

const file = path.join(import.meta.dirname, 'envoy-verdicts.json');

function recorded(): Record<string, Verdict> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Verdict>;
  } catch {
    return {};
  }
}

const only = process.argv[2] === '--only' ? (process.argv[3] ?? '') : '';
const verdicts = recorded();
for (const name of Object.keys(STANDS) as StandName[]) {
  const cases = CASES.filter((one) => (one.stand ?? 'plain') === name && keyOf(one).includes(only));
  if (cases.length === 0) continue;
  await Stand.with(STANDS[name], async (stand) => {
    for (const one of cases) {
      const verdict = await observe(stand, one);
      const text = JSON.stringify(verdict);
      if (isEnvoy) verdicts[keyOf(one)] = verdict;
      else if (text === JSON.stringify(verdicts[keyOf(one)])) continue;
      process.stdout.write(`${keyOf(one)}\n  ${text}\n${isEnvoy ? '' : `  Envoy: ${JSON.stringify(verdicts[keyOf(one)])}\n`}`);
    }
  });
}
if (isEnvoy) {
  const known = CASES.map(keyOf).filter((key) => key in verdicts);
  writeFileSync(file, `{\n${known.map((key) => `${JSON.stringify(key)}: ${JSON.stringify(verdicts[key])}`).join(',\n')}\n}\n`);
}
