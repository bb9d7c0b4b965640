import { fromBinary, type DescMessage, type Message } from '@bufbuild/protobuf';
import { readFileSync } from 'node:fs';
import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ConfigError } from '../contract/errors.ts';
import { api, type ApiRegistry } from './api/registry.ts';
import { runChecks } from './checks/index.ts';
import type { ExtensionLookup } from './extension-lookup.ts';
import { formatOfFile, readText, type ReadText, type TextFormat } from './load-text.ts';
import { mergeMessage } from './message/merge.ts';
import type { Problem } from './message/read-context.ts';
import { unknownNumbers } from './message/unknown-numbers.ts';
import { placelessSource, readProtoText } from './proto-text/read.ts';
import { notYetType } from './rules/extension-check.ts';
import { staticRuntime } from './rules/static-runtime.ts';
import { validateMessage, type ConfigWarning, type WarningCounts } from './validate.ts';
import { byPosition, followsFrom, placeProblem, type SourceText } from './source/problem-place.ts';

/** What to do with fields and enum names that the API does not have. */
export type UnknownFieldPolicy = 'reject' | 'warn' | 'ignore';

export interface LoadOptions {
  /** `--allow-unknown-static-fields` is `warn`; the default is `reject`. */
  readonly unknownFields?: UnknownFieldPolicy;
  /** Which extensions this program has; without it every type that Envoy knows passes. */
  readonly extensions?: ExtensionLookup;
  /** Run the checks beyond form (names, references, files). True unless said otherwise. */
  readonly checks?: boolean;
  /** `--service-node` and `--service-cluster`: they stand for the node's id and cluster. */
  readonly serviceNode?: string;
  readonly serviceCluster?: string;
}

export interface BootstrapInput {
  /** A file: its ending tells the format. */
  readonly path?: string;
  /** Or the text itself. */
  readonly text?: string;
  /** The format of `text`; YAML unless said otherwise (JSON is YAML, only slower). */
  readonly format?: TextFormat;
  /** `--config-yaml`: merged over the rest by protobuf's rules. */
  readonly overlayYaml?: string;
  readonly options?: LoadOptions;
}

/** A configuration that holds. */
export interface LoadedBootstrap {
  readonly ok: true;
  readonly bootstrap: Bootstrap;
  readonly warnings: readonly ConfigWarning[];
  readonly counts: WarningCounts;
  /** Gives errors that only building has found their places in the texts, and the order of the texts. */
  place(errors: readonly ConfigError[]): ConfigError[];
}

export interface RefusedBootstrap {
  readonly ok: false;
  /** Everything that is wrong, in the order of the text; never empty. */
  readonly errors: readonly ConfigError[];
  readonly warnings: readonly ConfigWarning[];
}

const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';

/** Loads, merges and validates a bootstrap. Never throws for what the user wrote. */
export function loadBootstrap(input: BootstrapInput): LoadedBootstrap | RefusedBootstrap {
  const registry = api();
  const descriptor = registry.message<Bootstrap>(BOOTSTRAP);
  const parts = readParts(registry, descriptor, input);
  if (Array.isArray(parts)) return { ok: false, errors: parts, warnings: [] };
  return finish(registry, descriptor, parts, input.options ?? {});
}

interface Parts {
  readonly message: Message;
  readonly texts: readonly SourceText[];
  readonly problems: readonly ConfigError[];
  /** What the reader stumbled over, in paths. */
  readonly unread: readonly (Problem & { readonly meant?: string | undefined })[];
  readonly unknown: readonly { readonly error: ConfigError; readonly description: string }[];
}

function readParts(registry: ApiRegistry, descriptor: DescMessage, input: BootstrapInput): Parts | ConfigError[] {
  const read: (ReadText | ConfigError)[] = [];
  if (input.path !== undefined) read.push(readFileOf(registry, descriptor, input.path));
  else if (input.text !== undefined) read.push(readTextOf(registry, descriptor, 'config', input.text, input.format ?? 'yaml'));
  if (input.overlayYaml !== undefined) read.push(readText(registry, descriptor, '--config-yaml', input.overlayYaml, 'yaml'));
  if (read.length === 0) return [new ConfigError('At least one of --config-path or --config-yaml or Options::configProto() should be non-empty')];
  const texts: ReadText[] = [];
  const errors: ConfigError[] = [];
  for (const each of read) {
    if (each instanceof ConfigError) errors.push(each);
    else if (each.syntax.length > 0) errors.push(...each.syntax);
    else texts.push(each);
  }
  if (errors.length > 0) return errors;
  return joined(descriptor, texts);
}

function joined(descriptor: DescMessage, texts: readonly ReadText[]): Parts | ConfigError[] {
  const problems: ConfigError[] = [];
  const unknown: { error: ConfigError; description: string }[] = [];
  let message: Message | null = null;
  for (const text of texts) {
    for (const each of text.problems) problems.push(placeProblem(each, [text.source]));
    for (const each of text.unknown) unknown.push({ error: placeProblem(each, [text.source]), description: each.description });
    if (text.message === null) continue;
    if (message === null) message = text.message;
    else mergeMessage(descriptor, message, text.message);
  }
  if (message === null) return problems;
  return { message, texts: texts.map((each) => each.source), problems, unread: texts.flatMap((each) => [...each.problems, ...each.unknown]), unknown };
}

function finish(registry: ApiRegistry, descriptor: DescMessage, parts: Parts, options: LoadOptions): LoadedBootstrap | RefusedBootstrap {
  const policy = options.unknownFields ?? 'reject';
  const bootstrap = parts.message as Bootstrap;
  const validated = validateMessage(registry, descriptor, bootstrap, {
    allows: staticRuntime(bootstrap),
    ...(options.extensions === undefined ? {} : { extensions: options.extensions }),
  });
  const errors = [...parts.problems];
  if (policy === 'reject') errors.push(...parts.unknown.map((each) => each.error));
  const secondary: Problem[] = [...validated.problems];
  // The checks take a sound form for granted; an extension that nuncio lacks does not harm it.
  const sound = errors.length === 0 && secondary.every((each) => notYetType(each.why) !== undefined);
  if (options.checks !== false && sound) {
    secondary.push(...runChecks(registry, bootstrap, { serviceNode: options.serviceNode ?? '', serviceCluster: options.serviceCluster ?? '' }));
  }
  for (const problem of secondary) {
    // A field that could not be read looks unset to the rules: its first error is enough.
    if (followsFrom(problem.path, parts.unread)) continue;
    errors.push(placeProblem(problem, parts.texts));
  }
  const unknownCount = policy === 'warn' ? parts.unknown.length : 0;
  const warnings = [...unknownWarnings(parts, policy), ...validated.warnings.map((each) => placeWarning(each, parts.texts))];
  if (errors.length > 0) return { ok: false, errors: errors.sort(byPosition), warnings };
  return {
    ok: true,
    bootstrap,
    warnings,
    counts: { ...validated.counts, unknownFields: unknownCount },
    place: (found) => found.map((each) => placeError(each, parts.texts)).sort(byPosition),
  };
}

function placeError(error: ConfigError, texts: readonly SourceText[]): ConfigError {
  if (error.position !== null || error.path === '' || texts.length === 0) return error;
  return placeProblem({ path: stepsOf(error.path), why: error.why, hint: error.hint }, texts);
}

/** `listeners[0].address` -> listeners, 0, address. */
function stepsOf(path: string): (string | number)[] {
  return path.split(/[.[\]]+/).filter((step) => step !== '').map((step) => (/^[0-9]+$/.test(step) ? Number(step) : step));
}

function unknownWarnings(parts: Parts, policy: UnknownFieldPolicy): ConfigWarning[] {
  if (policy !== 'warn') return [];
  return parts.unknown.map(({ error, description }) => ({
    kind: 'unknown-field' as const,
    position: error.position,
    path: error.path,
    message: `Unknown field: ${description}`,
  }));
}

function placeWarning(warning: ConfigWarning & { readonly steps?: Problem['path'] }, texts: readonly SourceText[]): ConfigWarning {
  if (warning.steps === undefined || texts.length === 0) return warning;
  const { position } = placeProblem({ path: warning.steps, why: '', hint: '' }, texts);
  return { kind: warning.kind, path: warning.path, message: warning.message, position };
}

function readFileOf(registry: ApiRegistry, descriptor: DescMessage, path: string): ReadText | ConfigError {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return unreadable(path, error);
  }
  const format = formatOfFile(path);
  if (format === 'pb') return readBinary(descriptor, path, bytes);
  return readTextOf(registry, descriptor, path, bytes.toString('utf8'), format);
}

function unreadable(path: string, error: unknown): ConfigError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return new ConfigError(`unable to read file: ${path}`, { hint: 'there is no such file' });
  if (code === 'EISDIR') return new ConfigError(`unable to read file: ${path}`, { hint: 'it is a folder' });
  if (code === 'EACCES') return new ConfigError(`unable to read file: ${path}`, { hint: 'permission denied' });
  return new ConfigError(`unable to read file: ${path}`, { hint: String(code ?? error) });
}

function readTextOf(registry: ApiRegistry, descriptor: DescMessage, file: string, text: string, format: TextFormat): ReadText {
  return format === 'pb_text' ? readProtoText(registry, descriptor, file, text) : readText(registry, descriptor, file, text, format);
}

function readBinary(descriptor: DescMessage, file: string, bytes: Uint8Array): ReadText | ConfigError {
  let message: Message;
  try {
    message = fromBinary(descriptor, bytes);
  } catch {
    return new ConfigError(`Unable to parse file "${file}" as a binary protobuf (type ${descriptor.typeName})`);
  }
  return { source: placelessSource(file), message, syntax: [], problems: [], unknown: unknownNumbers(descriptor, message) };
}
