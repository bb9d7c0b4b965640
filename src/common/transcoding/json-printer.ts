import { doubleText, floatText } from './float-text.ts';
import type { DescriptorPool } from './descriptor-pool.ts';
import { jsonString } from './json-string.ts';
import { invalidArgument, OK } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import { durationText, fieldMaskText, timestampText } from './well-known-text.ts';
import {
  KIND_BOOL, KIND_BYTES, KIND_DOUBLE, KIND_ENUM, KIND_FIXED64, KIND_FLOAT, KIND_GROUP, KIND_INT64, KIND_MESSAGE, KIND_SFIXED64,
  KIND_SINT64, KIND_STRING, KIND_UINT64, MessageType, WELL_KNOWN_ANY, WELL_KNOWN_DURATION, WELL_KNOWN_FIELD_MASK, WELL_KNOWN_LIST_VALUE, WELL_KNOWN_NONE,
  WELL_KNOWN_STRUCT, WELL_KNOWN_TIMESTAMP, WELL_KNOWN_VALUE, WELL_KNOWN_WRAPPER,
} from './types.ts';
import type { Field } from './types.ts';
import { UntypedMessage, UntypedMessageDecoder } from './untyped-message.ts';
import type { Value } from './untyped-message.ts';

/** google.protobuf.util.JsonPrintOptions. */
export interface JsonPrintOptions {
  readonly addWhitespace: boolean;
  readonly alwaysPrintFieldsWithNoPresence: boolean;
  readonly alwaysPrintEnumsAsInts: boolean;
  readonly preserveProtoFieldNames: boolean;
}

/**
 * Protobuf messages as JSON, byte for byte as protobuf's C++ library 33 prints them (util::BinaryToJsonString). One printer may print many
 * messages, one after the other.
 */
export class JsonPrinter {
  private readonly pool: DescriptorPool;
  private readonly options: JsonPrintOptions;
  private out: string;
  private indent: number;
  /** Whether nothing has been written since the innermost `{` or `[`. */
  private first: boolean;
  /** Bytes of the last message that were read: more may be left when a zero tag ended it. */
  consumed: number;
  status: TranscodingStatus;

  constructor(pool: DescriptorPool, options: JsonPrintOptions) {
    this.pool = pool;
    this.options = options;
    this.out = '';
    this.indent = 0;
    this.first = true;
    this.consumed = 0;
    this.status = OK;
  }

  /** JSON of a serialized message as a byte string, or null: see `status`. */
  print(type: MessageType, bytes: Buffer): string | null {
    const decoder = new UntypedMessageDecoder(bytes, Infinity);
    const message = decoder.decode(type);
    this.consumed = decoder.consumed;
    this.status = decoder.status;
    if (message === null) return null;
    this.out = '';
    this.indent = 0;
    this.first = true;
    if (!this.message(message)) return null;
    this.newLine();
    const text = this.out;
    this.out = '';
    return text;
  }

  private fail(message: string): false {
    this.status = invalidArgument(message);
    return false;
  }

  private newLine(): void {
    if (this.options.addWhitespace) this.out += `\n${' '.repeat(this.indent)}`;
  }

  private open(bracket: string): void {
    this.out += bracket;
    this.indent++;
    this.first = true;
  }

  private close(bracket: string): boolean {
    this.indent--;
    if (!this.first) this.newLine();
    this.out += bracket;
    this.first = false;
    return true;
  }

  private item(): void {
    if (this.first) this.first = false;
    else this.out += ',';
    this.newLine();
  }

  private name(quoted: string): void {
    this.out += this.options.addWhitespace ? `${quoted}: ` : `${quoted}:`;
  }

  private message(message: UntypedMessage): boolean {
    switch (message.type.wellKnown) {
      case WELL_KNOWN_NONE:
        this.open('{');
        return this.fields(message) && this.close('}');
      case WELL_KNOWN_ANY: return this.any(message);
      case WELL_KNOWN_WRAPPER: return this.single(message.type.fields[0], valueOf(message, message.type.fields[0]));
      case WELL_KNOWN_VALUE: return this.value(message);
      case WELL_KNOWN_STRUCT: return this.map(message.type.fields[0], listOf(message, message.type.fields[0]));
      case WELL_KNOWN_LIST_VALUE: return this.list(message.type.fields[0], listOf(message, message.type.fields[0]));
      default: return this.textForm(message);
    }
  }

  /** Types whose JSON is one string. */
  private textForm(message: UntypedMessage): boolean {
    const text = textOf(message);
    if (typeof text !== 'string') {
      this.status = text;
      return false;
    }
    this.out += text;
    return true;
  }

  private fields(message: UntypedMessage): boolean {
    const always = this.options.alwaysPrintFieldsWithNoPresence;
    for (const field of message.type.sorted) {
      if (message.has(field) || (always && (field.repeated || field.implicitPresence))) {
        if (!this.field(message, field)) return false;
      }
    }
    return true;
  }

  private field(message: UntypedMessage, field: Field): boolean {
    const value = message.values[field.index];
    if (!field.repeated && isEmptyValue(field, value)) return true;
    this.item();
    this.name(`"${this.options.preserveProtoFieldNames ? field.name : field.jsonName}"`);
    if (field.isMap) return this.map(field, listOf(message, field));
    if (field.repeated) return this.list(field, listOf(message, field));
    return this.single(field, valueOf(message, field));
  }

  private list(field: Field, values: readonly Value[]): boolean {
    this.open('[');
    for (const value of values) {
      if (isEmptyValue(field, value)) continue;
      this.item();
      if (!this.single(field, value)) return false;
    }
    return this.close(']');
  }

  private map(field: Field, entries: readonly Value[]): boolean {
    const [keyField, valueField] = field.message?.fields ?? [];
    this.open('{');
    for (const entry of entries) {
      if (!(entry instanceof UntypedMessage) || keyField === undefined || valueField === undefined) continue;
      const value = valueOf(entry, valueField);
      if (isEmptyValue(valueField, value)) continue;
      this.item();
      this.name(this.mapKey(keyField, valueOf(entry, keyField)));
      if (!this.single(valueField, value)) return false;
    }
    return this.close('}');
  }

  private mapKey(field: Field, value: Value | undefined): string {
    if (field.kind === KIND_STRING) return value instanceof Buffer ? jsonString(value) : '""';
    if (field.kind === KIND_BOOL) return value === true ? '"true"' : '"false"';
    return `"${String(value ?? 0)}"`;
  }

  /** `undefined` prints the default of the field. */
  private single(field: Field, value: Value | undefined): boolean {
    if (field.kind === KIND_MESSAGE || field.kind === KIND_GROUP) {
      // C++ aborts where an entry of a map lacks its message: an empty one it is.
      if (value instanceof UntypedMessage) return this.message(value);
      return field.message === null ? this.fail('unsupported field type') : this.message(new UntypedMessage(field.message));
    }
    this.out += this.scalar(field, value);
    return true;
  }

  private scalar(field: Field, value: Value | undefined): string {
    switch (field.kind) {
      case KIND_STRING: return value instanceof Buffer ? jsonString(value) : '""';
      case KIND_BYTES: return value instanceof Buffer ? `"${value.toString('base64')}"` : '""';
      case KIND_BOOL: return value === true ? 'true' : 'false';
      case KIND_ENUM: return this.enum(field, typeof value === 'number' ? value : (field.enumType?.first ?? 0));
      case KIND_DOUBLE: case KIND_FLOAT: return numberText(field, typeof value === 'number' ? value : 0);
      case KIND_INT64: case KIND_UINT64: case KIND_SINT64: case KIND_FIXED64: case KIND_SFIXED64: return `"${String(value ?? 0)}"`;
      default: return String(value ?? 0);
    }
  }

  private enum(field: Field, value: number): string {
    if (field.isNullValue) return 'null';
    const name = this.options.alwaysPrintEnumsAsInts ? undefined : field.enumType?.name(value);
    return name === undefined ? String(value) : `"${name}"`;
  }

  /** google.protobuf.Value: the first of its fields that is set. An empty one prints nothing. */
  private value(message: UntypedMessage): boolean {
    const { type } = message;
    for (const field of type.sorted) {
      const value = message.values[field.index];
      if (value === undefined || Array.isArray(value)) continue;
      if (field.kind === KIND_DOUBLE && typeof value === 'number' && !Number.isFinite(value)) {
        const what = Number.isNaN(value) ? 'nan' : 'infinity';
        return this.fail(`google.protobuf.Value cannot encode double values for ${what}, because it would be parsed as a string`);
      }
      return this.single(field, value);
    }
    return true;
  }

  private any(message: UntypedMessage): boolean {
    const url = message.values[message.type.field(1)?.index ?? 0];
    const bytes = message.values[message.type.field(2)?.index ?? 1];
    if (url === undefined && bytes === undefined) {
      this.out += '{}';
      this.first = false;
      return true;
    }
    if (!(url instanceof Buffer)) return this.fail('broken Any: missing type URL');
    this.open('{');
    this.item();
    this.name('"@type"');
    this.out += jsonString(url);
    return this.anyContent(url.toString('latin1'), bytes instanceof Buffer ? bytes : EMPTY) && this.close('}');
  }

  private anyContent(url: string, bytes: Buffer): boolean {
    const type = this.pool.messageByUrl(url);
    if (!(type instanceof MessageType)) {
      this.status = type;
      return false;
    }
    const decoder = new UntypedMessageDecoder(bytes, bytes.length);
    const content = decoder.decode(type);
    if (content === null) {
      this.status = decoder.status;
      return false;
    }
    if (type.wellKnown === WELL_KNOWN_NONE) return this.fields(content);
    // C++ aborts on an empty Value here.
    if (isEmpty(content)) return true;
    this.item();
    this.name('"value"');
    return this.message(content);
  }
}

const EMPTY = Buffer.alloc(0);

function valueOf(message: UntypedMessage, field: Field): Value | undefined {
  const value = message.values[field.index];
  return Array.isArray(value) ? undefined : value;
}

function listOf(message: UntypedMessage, field: Field): readonly Value[] {
  const value = message.values[field.index];
  return Array.isArray(value) ? value : [];
}

/** An empty google.protobuf.Value, which is left out. */
function isEmptyValue(field: Field, value: Value | Value[] | undefined): boolean {
  if (field.message?.wellKnown !== WELL_KNOWN_VALUE) return false;
  return value === undefined || (value instanceof UntypedMessage && isEmpty(value));
}

function isEmpty(message: UntypedMessage): boolean {
  return message.type.wellKnown === WELL_KNOWN_VALUE && message.values.every((each) => each === undefined);
}

function numberText(field: Field, value: number): string {
  if (Number.isNaN(value)) return '"NaN"';
  if (!Number.isFinite(value)) return value > 0 ? '"Infinity"' : '"-Infinity"';
  return field.kind === KIND_FLOAT ? floatText(value) : doubleText(value);
}

function textOf(message: UntypedMessage): string | TranscodingStatus {
  const [first, second] = message.type.fields;
  switch (message.type.wellKnown) {
    case WELL_KNOWN_TIMESTAMP: return timestampText(valueOf(message, first), valueOf(message, second));
    case WELL_KNOWN_DURATION: return durationText(valueOf(message, first), valueOf(message, second));
    case WELL_KNOWN_FIELD_MASK: return fieldMaskText(listOf(message, first));
    default: return invalidArgument(`unsupported message type: ${message.type.fullName}`);
  }
}
