import type { DescMessage, Message } from '@bufbuild/protobuf';
import { ConfigError } from '../contract/errors.ts';
import type { ApiRegistry } from './api/registry.ts';
import type { Json } from './message/json.ts';
import { DEFAULT_LIMITS, ReadContext, type Problem, type UnknownField } from './message/read-context.ts';
import { readMessage } from './message/reader.ts';
import { FAILED } from './message/scalars.ts';
import { jsonFormat } from './source/json-format.ts';
import { SourceText } from './source/problem-place.ts';
import type { SourceFormat } from './source/source.ts';
import { yamlFormat } from './source/yaml-format.ts';

/** How a configuration is written. */
export type TextFormat = 'yaml' | 'json' | 'pb_text';

/** Bytes of one configuration text. Envoy has no limit; a hundred times the largest that we know of is one. */
export const MAX_TEXT_BYTES = 256 * 1024 * 1024;

/** A text turned into a message, with what was wrong on the way. `message` is null when nothing came of it. */
export interface ReadText {
  readonly source: SourceText;
  readonly message: Message | null;
  /** Syntax errors; nothing else was looked at then. */
  readonly syntax: readonly ConfigError[];
  readonly problems: readonly Problem[];
  readonly unknown: readonly UnknownField[];
}

/** The format that a file name's ending stands for; Envoy reads every other file as JSON. */
export function formatOfFile(path: string): TextFormat | 'pb' {
  const lower = path.toLowerCase();
  if (lower.endsWith('.pb')) return 'pb';
  if (lower.endsWith('.pb_text')) return 'pb_text';
  return lower.endsWith('.yaml') || lower.endsWith('.yml') ? 'yaml' : 'json';
}

function sourceFormat(format: 'yaml' | 'json'): SourceFormat {
  return format === 'yaml' ? yamlFormat : jsonFormat;
}

/** Reads a YAML or JSON text as a message of the given type. Does not validate it. */
export function readText(api: ApiRegistry, descriptor: DescMessage, file: string, text: string, format: 'yaml' | 'json'): ReadText {
  const source = new SourceText(file, text, sourceFormat(format));
  const failed = (error: ConfigError): ReadText => ({ source, message: null, syntax: [error], problems: [], unknown: [] });
  if (text.length > MAX_TEXT_BYTES) return failed(new ConfigError(`the text is larger than ${MAX_TEXT_BYTES} bytes`));
  const parsed = source.format.parse(text);
  if ('problems' in parsed) {
    return { source, message: null, syntax: parsed.problems.map((each) => source.syntaxError(each)), problems: [], unknown: [] };
  }
  if (typeof parsed.value !== 'object' || parsed.value === null) {
    return failed(new ConfigError(format === 'yaml' ? 'Unable to convert YAML as JSON: the text is not an object' : 'the text is not an object', { position: source.position(0) }));
  }
  return readValue(api, descriptor, source, parsed.value);
}

function readValue(api: ApiRegistry, descriptor: DescMessage, source: SourceText, value: Json): ReadText {
  let context = new ReadContext(api, DEFAULT_LIMITS);
  let read = readMessage(descriptor, value, context);
  if (context.inexact && source.format.parseExact !== undefined) {
    const exact = source.format.parseExact(source.text);
    if ('value' in exact) {
      context = new ReadContext(api, DEFAULT_LIMITS);
      read = readMessage(descriptor, exact.value, context);
    }
  }
  return { source, message: read === FAILED ? null : read, syntax: [], problems: context.problems, unknown: context.unknown };
}
