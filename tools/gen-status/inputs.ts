import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** How far something is. */
export type State = 'works' | 'partly' | 'not yet';

/** An extension of Envoy 1.40, from tools/status/envoy-extensions.json. */
export interface EnvoyExtension {
  readonly name: string;
  readonly category: string;
  /** Full names of its configuration messages; empty where it has none. */
  readonly types: readonly string[];
  /** Envoy's own word: `stable`, `alpha` or `work in progress`. */
  readonly stability: string;
  readonly contrib: boolean;
  readonly purpose: string;
}

/** A top-level feature, from tools/status/features.json. */
export interface Feature {
  readonly name: string;
  readonly state: State;
  readonly note: string;
  /** Files or folders from the root that show it; needed unless the state is `not yet`. */
  readonly proof?: readonly string[];
}

export interface FeatureArea {
  readonly area: string;
  readonly features: readonly Feature[];
}

/** What a factory of the registry says about itself: the part of the contract's ExtensionFactory that matters here. */
export interface RegisteredExtension {
  readonly name: string;
  readonly category: string;
  readonly configTypes: readonly string[];
  readonly status: 'works' | 'partly';
  readonly statusNote?: string;
}

/** What stands between a real configuration and nuncio: a type, and how many files of the corpus use it. */
export interface MissingType {
  readonly type: string;
  readonly files: number;
}

/** Everything that docs/user/status.md is made from. */
export interface StatusInputs {
  readonly extensions: readonly EnvoyExtension[];
  readonly areas: readonly FeatureArea[];
  readonly registered: readonly RegisteredExtension[];
  /** Null while there is no count of the corpus. */
  readonly missing: readonly MissingType[] | null;
}

export const root = path.resolve(import.meta.dirname, '../..');

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(path.join(root, name), 'utf8'));
}

function isRegistered(value: unknown): value is RegisteredExtension {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Record<string, unknown>;
  return (
    typeof candidate['name'] === 'string' && Array.isArray(candidate['configTypes']) && typeof candidate['status'] === 'string'
  );
}

/** The registry's factories, whatever lists it exports them in. */
async function readRegistry(): Promise<RegisteredExtension[]> {
  const registry = (await import(pathToFileURL(path.join(root, 'src/extensions/registry.ts')).href)) as Record<string, unknown>;
  const lists = Object.values(registry).filter((value): value is unknown[] => Array.isArray(value));
  const factories = new Set(lists.flat().filter(isRegistered));
  if (factories.size === 0) throw new Error('src/extensions/registry.ts exports no list of factories');
  return [...factories];
}

/** Counts by type that the corpus run leaves, or null. */
function readMissing(): readonly MissingType[] | null {
  const file = 'tools/status/corpus-missing.json';
  if (!existsSync(path.join(root, file))) return null;
  return (readJson(file) as { missing: MissingType[] }).missing;
}

export async function readInputs(): Promise<StatusInputs> {
  const { extensions } = readJson('tools/status/envoy-extensions.json') as { extensions: EnvoyExtension[] };
  const { areas } = readJson('tools/status/features.json') as { areas: FeatureArea[] };
  return { extensions, areas, registered: await readRegistry(), missing: readMissing() };
}
