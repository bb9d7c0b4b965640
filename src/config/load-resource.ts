import type { Message } from '@bufbuild/protobuf';
import type { ConfigError } from '../contract/errors.ts';
import { api } from './api/registry.ts';
import type { ExtensionLookup } from './extension-lookup.ts';
import { formatOfFile, readText } from './load-text.ts';
import { readProtoText } from './proto-text/read.ts';
import { byPosition, followsFrom, placeProblem } from './source/problem-place.ts';
import { validateMessage, type ConfigWarning } from './validate.ts';
import type { UnknownFieldPolicy } from './load-bootstrap.ts';

export interface ResourceInput {
  /** Full name of the message that the text holds, such as `envoy.service.discovery.v3.DiscoveryResponse`. */
  readonly typeName: string;
  readonly text: string;
  /** Named in errors; its ending tells the format (`.yaml`, `.json`, `.pb_text`). */
  readonly file: string;
  readonly unknownFields?: UnknownFieldPolicy;
  readonly extensions?: ExtensionLookup;
  readonly allows?: (feature: string) => boolean;
}

export type LoadedResource =
  | { readonly ok: true; readonly message: Message; readonly warnings: readonly ConfigWarning[]; readonly unknownFields: readonly string[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Loads any one message from a text: files of xDS resources, runtime layers, tests. Never throws for what the user wrote. */
export function loadResource(input: ResourceInput): LoadedResource {
  const registry = api();
  const descriptor = registry.message(input.typeName);
  const format = formatOfFile(input.file);
  const read =
    format === 'pb_text' || format === 'pb'
      ? readProtoText(registry, descriptor, input.file, input.text)
      : readText(registry, descriptor, input.file, input.text, format);
  if (read.syntax.length > 0) return { ok: false, errors: read.syntax };
  const found = [...read.problems, ...(input.unknownFields === undefined || input.unknownFields === 'reject' ? read.unknown : [])];
  const errors = found.map((each) => placeProblem(each, [read.source]));
  if (read.message === null) return { ok: false, errors };
  const checked = validateMessage(registry, descriptor, read.message, {
    ...(input.allows === undefined ? {} : { allows: input.allows }),
    ...(input.extensions === undefined ? {} : { extensions: input.extensions }),
  });
  for (const problem of checked.problems) {
    if (!followsFrom(problem.path, found)) errors.push(placeProblem(problem, [read.source]));
  }
  if (errors.length > 0) return { ok: false, errors: errors.sort(byPosition) };
  return { ok: true, message: read.message, warnings: checked.warnings, unknownFields: read.unknown.map((each) => each.description) };
}
