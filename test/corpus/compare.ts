import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { formatConfigError, notYetType } from '../../src/config/index.ts';
import type { ConfigError } from '../../src/contract/errors.ts';
import { LOG_OFF } from '../../src/contract/logger.ts';
import { ProcessLoggers } from '../../src/server/logger.ts';
import { DEFAULT_OPTIONS } from '../../src/server/options.ts';
import { StartupError } from '../../src/server/startup-error.ts';
import { validateServer } from '../../src/server/validate.ts';

/** One line of verdicts.jsonl, as far as it is used here. */
export interface Verdict {
  readonly file: string;
  readonly verdict: 'accept' | 'reject' | 'crash';
  readonly error: string;
}

/** What became of one file. */
export type Outcome =
  | 'accepted by both'
  | 'refused by both'
  | 'not in nuncio yet'
  /** Envoy refuses it for what a schema cannot tell, nuncio does not. */
  | 'accepted, refused by Envoy beyond form'
  | 'FAILURE: accepted, refused by Envoy for its form'
  | 'FAILURE: refused, accepted by Envoy';

export interface Compared {
  readonly file: string;
  readonly outcome: Outcome;
  /** Why Envoy refused it, or why nuncio did. */
  readonly detail: string;
  /** Types known to Envoy that nuncio lacks and the file uses. */
  readonly missing: readonly string[];
}

/** The words by which Envoy refuses a configuration for its syntax, an unknown field or type, or a rule of the schema. */
const FORM = /has unknown fields|Proto constraint validation failed|Unable to parse JSON as proto|Unable to convert YAML|yaml-cpp|Didn't find a registered implementation/;

/** The folder with the corpus, or null when this machine has none. `NUNCIO_CORPUS`, else `../shared/corpus` beside the project. */
export function corpusFolder(root: string): string | null {
  const folder = process.env['NUNCIO_CORPUS'] ?? path.join(root, '..', 'shared', 'corpus');
  return existsSync(path.join(folder, 'verdicts.jsonl')) ? folder : null;
}

export function readVerdicts(folder: string): Verdict[] {
  const lines = readFileSync(path.join(folder, 'verdicts.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Verdict);
}

/** Puts one file through what `--mode validate` does and compares. The working directory must be the corpus. */
export function compareFile(row: Verdict): Compared {
  const errors = errorsOf(row.file);
  const missing = errors.map((each) => notYetType(each.why)).filter((each) => each !== undefined);
  const other = errors.filter((each) => notYetType(each.why) === undefined);
  return { file: row.file, missing, ...judge(row, errors.length === 0, other) };
}

function errorsOf(file: string): readonly ConfigError[] {
  const loggers = ProcessLoggers.create({ level: LOG_OFF, format: '%v' });
  try {
    validateServer({ ...DEFAULT_OPTIONS, configPath: file, mode: 'validate' }, loggers);
    return [];
  } catch (error) {
    if (error instanceof StartupError && error.errors.length > 0) return error.errors;
    throw error;
  } finally {
    loggers.dispose();
  }
}

function judge(row: Verdict, accepted: boolean, other: readonly ConfigError[]): { outcome: Outcome; detail: string } {
  const why = other.map(formatConfigError).join('\n');
  // A crash of Envoy is not to be copied: such a file is right.
  if (row.verdict !== 'reject') {
    if (accepted) return { outcome: 'accepted by both', detail: '' };
    return other.length === 0 ? { outcome: 'not in nuncio yet', detail: '' } : { outcome: 'FAILURE: refused, accepted by Envoy', detail: why };
  }
  if (other.length > 0) return { outcome: 'refused by both', detail: why };
  if (!FORM.test(row.error)) return { outcome: accepted ? 'accepted, refused by Envoy beyond form' : 'not in nuncio yet', detail: row.error };
  return { outcome: 'FAILURE: accepted, refused by Envoy for its form', detail: row.error };
}

/** How many files had each outcome. */
export function tally(all: readonly Compared[]): Map<Outcome, number> {
  const counts = new Map<Outcome, number>();
  for (const each of all) counts.set(each.outcome, (counts.get(each.outcome) ?? 0) + 1);
  return counts;
}

/** Missing types with the number of files that use them, the most used first. */
export function missingTypes(all: readonly Compared[]): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const each of all) for (const type of new Set(each.missing)) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
