import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { describe, isObject, quote, setKey, type Json, type JsonObject } from './json.ts';
import type { ReadContext } from './read-context.ts';
import { FAILED, type Failed } from './scalars.ts';

/** Messages of google.protobuf that JSON writes in a form of their own. Null when a type has none. */
export type FormReader = (descriptor: DescMessage, value: Json, context: ReadContext) => unknown;

const DURATION = /^(-?)([0-9]+)(?:\.([0-9]{1,9}))?s$/;
const MAX_DURATION_SECONDS = 315_576_000_000n;
/** RFC 3339, with the offset that protobuf also takes. */
const TIMESTAMP = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})$/;

function nanosOf(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.padEnd(9, '0'));
}

function durationHint(text: string): string {
  const milliseconds = /^([0-9]+)ms$/.exec(text);
  if (milliseconds?.[1] !== undefined) return `write seconds: "${Number(milliseconds[1]) / 1000}s"`;
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return `add the unit: "${text}s"`;
  const minutes = /^([0-9]+)([mh])$/.exec(text);
  if (minutes?.[1] !== undefined) return `write seconds: "${Number(minutes[1]) * (minutes[2] === 'm' ? 60 : 3600)}s"`;
  return 'a duration is a number of seconds with at most 9 fraction digits and an s: "0.25s"';
}

function readDuration(descriptor: DescMessage, value: Json, context: ReadContext): unknown {
  if (typeof value !== 'string') {
    const hint = typeof value === 'number' ? `write "${value}s"` : '';
    context.problem(`expected a duration such as "0.25s", not ${describe(value)}`, hint);
    return FAILED;
  }
  const match = DURATION.exec(value);
  if (match === null) {
    context.problem(`${quote(value)} is not a duration`, durationHint(value));
    return FAILED;
  }
  const negative = match[1] === '-';
  const seconds = BigInt(match[2] ?? '0');
  if (seconds > MAX_DURATION_SECONDS) {
    context.problem(`the duration ${quote(value)} is out of range`);
    return FAILED;
  }
  const nanos = nanosOf(match[3]);
  return create(descriptor, { seconds: negative ? -seconds : seconds, nanos: negative && nanos !== 0 ? -nanos : nanos });
}

function readTimestamp(descriptor: DescMessage, value: Json, context: ReadContext): unknown {
  const match = typeof value === 'string' ? TIMESTAMP.exec(value) : null;
  const milliseconds = match === null ? NaN : Date.parse(`${match[1]}${match[3]}`);
  if (match === null || Number.isNaN(milliseconds)) {
    context.problem(`expected a time such as "2026-01-31T12:00:00Z", not ${describe(value)}`);
    return FAILED;
  }
  return create(descriptor, { seconds: BigInt(milliseconds / 1000), nanos: nanosOf(match[2]) });
}

function readFieldMask(descriptor: DescMessage, value: Json, context: ReadContext): unknown {
  if (typeof value !== 'string') {
    context.problem(`expected field names separated by commas, not ${describe(value)}`);
    return FAILED;
  }
  const snake = (path: string): string => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return create(descriptor, { paths: value === '' ? [] : value.split(',').map((each) => snake(each.trim())) });
}

/** A copy of a JSON value fit for a Struct: bigints become numbers. Checks size and depth. */
export function readJson(value: Json, context: ReadContext): Json | Failed {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') return wellFormed(value, context) ? value : FAILED;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return readJsonList(value, context);
  return readJsonObject(value, context);
}

/** Half a surrogate pair, which JSON can write and UTF-8 cannot, is an error. */
function wellFormed(text: string, context: ReadContext): boolean {
  if (text.isWellFormed()) return true;
  context.problem(`${quote(text)} holds half of a surrogate pair, which is no character`);
  return false;
}

function readJsonList(value: Json[], context: ReadContext): Json | Failed {
  if (!context.enter(value.length)) return FAILED;
  const out: Json[] = [];
  for (let i = 0; i < value.length; i++) {
    context.path.push(i);
    const item = readJson(value[i] ?? null, context);
    context.path.pop();
    if (item === FAILED) return FAILED;
    out.push(item);
  }
  return out;
}

function readJsonObject(value: JsonObject, context: ReadContext): JsonObject | Failed {
  const keys = Object.keys(value);
  if (!context.enter(keys.length)) return FAILED;
  const out: JsonObject = {};
  for (const key of keys) {
    context.path.push(key);
    const item = wellFormed(key, context) ? readJson(value[key] ?? null, context) : FAILED;
    context.path.pop();
    if (item === FAILED) return FAILED;
    setKey(out, key, item);
  }
  return out;
}

/** google.protobuf.Struct in a field: protobuf-es keeps it as a plain object. */
export function readStruct(value: Json, context: ReadContext): JsonObject | Failed {
  if (!isObject(value)) {
    context.problem(`expected an object, not ${describe(value)}`);
    return FAILED;
  }
  return readJsonObject(value, context);
}

/** A google.protobuf.Value message of a JSON value that readJson has passed. */
export function valueMessage(descriptor: DescMessage, value: Json): Message {
  return create(descriptor, { kind: valueKind(descriptor, value) });
}

function valueKind(descriptor: DescMessage, value: Json): { case: string; value: unknown } {
  if (value === null) return { case: 'nullValue', value: 0 };
  if (typeof value === 'boolean') return { case: 'boolValue', value };
  if (typeof value === 'string') return { case: 'stringValue', value };
  if (typeof value === 'number' || typeof value === 'bigint') return { case: 'numberValue', value: Number(value) };
  if (Array.isArray(value)) {
    return { case: 'listValue', value: listMessage(member(descriptor, 'list_value'), value, descriptor) };
  }
  return { case: 'structValue', value: structMessage(member(descriptor, 'struct_value'), value, descriptor) };
}

function member(descriptor: DescMessage, name: string): DescMessage {
  const field = descriptor.fields.find((each) => each.name === name);
  if (field?.fieldKind !== 'message') throw new Error(`${descriptor.typeName} has no message field ${name}`);
  return field.message;
}

function listMessage(list: DescMessage, values: Json[], value: DescMessage): Message {
  return create(list, { values: values.map((each) => valueMessage(value, each)) });
}

/** A google.protobuf.Struct as a message of its own (inside Any or a list). */
export function structMessage(struct: DescMessage, object: JsonObject, value: DescMessage): Message {
  const fields: Record<string, Message> = {};
  for (const key of Object.keys(object)) setKey(fields, key, valueMessage(value, object[key] ?? null));
  return create(struct, { fields });
}

function readValue(descriptor: DescMessage, value: Json, context: ReadContext): unknown {
  const json = readJson(value, context);
  return json === FAILED ? FAILED : valueMessage(descriptor, json);
}

function readListValue(descriptor: DescMessage, value: Json, context: ReadContext): unknown {
  if (!Array.isArray(value)) {
    context.problem(`expected a list, not ${describe(value)}`);
    return FAILED;
  }
  const json = readJsonList(value, context);
  if (json === FAILED || !Array.isArray(json)) return FAILED;
  const values = descriptor.fields[0];
  if (values?.fieldKind !== 'list' || values.listKind !== 'message') throw new Error('ListValue has no values');
  return listMessage(descriptor, json, values.message);
}

function readStructMessage(descriptor: DescMessage, value: Json, context: ReadContext): unknown {
  const json = readStruct(value, context);
  if (json === FAILED) return FAILED;
  const fields = descriptor.fields[0];
  if (fields?.fieldKind !== 'map' || fields.mapKind !== 'message') throw new Error('Struct has no fields');
  return structMessage(descriptor, json, fields.message);
}

const FORMS = new Map<string, FormReader>([
  ['google.protobuf.Duration', readDuration],
  ['google.protobuf.Timestamp', readTimestamp],
  ['google.protobuf.FieldMask', readFieldMask],
  ['google.protobuf.Value', readValue],
  ['google.protobuf.ListValue', readListValue],
  ['google.protobuf.Struct', readStructMessage],
]);

/** The reader of a well-known type's own JSON form, or undefined. Any and the wrappers are elsewhere. */
export function formReader(typeName: string): FormReader | undefined {
  return FORMS.get(typeName);
}

const WRAPPERS = new Set(
  ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map((each) => `google.protobuf.${each}Value`),
);

export function isWrapper(typeName: string): boolean {
  return WRAPPERS.has(typeName);
}
