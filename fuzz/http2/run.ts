/** The loop around an HTTP/2 fuzz target: corpus first, then generated inputs until the time is over; a finding is kept and ends the run. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Rng } from '../http1/generate.ts';

export interface FuzzTarget {
  readonly name: string;
  /** `last`: the input before this one, to take pieces from. */
  generate(rng: Rng, last: Buffer): Buffer;
  /** Throws when something that must hold does not. */
  check(input: Buffer, rng: Rng): void | Promise<void>;
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

async function fails(target: FuzzTarget, candidate: Buffer): Promise<boolean> {
  try {
    for (let seed = 0; seed < 3; seed++) await target.check(candidate, new Rng(seed));
    return false;
  } catch {
    return true;
  }
}

/** Tries to make a failing input smaller. */
async function shrink(target: FuzzTarget, input: Buffer): Promise<Buffer> {
  let best = input;
  if (!(await fails(target, best))) return best;
  const end = Date.now() + 10_000;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= best.length && Date.now() < end; ) {
      const candidate = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (candidate.length > 0 && (await fails(target, candidate))) best = candidate;
      else at += size;
    }
  }
  return best;
}

export async function runTarget(target: FuzzTarget): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } } });
  const seed = Number(values.seed ?? (Date.now() & 0x7fffffff));
  const rng = new Rng(seed);
  const corpus = corpusOf(target.name);
  for (const input of corpus) await target.check(input, new Rng(1));
  const end = Date.now() + Number(values.seconds) * 1000;
  let last: Buffer = Buffer.alloc(0);
  let runs = 0;
  while (Date.now() < end) {
    const input = rng.chance(0.05) && corpus.length > 0 ? rng.pick(corpus) : target.generate(rng, last);
    last = input;
    runs++;
    try {
      await target.check(input, rng);
    } catch (error) {
      const small = await shrink(target, input);
      console.error(`${target.name}: finding after ${runs} inputs (seed ${seed}), kept as ${keep(target.name, small)}`);
      console.error(small.toString('hex'));
      console.error(error);
      process.exitCode = 1;
      return;
    }
  }
  console.log(`${target.name}: ${runs} inputs in ${values.seconds} s, no finding (seed ${seed}, corpus ${corpus.length})`);
}
