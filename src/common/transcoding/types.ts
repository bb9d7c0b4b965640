/**
 * Message types as transcoding needs them: the content of google.protobuf.Type, indexed. Made by descriptor-pool.ts; never changed after.
 * All names are byte strings (they are ASCII).
 */

/** Field types: google.protobuf.FieldDescriptorProto.Type. */
export const KIND_DOUBLE = 1;
export const KIND_FLOAT = 2;
export const KIND_INT64 = 3;
export const KIND_UINT64 = 4;
export const KIND_INT32 = 5;
export const KIND_FIXED64 = 6;
export const KIND_FIXED32 = 7;
export const KIND_BOOL = 8;
export const KIND_STRING = 9;
export const KIND_GROUP = 10;
export const KIND_MESSAGE = 11;
export const KIND_BYTES = 12;
export const KIND_UINT32 = 13;
export const KIND_ENUM = 14;
export const KIND_SFIXED32 = 15;
export const KIND_SFIXED64 = 16;
export const KIND_SINT32 = 17;
export const KIND_SINT64 = 18;

/** Index = kind; the names of google.protobuf.Field.Kind, which errors show. */
export const KIND_NAMES: readonly string[] = [
  'TYPE_UNKNOWN', 'TYPE_DOUBLE', 'TYPE_FLOAT', 'TYPE_INT64', 'TYPE_UINT64', 'TYPE_INT32', 'TYPE_FIXED64', 'TYPE_FIXED32', 'TYPE_BOOL',
  'TYPE_STRING', 'TYPE_GROUP', 'TYPE_MESSAGE', 'TYPE_BYTES', 'TYPE_UINT32', 'TYPE_ENUM', 'TYPE_SFIXED32', 'TYPE_SFIXED64', 'TYPE_SINT32',
  'TYPE_SINT64',
];

/** Types whose JSON form is their own. */
export const WELL_KNOWN_NONE = 0;
export const WELL_KNOWN_ANY = 1;
export const WELL_KNOWN_WRAPPER = 2;
export const WELL_KNOWN_STRUCT = 3;
export const WELL_KNOWN_LIST_VALUE = 4;
export const WELL_KNOWN_VALUE = 5;
export const WELL_KNOWN_TIMESTAMP = 6;
export const WELL_KNOWN_DURATION = 7;
export const WELL_KNOWN_FIELD_MASK = 8;

const WELL_KNOWN: ReadonlyMap<string, number> = new Map([
  ['google.protobuf.Any', WELL_KNOWN_ANY],
  ['google.protobuf.Struct', WELL_KNOWN_STRUCT],
  ['google.protobuf.ListValue', WELL_KNOWN_LIST_VALUE],
  ['google.protobuf.Value', WELL_KNOWN_VALUE],
  ['google.protobuf.Timestamp', WELL_KNOWN_TIMESTAMP],
  ['google.protobuf.Duration', WELL_KNOWN_DURATION],
  ['google.protobuf.FieldMask', WELL_KNOWN_FIELD_MASK],
  ...['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map(
    (each): [string, number] => [`google.protobuf.${each}Value`, WELL_KNOWN_WRAPPER],
  ),
]);

const NULL_VALUE = 'google.protobuf.NullValue';
export const HTTP_BODY = 'google.api.HttpBody';
/** Prefix of type URLs, with its slash: the only host that Envoy takes. */
export const TYPE_URL_PREFIX = 'type.googleapis.com/';

export class EnumType {
  readonly fullName: string;
  /** In the order of declaration; names may share a number. */
  readonly names: readonly string[];
  readonly numbers: readonly number[];
  private readonly nameOf: Map<number, string>;
  private readonly numberOf: Map<string, number>;

  constructor(fullName: string, names: readonly string[], numbers: readonly number[]) {
    this.fullName = fullName;
    this.names = names;
    this.numbers = numbers;
    this.nameOf = new Map();
    this.numberOf = new Map();
    names.forEach((name, i) => {
      if (!this.nameOf.has(numbers[i])) this.nameOf.set(numbers[i], name);
      this.numberOf.set(name, numbers[i]);
    });
  }

  /** The first name of a number, or undefined. */
  name(number: number): string | undefined {
    return this.nameOf.get(number);
  }

  number(name: string): number | undefined {
    return this.numberOf.get(name);
  }

  get first(): number {
    return this.numbers[0] ?? 0;
  }
}

/** What a field's declaration says. */
export interface FieldFacts {
  readonly name: string;
  readonly jsonName: string;
  readonly number: number;
  readonly kind: number;
  readonly repeated: boolean;
  readonly required: boolean;
  readonly packed: boolean;
  /** One-based index of its oneof (that of a proto3 `optional` too), 0 = none. */
  readonly oneofIndex: number;
  /** Full name of its message or enum type; empty for scalars. */
  readonly typeName: string;
}

export class Field implements FieldFacts {
  readonly name: string;
  readonly jsonName: string;
  readonly number: number;
  readonly kind: number;
  readonly repeated: boolean;
  readonly required: boolean;
  readonly packed: boolean;
  readonly oneofIndex: number;
  readonly typeName: string;
  /** Place in `MessageType.fields`. */
  readonly index: number;
  readonly isMessage: boolean;
  readonly isNullValue: boolean;
  /** Message type, set when its pool links it; null for other kinds. */
  message: MessageType | null;
  enumType: EnumType | null;
  /** A map: repeated entries. */
  isMap: boolean;
  /** Printed although it is not set, when a printer always prints. */
  implicitPresence: boolean;

  constructor(facts: FieldFacts, index: number) {
    this.name = facts.name;
    this.jsonName = facts.jsonName;
    this.number = facts.number;
    this.kind = facts.kind;
    this.repeated = facts.repeated;
    this.required = facts.required;
    this.packed = facts.packed;
    this.oneofIndex = facts.oneofIndex;
    this.typeName = facts.typeName;
    this.index = index;
    this.isMessage = facts.kind === KIND_MESSAGE || facts.kind === KIND_GROUP;
    this.isNullValue = facts.typeName === NULL_VALUE;
    this.message = null;
    this.enumType = null;
    this.isMap = false;
    this.implicitPresence = false;
  }

  /** Type URL of its message or enum, or the name of its kind: how errors name the type. */
  get typeLabel(): string {
    return this.typeName === '' ? KIND_NAMES[this.kind] : TYPE_URL_PREFIX + this.typeName;
  }
}

export class MessageType {
  readonly fullName: string;
  readonly proto3: boolean;
  readonly mapEntry: boolean;
  readonly oneofs: readonly string[];
  /** WELL_KNOWN_… */
  readonly wellKnown: number;
  /** In the order of declaration. */
  readonly fields: readonly Field[];
  /** In the order of their numbers. */
  readonly sorted: readonly Field[];
  readonly required: readonly Field[];
  private readonly byNumber: Map<number, Field>;
  private readonly byName: Map<string, Field>;
  private readonly byJsonOrName: Map<string, Field>;

  constructor(fullName: string, proto3: boolean, mapEntry: boolean, oneofs: readonly string[], fields: readonly FieldFacts[]) {
    this.fullName = fullName;
    this.proto3 = proto3;
    this.mapEntry = mapEntry;
    this.oneofs = oneofs;
    this.wellKnown = WELL_KNOWN.get(fullName) ?? WELL_KNOWN_NONE;
    this.fields = fields.map((each, i) => new Field(each, i));
    this.sorted = [...this.fields].sort((a, b) => a.number - b.number);
    this.required = this.fields.filter((each) => each.required);
    this.byNumber = new Map(this.fields.map((each) => [each.number, each]));
    this.byName = new Map(this.fields.map((each) => [each.name, each]));
    this.byJsonOrName = new Map(this.byName);
    // A name in JSON means the field with that JSON name first: the first one, if several share it.
    for (const each of [...this.fields].reverse()) this.byJsonOrName.set(each.jsonName, each);
    for (const each of this.fields) {
      each.implicitPresence = proto3 && !each.repeated && each.oneofIndex === 0 && each.kind !== KIND_MESSAGE;
    }
  }

  field(number: number): Field | undefined {
    return this.byNumber.get(number);
  }

  /** By the name in the proto file only. */
  fieldByName(name: string): Field | undefined {
    return this.byName.get(name);
  }

  /** By the name in JSON or in the proto file. */
  findField(name: string): Field | undefined {
    return this.byJsonOrName.get(name);
  }
}
