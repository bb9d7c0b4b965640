import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { api, formatConfigErrors, loadBootstrap, messageHash, type TextFormat } from '../../src/config/index.ts';
import { mutate, randomOf, type Random } from './mutate.ts';

/** Milliseconds that one small text may take. */
const SLOW_MS = 2000;

/** Runs one text through the loader; a string says what is wrong with the loader (never with the text). */
export function tryText(text: string, format: TextFormat): string | null {
  const started = performance.now();
  try {
    const loaded = loadBootstrap({ text, format, options: { checks: true } });
    const fault = loaded.ok ? roundTrip(loaded.bootstrap) : faultOfErrors(text, loaded.errors);
    if (fault !== null) return fault;
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  const spent = performance.now() - started;
  return spent > SLOW_MS ? `took ${spent.toFixed(0)} ms` : null;
}

type Loaded = Extract<ReturnType<typeof loadBootstrap>, { ok: true }>;
type Refused = Extract<ReturnType<typeof loadBootstrap>, { ok: false }>;

/** What was accepted must survive its own encoding. */
function roundTrip(bootstrap: Loaded['bootstrap']): string | null {
  const type = api().message(bootstrap.$typeName);
  const again = fromBinary(type, toBinary(type, bootstrap));
  return messageHash(again) === messageHash(bootstrap) ? null : 'the message changed in its binary form';
}

function faultOfErrors(text: string, errors: Refused['errors']): string | null {
  if (errors.length === 0) return 'refused without an error';
  const lines = text.split('\n').length;
  for (const { position, why } of errors) {
    if (why === '') return 'an error without a reason';
    if (position !== null && (position.line < 1 || position.line > lines || position.column < 1)) return `an error outside the text: ${position.line}:${position.column}`;
  }
  formatConfigErrors(errors);
  return null;
}

function seconds(arguments_: readonly string[]): number {
  const at = arguments_.indexOf('--seconds');
  const value = at < 0 ? 10 : Number(arguments_[at + 1]);
  if (!Number.isFinite(value) || value <= 0) throw new Error('--seconds takes a number');
  return value;
}

/**
 * Fuzzes one format for `--seconds N` (10 unless said otherwise; `--seed N` repeats a run) from the corpus beside this file. A finding
 * is written into the corpus and ends the run with exit code 1.
 */
export function fuzzFormat(format: TextFormat, arguments_: readonly string[]): number {
  const folder = path.join(import.meta.dirname, 'corpus', format);
  const texts = readdirSync(folder).sort().map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const seedAt = arguments_.indexOf('--seed');
  const seed = seedAt < 0 ? Date.now() % 0x7fffffff : Number(arguments_[seedAt + 1]);
  const random: Random = randomOf(seed);
  const end = performance.now() + seconds(arguments_) * 1000;
  let runs = 0;
  for (const text of texts) {
    const fault = tryText(text, format);
    if (fault !== null) return finding(folder, text, fault, seed);
  }
  for (; performance.now() < end; runs++) {
    const text = mutate(texts, random);
    const fault = tryText(text, format);
    if (fault !== null) return finding(folder, text, fault, seed);
  }
  console.log(`fuzz config/${format}: ${runs} texts, no finding (seed ${seed})`);
  return 0;
}

function finding(folder: string, text: string, fault: string, seed: number): number {
  const name = createHash('sha256').update(text).digest('hex').slice(0, 16);
  writeFileSync(path.join(folder, name), text);
  console.error(`FINDING (seed ${seed}), kept as ${name}: ${fault}`);
  return 1;
}
