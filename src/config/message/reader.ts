import { create, type DescEnum, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { readAny, type Reading } from './any.ts';
import { closest } from './did-you-mean.ts';
import type { MessageFields } from './fields.ts';
import { describe, isObject, quote, setKey, type Json, type JsonObject } from './json.ts';
import type { ReadContext } from './read-context.ts';
import { FAILED, mapKeyReader, scalarReader, type Failed, type ValueReader } from './scalars.ts';
import { formReader, isWrapper, readStruct } from './well-known.ts';
import { removedFieldHint } from './removed-fields.ts';

/*
 * JSON values to protobuf-es messages, by the rules of Envoy's reader (protobuf's C++ JSON reader in its lenient mode):
 * field names in snake_case or camelCase, null means unset, a single value stands for a list of one, enum names in any case.
 * Everything wrong is reported, not only the first. Readers are made once a message type, on first use.
 */

const SINGULAR = 0;
const LIST = 1;
const MAP = 2;
const ONEOF = 3;

/** How one field of a message is read and where it goes. */
class FieldReader {
  /** Name in the proto file, the way paths and errors show it. */
  readonly name: string;
  /** Property of the message: the field's own, or its oneof's. */
  readonly property: string;
  /** Case name within a oneof. */
  readonly caseName: string;
  /** Name of the oneof in the proto file, or empty. */
  readonly group: string;
  readonly shape: 0 | 1 | 2 | 3;
  /** For google.protobuf.Value, of which null is a value and not an absence. */
  readonly takesNull: boolean;
  readonly value: ValueReader;
  readonly key: ValueReader | null;

  constructor(field: DescField) {
    this.name = field.name;
    this.caseName = field.localName;
    this.group = field.oneof?.name ?? '';
    this.property = field.oneof === undefined ? field.localName : field.oneof.localName;
    this.shape = field.fieldKind === 'list' ? LIST : field.fieldKind === 'map' ? MAP : field.oneof === undefined ? SINGULAR : ONEOF;
    this.takesNull = field.message?.typeName === 'google.protobuf.Value';
    this.value = valueReader(field);
    this.key = field.fieldKind === 'map' ? mapKeyReader(field.mapKey) : null;
  }

  /** Reads `value` into the message; the context's path already ends with this field's key. */
  read(message: MessageFields, value: Json, context: ReadContext): void {
    if (value === null && !(this.takesNull && this.shape !== LIST && this.shape !== MAP)) return;
    if (this.shape === LIST) this.readList(message[this.property] as unknown[], value, context);
    else if (this.shape === MAP) this.readMap(message[this.property] as MessageFields, value, context);
    else this.readOne(message, value, context);
  }

  private readOne(message: MessageFields, value: Json, context: ReadContext): void {
    if (this.shape === ONEOF) {
      const present = (message[this.property] as { case?: string }).case;
      if (present !== undefined) {
        context.problem(`only one of the fields of '${this.group}' may be set; ${quote(snakeCase(present))} already is`);
        return;
      }
    }
    const read = this.value(value, context);
    if (read === FAILED) return;
    message[this.property] = this.shape === ONEOF ? { case: this.caseName, value: read } : read;
  }

  private readList(list: unknown[], value: Json, context: ReadContext): void {
    // A value in place of a list is a list of one.
    if (!Array.isArray(value)) {
      this.readItem(list, value, context);
      return;
    }
    if (!context.enter(value.length)) return;
    for (let i = 0; i < value.length; i++) {
      context.path.push(i);
      this.readElement(list, value[i] ?? null, context);
      context.path.pop();
    }
  }

  private readElement(list: unknown[], value: Json, context: ReadContext): void {
    if (Array.isArray(value) && !this.takesNull) this.readList(list, value, context);
    else this.readItem(list, value, context);
  }

  private readItem(list: unknown[], value: Json, context: ReadContext): void {
    const read = this.value(value === null && !this.takesNull ? this.zero : value, context);
    if (read !== FAILED) list.push(read);
  }

  private readMap(map: MessageFields, value: Json, context: ReadContext): void {
    if (!isObject(value)) {
      context.problem(`expected an object, not ${describe(value)}`);
      return;
    }
    const keys = Object.keys(value);
    if (!context.enter(keys.length)) return;
    for (const key of keys) {
      context.path.push(key);
      const mapKey = this.key === null ? key : this.key(key, context);
      const item = value[key] ?? null;
      const read = this.value(item === null && !this.takesNull ? this.zero : item, context);
      if (mapKey !== FAILED && read !== FAILED) setKey(map, String(mapKey), read);
      context.path.pop();
    }
  }

  /** What null stands for inside a list or a map: the type's zero value, in JSON. */
  zero: Json = null;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The JSON form of a type's zero value, which null stands for as a list item or a map value. */
function zeroJson(field: DescField): Json {
  const scalar = field.fieldKind === 'map' ? (field.mapKind === 'scalar' ? field.scalar : undefined) : field.scalar;
  if (scalar !== undefined) return scalar === 9 || scalar === 12 ? '' : scalar === 8 ? false : 0;
  return field.message === undefined ? 0 : {};
}

function valueReader(field: DescField): ValueReader {
  if (field.message !== undefined) {
    const inField = (field.fieldKind === 'message' && field.oneof === undefined) || false;
    return messageValueReader(field.message, inField, field.fieldKind);
  }
  if (field.enum !== undefined) return enumReader(field.enum);
  if (field.scalar === undefined) throw new Error("a field without a type");
  return scalarReader(field.scalar, field.fieldKind === 'scalar' && field.longAsString);
}

/**
 * The reader of a message-typed value. protobuf-es unwraps wrappers in singular fields outside oneofs (`plain`), and keeps Struct
 * as a plain object in every field.
 */
function messageValueReader(descriptor: DescMessage, plain: boolean, _kind: string): ValueReader {
  const typeName = descriptor.typeName;
  if (typeName === 'google.protobuf.Struct') return readStruct;
  if (isWrapper(typeName)) return wrapperReader(descriptor, plain);
  return (value, context) => readMessage(descriptor, value, context);
}

function wrapperReader(descriptor: DescMessage, plain: boolean): ValueReader {
  const inner = descriptor.fields[0];
  if (inner?.fieldKind !== 'scalar') throw new Error(`${descriptor.typeName} wraps nothing`);
  const scalar = scalarReader(inner.scalar, false);
  return (value, context) => {
    const read = isObject(value) ? readWrapperObject(descriptor, value, context) : scalar(value, context);
    if (read === FAILED || plain) return read;
    return create(descriptor, { value: read });
  };
}

/** `{value: 5}`, which Envoy's reader takes for a wrapper too. */
function readWrapperObject(descriptor: DescMessage, value: JsonObject, context: ReadContext): unknown {
  const message = readFields(descriptor, value, context);
  return message === FAILED ? FAILED : (message as unknown as MessageFields)['value'];
}

const ENUM_DIGITS = /^[+-]?[0-9]+$/;

function enumReader(descriptor: DescEnum): ValueReader {
  const byName = new Map<string, number>();
  for (const value of descriptor.values) byName.set(value.name, value.number);
  const byUpperName = new Map<string, number>();
  for (const value of descriptor.values) byUpperName.set(value.name.toUpperCase(), value.number);
  return (value, context) => {
    if (typeof value === 'string') {
      const number = byName.get(value) ?? byUpperName.get(value.toUpperCase());
      if (number !== undefined) return number;
      if (ENUM_DIGITS.test(value)) return Number(value);
      return unknownEnumName(descriptor, value, context);
    }
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 0x7fffffff) return value;
    context.problem(`expected one of the names of ${descriptor.typeName}, not ${describe(value)}`, enumHint(descriptor, ''));
    return FAILED;
  };
}

function unknownEnumName(descriptor: DescEnum, name: string, context: ReadContext): Failed {
  context.unknownField(
    `unknown value ${quote(name)} for enum ${descriptor.typeName}`,
    enumHint(descriptor, name),
    `unknown enum value: '${name}'`,
  );
  return FAILED;
}

function enumHint(descriptor: DescEnum, name: string): string {
  const names = descriptor.values.map((each) => each.name);
  const near = closest(name.toUpperCase(), names);
  if (near !== undefined) return `did you mean ${near}?`;
  return names.length <= 12 ? `one of ${names.join(', ')}` : '';
}

/** The fields of one message type by every name that JSON may use. */
class FieldTable {
  readonly byName: Map<string, FieldReader>;

  constructor(descriptor: DescMessage) {
    this.byName = new Map();
    for (const field of descriptor.fields) {
      const reader = new FieldReader(field);
      reader.zero = zeroJson(field);
      this.byName.set(field.jsonName, reader);
      this.byName.set(field.name, reader);
    }
  }
}

const tables = new WeakMap<DescMessage, FieldTable>();

function tableOf(descriptor: DescMessage): FieldTable {
  let table = tables.get(descriptor);
  if (table === undefined) {
    table = new FieldTable(descriptor);
    tables.set(descriptor, table);
  }
  return table;
}

/** Reads a value as a message of the given type; FAILED when nothing came of it (the context then has the reasons). */
export function readMessage(descriptor: DescMessage, value: Json, context: ReadContext): Message | Failed {
  const typeName = descriptor.typeName;
  if (typeName.startsWith('google.protobuf.')) {
    if (typeName === 'google.protobuf.Any') return readAny(descriptor, value, context, READING);
    const form = formReader(typeName);
    const writtenOut = isObject(value) && hasOpenForm(typeName);
    if (form !== undefined && !writtenOut) return form(descriptor, value, context) as Message | Failed;
    if (isWrapper(typeName) && !writtenOut) return wrapperReader(descriptor, false)(value, context) as Message | Failed;
  }
  if (!isObject(value)) {
    context.problem(`expected an object (${typeName}), not ${describe(value)}`, listHint(value));
    return FAILED;
  }
  return readFields(descriptor, value, context);
}

/** What the reader of Any needs of this file. */
const READING: Reading = { message: readMessage, into: readInto };

/** Types of their own form that may also be written out as objects: `{seconds: 5}`. */
function hasOpenForm(typeName: string): boolean {
  return typeName === 'google.protobuf.Duration' || typeName === 'google.protobuf.Timestamp' || typeName === 'google.protobuf.FieldMask';
}

function listHint(value: Json): string {
  return Array.isArray(value) ? 'remove the leading "-": this is not a list' : '';
}

function readFields(descriptor: DescMessage, value: JsonObject, context: ReadContext): Message | Failed {
  const message = create(descriptor);
  return readInto(descriptor, message, value, context, false) ? message : FAILED;
}

/**
 * Reads an object's keys into a message. `inAny`: the key `@type` is not a field.
 * False when a limit was passed; a message with wrong fields is still a message, so that all its errors are found.
 */
export function readInto(descriptor: DescMessage, message: Message, value: JsonObject, context: ReadContext, inAny: boolean): boolean {
  const fields = message as unknown as MessageFields;
  const byName = tableOf(descriptor).byName;
  const path = context.path;
  if (!context.enter(0)) return false;
  for (const key in value) {
    const reader = byName.get(key);
    path.push(key);
    if (reader !== undefined) reader.read(fields, value[key] ?? null, context);
    else if (!(inAny && key === '@type')) unknownKey(descriptor, key, context);
    path.pop();
  }
  return true;
}

function unknownKey(descriptor: DescMessage, key: string, context: ReadContext): void {
  const removed = removedFieldHint(descriptor.typeName, key);
  const names = descriptor.fields.map((each) => each.name);
  const near = removed === undefined ? closest(key, names) : undefined;
  const hint = key === '<<' ? MERGE_KEY : (removed ?? (near === undefined ? fewNames(names) : `did you mean ${near}?`));
  context.unknownField(`no such field: '${key}' in ${descriptor.typeName}`, hint, `type ${descriptor.typeName} reason no such field: '${key}'`, near);
}

const MERGE_KEY = 'Envoy reads YAML without merge keys; give the whole value an anchor instead';

function fewNames(names: readonly string[]): string {
  return names.length > 0 && names.length <= 8 ? `it has ${names.join(', ')}` : '';
}
