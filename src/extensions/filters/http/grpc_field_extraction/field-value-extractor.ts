import { isUtf8 } from 'node:buffer';
import { general } from '../../../../common/transcoding/float-text.ts';
import { skipField } from '../../../../common/transcoding/skip-field.ts';
import type { DescriptorPool } from '../../../../common/transcoding/descriptor-pool.ts';
import { internal, invalidArgument } from '../../../../common/transcoding/status.ts';
import type { TranscodingStatus } from '../../../../common/transcoding/status.ts';
import {
  KIND_DOUBLE, KIND_FIXED32, KIND_FIXED64, KIND_FLOAT, KIND_INT32, KIND_INT64, KIND_MESSAGE, KIND_SFIXED32, KIND_SFIXED64, KIND_SINT32, KIND_SINT64,
  KIND_STRING, KIND_UINT32, KIND_UINT64, MessageType, WELL_KNOWN_ANY, WELL_KNOWN_TIMESTAMP,
} from '../../../../common/transcoding/types.ts';
import type { Field } from '../../../../common/transcoding/types.ts';
import { signed64, unsigned64, WireReader, zigzag32, zigzag64 } from '../../../../common/transcoding/wire-reader.ts';

/** What was found: text, or the entries of a map of strings. Bytes that are no UTF-8 are one character each. */
export type ExtractedValue = string | Readonly<Record<string, string>>;

/** Digits of a floating-point number, as absl::StrCat prints it. */
const FLOAT_DIGITS = 6;
const ANY_TYPE_URL = 1;
const ANY_VALUE = 2;
const MAX_DEPTH = 100;

const NUMBERS: ReadonlySet<number> = new Set([
  KIND_UINT32, KIND_UINT64, KIND_INT32, KIND_INT64, KIND_SINT32, KIND_SINT64, KIND_FIXED32, KIND_FIXED64, KIND_SFIXED32, KIND_SFIXED64, KIND_FLOAT,
  KIND_DOUBLE,
]);

function isTimestamp(field: Field): boolean {
  return field.kind === KIND_MESSAGE && field.message?.wellKnown === WELL_KNOWN_TIMESTAMP;
}

/** Why a path cannot be extracted from messages of a type, or null. A map stands for its values. */
export function checkFieldPath(type: MessageType, path: string): string | null {
  if (path === '') return 'Empty field path';
  const names = path.split('.');
  let parent: MessageType | null = type;
  let field: Field | undefined;
  while (parent !== null && names.length > 0) {
    const name = names.shift() ?? '';
    field = parent.fieldByName(name);
    if (field === undefined) return `Invalid fieldPath (${path}): no '${name}' field in 'type.googleapis.com/${type.fullName}' message`;
    parent = field.message;
    if (parent !== null && parent.mapEntry) names.unshift('value');
  }
  if (field === undefined) return 'Empty field path';
  if (names.length > 0) return `Invalid non-leaf node ${field.name} of non message type (${field.typeName === '' ? '' : field.typeLabel}).`;
  if (field.kind === KIND_STRING || NUMBERS.has(field.kind) || isTimestamp(field)) return null;
  return `leaf node '${field.name}' must be numerical/string or timestamp type`;
}

/** Finds the values of one field path in serialized messages, without decoding what lies beside it. */
export class FieldValueExtractor {
  private readonly pool: DescriptorPool;
  private readonly type: MessageType;
  private readonly names: readonly string[];
  private values: ExtractedValue[];

  /** `path` MUST have passed checkFieldPath. */
  constructor(pool: DescriptorPool, type: MessageType, path: string) {
    this.pool = pool;
    this.type = type;
    this.names = path.split('.');
    this.values = [];
  }

  /** All values in order, or why the message is malformed. */
  extract(message: Buffer): readonly ExtractedValue[] | TranscodingStatus {
    this.values = [];
    const fault = this.message(new WireReader(message, Infinity, MAX_DEPTH), this.type, 0);
    return fault ?? this.values;
  }

  private message(reader: WireReader, type: MessageType, depth: number): TranscodingStatus | null {
    const field = type.fieldByName(this.names[depth]);
    if (field === undefined) return invalidArgument(`Cannot find field '${this.names[depth]}' in '${type.fullName}' message.`);
    if (depth === this.names.length - 1) return this.leaf(reader, field);
    const inner = field.message;
    if (field.kind !== KIND_MESSAGE || inner === null) {
      return invalidArgument(`Field '${field.name}' is a non-leaf node of the field mask path but it's not of message type.`);
    }
    while (searchField(reader, field)) {
      const before = reader.pushLength();
      const fault = this.inside(reader, field, inner, depth);
      if (fault !== null) return fault;
      leave(reader, before);
    }
    return null;
  }

  private inside(reader: WireReader, field: Field, type: MessageType, depth: number): TranscodingStatus | null {
    if (type.mapEntry) return this.mapValue(reader, type, depth);
    if (type.wellKnown === WELL_KNOWN_ANY) return this.anyValue(reader, field, depth);
    return this.message(reader, type, depth + 1);
  }

  private mapValue(reader: WireReader, entry: MessageType, depth: number): TranscodingStatus | null {
    const value = entry.fieldByName('value');
    if (value === undefined || value.message === null) {
      return invalidArgument("Field 'value' is a non-leaf node of the field mask path but it's not of message type.");
    }
    if (!searchField(reader, value)) return null;
    const before = reader.pushLength();
    const any = value.message.wellKnown === WELL_KNOWN_ANY;
    const fault = any ? this.anyValue(reader, value, depth) : this.message(reader, value.message, depth + 1);
    leave(reader, before);
    return fault;
  }

  /** The content of an Any, by the type that it names. */
  private anyValue(reader: WireReader, field: Field, depth: number): TranscodingStatus | null {
    let url = '';
    let content: Buffer | null = null;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      const number = tag >>> 3;
      if (number === ANY_TYPE_URL) url = readText(reader);
      else if (number === ANY_VALUE) content = reader.take(reader.varint32());
      else skipField(reader, tag);
      reader.failed = false;
    }
    const type = url === '' ? null : this.pool.messageByUrl(url);
    if (type !== null && !(type instanceof MessageType)) {
      return invalidArgument(`Field '${field.name}' contains invalid google.protobuf.Any instance with malformed or non-recognizable \`type_url\` value '${url}'.`);
    }
    if (content === null) return null;
    if (type === null) {
      return invalidArgument(`Field '${field.name}' contains invalid google.protobuf.Any instance with empty \`type_url\` and non-empty \`value\`.`);
    }
    return this.message(new WireReader(content, content.length, MAX_DEPTH), type, depth + 1);
  }

  private leaf(reader: WireReader, field: Field): TranscodingStatus | null {
    const entry = field.message;
    if (entry === null || !entry.mapEntry) return this.plainLeaf(reader, field);
    const [key, value] = entry.fields;
    if (key.kind === KIND_STRING && value.kind === KIND_STRING) return this.stringMap(reader, field);
    while (searchField(reader, field)) {
      const before = reader.pushLength();
      const fault = this.plainLeaf(reader, value);
      if (fault !== null) return fault;
      leave(reader, before);
    }
    return null;
  }

  private stringMap(reader: WireReader, field: Field): TranscodingStatus | null {
    const found = new Map<string, string>();
    while (searchField(reader, field)) {
      const before = reader.pushLength();
      let key = '';
      let value = '';
      for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
        if (tag >>> 3 === 1) key = readText(reader);
        else if (tag >>> 3 === 2) value = readText(reader);
        else skipField(reader, tag);
        reader.failed = false;
      }
      if (key !== '') found.set(key, value);
      leave(reader, before);
    }
    if (found.size > 0) this.values.push(Object.fromEntries(found));
    return null;
  }

  private plainLeaf(reader: WireReader, field: Field): TranscodingStatus | null {
    if (field.repeated) {
      for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
        if (tag >>> 3 !== field.number) skipField(reader, tag);
        else if (field.packed && NUMBERS.has(field.kind)) {
          if (!this.packed(reader, field)) return internal('Failed to read pack primitive from request proto');
        } else this.values.push(readValue(reader, field));
        reader.failed = false;
      }
      return null;
    }
    if (!searchField(reader, field)) return null;
    const first = readValue(reader, field);
    // A field that comes again: the last one counts, unless it is empty.
    let last = '';
    let at = reader.pos;
    while (searchField(reader, field)) {
      if (reader.pos === at) return invalidArgument('The request message is malformed with endless values for a single field.');
      at = reader.pos;
      last = readValue(reader, field);
    }
    this.values.push(last === '' ? first : last);
    return null;
  }

  private packed(reader: WireReader, field: Field): boolean {
    const length = reader.varint32();
    if (reader.failed || length > Math.min(reader.end, reader.limit) - reader.pos) return false;
    const before = reader.limit;
    reader.limit = reader.pos + length;
    while (reader.untilLimit > 0) {
      const text = readNumber(reader, field.kind);
      if (reader.failed) return false;
      this.values.push(text);
    }
    reader.popLimit(before);
    return true;
  }
}

/** Moves behind the next tag of the field; false at the end. What is malformed before it is passed over. */
function searchField(reader: WireReader, field: Field): boolean {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag >>> 3 === field.number) return true;
    skipField(reader, tag);
    reader.failed = false;
  }
  return false;
}

/** To the end of a message that was entered with `pushLength`. */
function leave(reader: WireReader, before: number): void {
  if (!reader.skip(reader.untilLimit)) reader.pos = Math.min(reader.end, reader.limit);
  reader.failed = false;
  reader.popLimit(before);
}

function readText(reader: WireReader): string {
  const bytes = reader.take(reader.varint32());
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

function readValue(reader: WireReader, field: Field): string {
  // The serialized form of a timestamp, as Envoy gives it.
  const text = field.kind === KIND_STRING || field.kind === KIND_MESSAGE ? readText(reader) : readNumber(reader, field.kind);
  reader.failed = false;
  return text;
}

function readNumber(reader: WireReader, kind: number): string {
  switch (kind) {
    case KIND_INT32: return String(reader.varint32() | 0);
    case KIND_UINT32: return String(reader.varint32());
    case KIND_SINT32: return String(zigzag32(reader.varint32()));
    case KIND_INT64: return String(signed64(reader.varint64(), reader.high));
    case KIND_UINT64: return String(unsigned64(reader.varint64(), reader.high));
    case KIND_SINT64: return String(zigzag64(reader.varint64(), reader.high));
    case KIND_FIXED32: return String(reader.fixed32());
    case KIND_SFIXED32: return String(reader.fixed32() | 0);
    case KIND_FIXED64: return String(unsigned64(reader.fixed64(), reader.high));
    case KIND_SFIXED64: return String(signed64(reader.fixed64(), reader.high));
    case KIND_FLOAT: return floatingText(reader.float());
    default: return floatingText(reader.double());
  }
}

function floatingText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return general(value, FLOAT_DIGITS);
}
