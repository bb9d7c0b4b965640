import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { api } from '../../config/index.ts';
import { ConfigError, ConfigErrors } from '../../contract/errors.ts';
import { fromYaml, fromYamlUnchecked } from './messages.ts';

/**
 * Proves that a builder looks at every field of its messages. For each field, however deep, a configuration with just that field set
 * (beside what validation asks for) is built from a message that records which of its properties are read. A field that is neither read
 * nor refused is reported: it would be accepted and ignored.
 */
export interface FieldWalk {
  readonly typeName: Message['$typeName'];
  /** Builds from the message; may throw ConfigError. */
  readonly build: (message: Message) => unknown;
  /** JSON that makes a message of a type valid; the walked field is put on top. By full type name. */
  readonly samples: Readonly<Record<string, JsonSample>>;
  /** Leaves the rules of the API out, so that samples need not be complete: for types most of whose parts are refused as a whole. */
  readonly unchecked?: boolean;
  /** Types that are not walked into: read by somebody else. */
  readonly opaque?: readonly string[];
  /** Fields (`full.type.Name.field`) that need not be read, with the reason. */
  readonly allowed: Readonly<Record<string, string>>;
}

export type JsonSample = Readonly<Record<string, unknown>>;

/** Well-known types are values; their inside is nobody's field. */
const VALUES = /^google\.protobuf\./;
/** A message of each type is walked where it is first met, and not deeper than this. */
const MAX_DEPTH = 9;

/** Returns one line per field that is silently ignored, or that the samples do not make valid. */
export function ignoredFields(walk: FieldWalk): string[] {
  const faults: string[] = [];
  const used = new Set<string>();
  const visited = new Set<string>();
  const visit = (descriptor: DescMessage, wrap: (inner: JsonSample) => JsonSample, path: readonly string[]): void => {
    if (visited.has(descriptor.typeName) || path.length > MAX_DEPTH * 2) return;
    visited.add(descriptor.typeName);
    for (const field of descriptor.fields) {
      const name = `${descriptor.typeName}.${field.name}`;
      const own = without(walk.samples[descriptor.typeName] ?? {}, field);
      const wrapField = (value: unknown): JsonSample => wrap({ ...own, [field.name]: value });
      if (walk.allowed[name] !== undefined) {
        used.add(name);
        continue;
      }
      const fault = tryField(walk, field, wrapField(sampleOf(walk, field)), path);
      if (fault !== null) faults.push(`${name} (${path.join('.')}): ${fault}`);
      const inner = messageOf(field);
      if (fault !== null || inner === null || VALUES.test(inner.typeName) || walk.opaque?.includes(inner.typeName)) continue;
      if (isRefused(walk, wrapField(sampleOf(walk, field)))) continue;
      visit(inner, (json) => wrapField(inContainer(field, json)), [...path, ...steps(field)]);
    }
  };
  visit(api().message(walk.typeName), (json) => json, []);
  for (const name of Object.keys(walk.allowed)) if (!used.has(name)) faults.push(`${name} is on the list of exceptions, but was not met`);
  return faults;
}

/** The sample without what the field excludes: itself, and the other members of its oneof. */
function without(sample: JsonSample, field: DescField): JsonSample {
  const others = new Set((field.oneof?.fields ?? [field]).map((each) => each.name));
  return Object.fromEntries(Object.entries(sample).filter(([key]) => !others.has(key)));
}

function messageOf(field: DescField): DescMessage | null {
  if (field.fieldKind === 'message') return field.message;
  if (field.fieldKind === 'list' && field.listKind === 'message') return field.message;
  return field.fieldKind === 'map' && field.mapKind === 'message' ? field.message : null;
}

function inContainer(field: DescField, value: unknown): unknown {
  if (field.fieldKind === 'list') return [value];
  return field.fieldKind === 'map' ? { key: value } : value;
}

function sampleOf(walk: FieldWalk, field: DescField): unknown {
  const given = walk.samples[`${field.parent.typeName}.${field.name}`]?.['value'];
  if (given !== undefined) return given;
  return inContainer(field, elementSample(walk, field));
}

function elementSample(walk: FieldWalk, field: DescField): unknown {
  const message = messageOf(field);
  if (message !== null) return messageSample(walk, message);
  if ('enum' in field && field.enum !== undefined) return field.enum.values.find((each) => each.number !== 0)?.name;
  const scalar = 'scalar' in field ? field.scalar : undefined;
  // ScalarType: BOOL is 8, STRING 9, BYTES 12.
  if (scalar === 8) return true;
  if (scalar === 9) return 'sample';
  return scalar === 12 ? 'YQ==' : 1;
}

function messageSample(walk: FieldWalk, message: DescMessage): unknown {
  const given = walk.samples[message.typeName];
  if (given !== undefined) return given;
  switch (message.typeName) {
    case 'google.protobuf.Duration': return '7s';
    case 'google.protobuf.BoolValue': return true;
    case 'google.protobuf.Struct': return { key: 'sample' };
    case 'google.protobuf.Value': return 'sample';
    case 'google.protobuf.Any': return { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'sample' };
    default: return VALUES.test(message.typeName) ? 1 : {};
  }
}

/** Where the field's value stands in the message as the builder sees it. */
function steps(field: DescField): string[] {
  const own = field.oneof === undefined ? [field.localName] : [field.oneof.localName, 'value'];
  if (field.fieldKind === 'list') return [...own, '0'];
  return field.fieldKind === 'map' ? [...own, 'key'] : own;
}

function tryField(walk: FieldWalk, field: DescField, json: JsonSample, path: readonly string[]): string | null {
  const seen = new Set<string>();
  let message: Message;
  try {
    message = read(walk, json);
  } catch (error) {
    return `the sample is not valid: ${textOf(error)}`;
  }
  let refusal = '';
  try {
    walk.build(recording(message, '', seen) as Message);
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof ConfigErrors)) throw error;
    refusal = textOf(error);
  }
  const own = field.oneof === undefined ? field.localName : `${field.oneof.localName}.value`;
  if (seen.has([...path, own].join('.')) || refusal.includes('not in nuncio yet')) return null;
  return refusal === '' ? 'neither read nor refused' : `not reached: ${refusal}`;
}

function isRefused(walk: FieldWalk, json: JsonSample): boolean {
  try {
    walk.build(read(walk, json));
    return false;
  } catch (error) {
    return textOf(error).includes('not in nuncio yet');
  }
}

function read(walk: FieldWalk, json: JsonSample): Message {
  const text = JSON.stringify(json);
  return walk.unchecked === true ? fromYamlUnchecked(walk.typeName, text) : fromYaml(walk.typeName, text);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A view of `value` that notes the path of every property that is read. */
function recording(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return new Proxy(value, {
    get(target, key, receiver): unknown {
      const inner: unknown = Reflect.get(target, key, receiver);
      if (typeof key !== 'string' || typeof inner === 'function') return inner;
      const at = path === '' ? key : `${path}.${key}`;
      read.add(at);
      return recording(inner, at, read);
    },
  });
}
