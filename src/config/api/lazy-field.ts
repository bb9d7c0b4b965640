import { fromBinary, type DescEnum, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { FieldDescriptorProtoSchema, FieldOptionsSchema, type FieldDescriptorProto, type FieldOptions } from '@bufbuild/protobuf/wkt';
import type { TypeResolver } from './lazy-file.ts';
import type { LazyMessage, LazyOneof } from './lazy-message.ts';
import { camelCase, safePropertyName } from './names.ts';
import { WireCursor } from './wire-cursor.ts';

// Field numbers of google.protobuf.FieldDescriptorProto.
const FIELD_NAME = 1;
const FIELD_NUMBER = 3;
const FIELD_LABEL = 4;
const FIELD_TYPE = 5;
const FIELD_TYPE_NAME = 6;
const FIELD_OPTIONS = 8;
const FIELD_ONEOF_INDEX = 9;
const FIELD_JSON_NAME = 10;
const FIELD_PROTO3_OPTIONAL = 17;

const LABEL_REPEATED = 3;
const TYPE_STRING = 9;
const TYPE_MESSAGE = 11;
const TYPE_BYTES = 12;
const TYPE_ENUM = 14;
/** int64, uint64, fixed64, sfixed64, sint64. */
const LONG_TYPES: ReadonlySet<number> = new Set([3, 4, 6, 16, 18]);

const EXPLICIT = 1;
const IMPLICIT = 2;
const JS_STRING = 1;

/**
 * A field of a proto3 message. The library's type is a union by kind of field, which one class cannot state: `fieldDescriptor` is the one place
 * that says so, and registry-equality.test.ts holds every field of the API against the library's own.
 */
export class LazyField {
  readonly kind = 'field';
  readonly name: string;
  readonly number: number;
  readonly localName: string;
  readonly jsonName: string;
  readonly parent: LazyMessage;
  readonly oneof: LazyOneof | undefined;
  readonly presence: typeof EXPLICIT | typeof IMPLICIT;
  readonly utf8Validation = true;
  readonly fieldKind: 'scalar' | 'enum' | 'message' | 'list' | 'map';
  readonly listKind: 'scalar' | 'enum' | 'message' | undefined;
  readonly mapKind: 'scalar' | 'enum' | 'message' | undefined;
  readonly mapKey: number | undefined;
  readonly scalar: number | undefined;
  readonly longAsString: boolean;
  readonly packed: boolean | undefined;
  readonly delimitedEncoding: false | undefined;
  readonly getDefaultValue: (() => undefined) | undefined;
  private readonly bytes: Buffer;
  private readonly resolver: TypeResolver;
  private readonly typeName: string;
  private readonly optionBytes: Buffer | null;
  private readonly mapValue: DescField | undefined;
  private parsedOptions: FieldOptions | null;
  private parsedProto: FieldDescriptorProto | null;
  private messageType: DescMessage | undefined;
  private enumType: DescEnum | undefined;

  constructor(bytes: Buffer, parent: LazyMessage, oneofs: readonly LazyOneof[], resolver: TypeResolver) {
    const wire = new FieldOnWire(bytes);
    const { type } = wire;
    const repeated = wire.label === LABEL_REPEATED;
    this.name = wire.name;
    this.number = wire.number;
    this.parent = parent;
    this.bytes = bytes;
    this.resolver = resolver;
    this.typeName = wire.typeName;
    this.optionBytes = wire.options;
    this.parsedOptions = null;
    this.parsedProto = null;
    this.oneof = wire.oneofIndex < 0 || wire.optional ? undefined : oneofs[wire.oneofIndex];
    const camel = camelCase(wire.name);
    this.localName = this.oneof === undefined ? safePropertyName(camel) : camel;
    this.jsonName = wire.jsonName === '' ? camel : wire.jsonName;
    const tracked = this.oneof !== undefined || wire.optional || type === TYPE_MESSAGE;
    this.presence = !repeated && tracked ? EXPLICIT : IMPLICIT;
    const kind = type === TYPE_MESSAGE ? 'message' : type === TYPE_ENUM ? 'enum' : 'scalar';
    const entry = repeated && kind === 'message' ? parent.mapEntry(wire.typeName) : undefined;
    this.mapValue = entry?.fields.find((each) => each.number === 2);
    this.mapKey = entry?.fields.find((each) => each.number === 1)?.scalar;
    this.mapKind = this.mapValue === undefined ? undefined : valueKind(this.mapValue);
    const list = repeated && entry === undefined;
    this.fieldKind = entry === undefined ? (list ? 'list' : kind) : 'map';
    this.listKind = list ? kind : undefined;
    this.scalar = entry === undefined ? (kind === 'scalar' ? type : undefined) : this.mapValue?.scalar;
    this.longAsString = entry === undefined && LONG_TYPES.has(type) && this.options?.jstype === JS_STRING;
    this.packed = list ? this.isPacked(type) : undefined;
    this.delimitedEncoding = kind === 'message' ? false : undefined;
    this.getDefaultValue = repeated ? undefined : noDefault;
    this.messageType = undefined;
    this.enumType = undefined;
  }

  get message(): DescMessage | undefined {
    if (this.mapValue !== undefined) return this.mapValue.message;
    if (this.fieldKind !== 'message' && this.listKind !== 'message') return undefined;
    this.messageType ??= this.resolver.getMessage(this.typeName);
    if (this.messageType === undefined) throw new Error(`${this.toString()}: the API has no message ${this.typeName}`);
    return this.messageType;
  }

  get enum(): DescEnum | undefined {
    if (this.mapValue !== undefined) return this.mapValue.enum;
    if (this.fieldKind !== 'enum' && this.listKind !== 'enum') return undefined;
    this.enumType ??= this.resolver.getEnum(this.typeName);
    if (this.enumType === undefined) throw new Error(`${this.toString()}: the API has no enum ${this.typeName}`);
    return this.enumType;
  }

  get deprecated(): boolean {
    return this.options?.deprecated ?? false;
  }

  get options(): FieldOptions | undefined {
    if (this.optionBytes === null) return undefined;
    this.parsedOptions ??= fromBinary(FieldOptionsSchema, this.optionBytes);
    return this.parsedOptions;
  }

  get proto(): FieldDescriptorProto {
    if (this.parsedProto === null) {
      this.parsedProto = fromBinary(FieldDescriptorProtoSchema, this.bytes);
      this.parsedProto.jsonName = this.jsonName;
    }
    return this.parsedProto;
  }

  toString(): string {
    return `field ${this.parent.typeName}.${this.name}`;
  }

  private isPacked(type: number): boolean {
    if (type === TYPE_STRING || type === TYPE_BYTES || type === TYPE_MESSAGE) return false;
    const { options } = this;
    return options === undefined || !Object.hasOwn(options, 'packed') || options.packed;
  }
}

/** A lazy field as the library's type. */
export function fieldDescriptor(field: LazyField): DescField {
  return field as unknown as DescField;
}

/** What the bytes of a field say. */
class FieldOnWire {
  name = '';
  number = 0;
  label = 0;
  type = 0;
  /** Without the leading dot. */
  typeName = '';
  jsonName = '';
  oneofIndex = -1;
  optional = false;
  options: Buffer | null = null;

  constructor(bytes: Buffer) {
    const cursor = new WireCursor(bytes);
    while (cursor.next()) this.take(cursor);
  }

  private take(cursor: WireCursor): void {
    switch (cursor.field) {
      case FIELD_NAME: this.name = cursor.text(); break;
      case FIELD_NUMBER: this.number = cursor.value; break;
      case FIELD_LABEL: this.label = cursor.value; break;
      case FIELD_TYPE: this.type = cursor.value; break;
      case FIELD_TYPE_NAME: this.typeName = cursor.text().slice(1); break;
      case FIELD_JSON_NAME: this.jsonName = cursor.text(); break;
      case FIELD_ONEOF_INDEX: this.oneofIndex = cursor.value; break;
      case FIELD_PROTO3_OPTIONAL: this.optional = cursor.value !== 0; break;
      case FIELD_OPTIONS: this.options = cursor.slice(); break;
      default:
    }
  }
}

function valueKind(value: DescField): 'scalar' | 'enum' | 'message' | undefined {
  return value.fieldKind === 'list' || value.fieldKind === 'map' ? undefined : value.fieldKind;
}

function noDefault(): undefined {
  return undefined;
}
