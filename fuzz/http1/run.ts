/** The loop around a fuzz target: corpus first, then generated inputs until the time is over; a finding is kept and ends the run. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { mutate, Rng } from './generate.ts';

export interface FuzzTarget {
  readonly name: string;
  generate(rng: Rng): string;
  /** Throws when something that must hold does not. */
  check(input: Buffer, rng: Rng): void;
}

const corpusFolder = path.join(import.meta.dirname, 'corpus');

/** Files of a target's corpus. */
export function corpusOf(name: string): Buffer[] {
  const folder = path.join(corpusFolder, name);
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(path.join(folder, file)));
}

function keep(name: string, input: Buffer): string {
  const file = path.join(corpusFolder, name, createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(file, input);
  return file;
}

/** Tries to make a failing input smaller, for a few seconds. */
function shrink(target: FuzzTarget, input: Buffer): Buffer {
  let best = input;
  const fails = (candidate: Buffer): boolean => {
    try {
      for (let seed = 0; seed < 5; seed++) target.check(candidate, new Rng(seed));
      return false;
    } catch {
      return true;
    }
  };
  if (!fails(best)) return best;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= best.length; ) {
      const candidate = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (candidate.length > 0 && fails(candidate)) best = candidate;
      else at += size;
    }
  }
  return best;
}

export function runTarget(target: FuzzTarget): void {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } } });
  const seed = Number(values.seed ?? (Date.now() & 0x7fffffff));
  const rng = new Rng(seed);
  const corpus = corpusOf(target.name);
  for (const input of corpus) target.check(input, new Rng(1));
  const end = Date.now() + Number(values.seconds) * 1000;
  let last = 'GET / HTTP/1.1\r\n\r\n';
  let runs = 0;
  while (Date.now() < end) {
    const generated = rng.chance(0.1) && corpus.length > 0 ? rng.pick(corpus).toString('latin1') : target.generate(rng);
    const text = rng.chance(0.5) ? mutate(rng, generated, last) : generated;
    last = generated;
    const input = Buffer.from(text, 'latin1');
    runs++;
    if (input.length === 0) continue;
    try {
      target.check(input, rng);
    } catch (error) {
      const small = shrink(target, input);
      console.error(`${target.name}: finding after ${runs} inputs (seed ${seed}), kept as ${keep(target.name, small)}`);
      console.error(JSON.stringify(small.toString('latin1')));
      console.error(error);
      process.exitCode = 1;
      return;
    }
  }
  console.log(`${target.name}: ${runs} inputs in ${values.seconds} s, no finding (seed ${seed}, corpus ${corpus.length})`);
}
