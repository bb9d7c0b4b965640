import { readFileSync, readdirSync, statSync } from 'node:fs';
import { ConfigError } from '../../contract/errors.ts';
import type { RuntimeEntry, RuntimeValue } from './entry.ts';
import { makeEntry, parseRuntimeText } from './entry.ts';

/** One layer as `/runtime` shows it. */
export interface RuntimeLayer {
  readonly name: string;
  readonly values: ReadonlyMap<string, RuntimeEntry>;
}

/** A static (or RTDS) layer: a Struct whose nested structs join their names with dots. Throws ConfigError. */
export function structLayer(name: string, struct: Readonly<Record<string, unknown>>): RuntimeLayer {
  const values = new Map<string, RuntimeEntry>();
  for (const [key, value] of Object.entries(struct)) walk(values, key, value);
  return { name, values };
}

function walk(values: Map<string, RuntimeEntry>, key: string, value: unknown): void {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    values.set(key, makeEntry(value));
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`Invalid runtime entry value for ${key}`);
  }
  const fields = Object.entries(value);
  if (fields.length === 0 || 'numerator' in value || 'denominator' in value) {
    const struct: RuntimeValue = Object.fromEntries(fields);
    values.set(key, makeEntry(struct));
    return;
  }
  for (const [each, nested] of fields) walk(values, `${key}.${each}`, nested);
}

const MAX_WALK_DEPTH = 16;
/** A file of a disk layer holds one value. */
const MAX_VALUE_BYTES = 1_048_576;

/** A disk layer: one file a key, directories join their names with dots. Throws the system's error or an Error. */
export function diskLayer(name: string, path: string): RuntimeLayer {
  const values = new Map<string, RuntimeEntry>();
  walkDirectory(values, path, '', 1);
  return { name, values };
}

function walkDirectory(values: Map<string, RuntimeEntry>, path: string, prefix: string, depth: number): void {
  if (depth > MAX_WALK_DEPTH) throw new Error(`Walk recursion depth exceeded ${MAX_WALK_DEPTH}`);
  for (const entry of readdirSync(path)) {
    const full = `${path}/${entry}`;
    const key = prefix === '' ? entry : `${prefix}.${entry}`;
    const status = statSync(full);
    if (status.isDirectory()) walkDirectory(values, full, key, depth + 1);
    else if (status.isFile() && status.size <= MAX_VALUE_BYTES) values.set(key, parseRuntimeText(fileValue(readFileSync(full, 'utf8'))));
  }
}

/** Comment lines start with `#`; the end of the value is trimmed. */
function fileValue(text: string): string {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n')
    .trimEnd();
}

/** What `/runtime_modify` has set. */
export class AdminLayer implements RuntimeLayer {
  readonly name: string;
  readonly values = new Map<string, RuntimeEntry>();

  constructor(name: string) {
    this.name = name;
  }

  /** An empty text removes the override. */
  merge(changes: ReadonlyMap<string, string>): void {
    for (const [key, text] of changes) {
      this.values.delete(key);
      if (text !== '') this.values.set(key, parseRuntimeText(text));
    }
  }
}
