// `NUNCIO_MUSEUM_PROXY=envoy node test/museum/http2-client/record.ts [--only TEXT]`: the verdicts of Envoy 1.40, into envoy-verdicts.json.
// Without the variable: prints nuncio's beside the recorded ones where they differ.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isEnvoy, Stand } from '../stand.ts';
import type { ServerVerdict } from './case.ts';
import { CASES, keyOf } from './catalogue.ts';
import { observe, standOptions } from './observe.ts';
import { MisbehavingServer } from './server.ts';

const file = path.join(import.meta.dirname, 'envoy-verdicts.json');

function recorded(): Record<string, ServerVerdict> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, ServerVerdict>;
  } catch {
    return {};
  }
}

const only = process.argv[2] === '--only' ? (process.argv[3] ?? '') : '';
const verdicts = recorded();
const server = new MisbehavingServer();
await server.start();
await Stand.with(standOptions(server), async (stand) => {
  for (const one of CASES.filter((each) => keyOf(each).includes(only))) {
    const verdict = await observe(stand, server, one);
    const text = JSON.stringify(verdict);
    if (isEnvoy) verdicts[keyOf(one)] = verdict;
    else if (text === JSON.stringify(verdicts[keyOf(one)])) continue;
    process.stdout.write(`${keyOf(one)}\n  ${text}\n${isEnvoy ? '' : `  Envoy: ${JSON.stringify(verdicts[keyOf(one)])}\n`}`);
  }
});
await server.stop();
if (isEnvoy) {
  const known = CASES.map(keyOf).filter((key) => key in verdicts);
  writeFileSync(file, `{\n${known.map((key) => `${JSON.stringify(key)}: ${JSON.stringify(verdicts[key])}`).join(',\n')}\n}\n`);
}
