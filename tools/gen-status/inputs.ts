import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { EXTENSIONS } from '../../src/extensions/registry.ts';

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

/** An extension of Envoy that is part of nuncio's engine. */
export interface BuiltIn extends RegisteredExtension {
  readonly proof: readonly string[];
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

/**
 * What the engine does itself without a factory (clusters by enum, plain sockets): tools/status/built-in.json, in the form of factories
 * with a proof each.
 */
export function readBuiltIn(): BuiltIn[] {
  return (readJson('tools/status/built-in.json') as { extensions: BuiltIn[] }).extensions;
}

/** Counts by type that the corpus run leaves, or null. */
function readMissing(): readonly MissingType[] | null {
  const file = 'tools/status/corpus-missing.json';
  if (!existsSync(path.join(root, file))) return null;
  return (readJson(file) as { missing: MissingType[] }).missing;
}

export function readInputs(): StatusInputs {
  const { extensions } = readJson('tools/status/envoy-extensions.json') as { extensions: EnvoyExtension[] };
  const { areas } = readJson('tools/status/features.json') as { areas: FeatureArea[] };
  return { extensions, areas, registered: [...EXTENSIONS, ...readBuiltIn()], missing: readMissing() };
}
