import { fromBinary, type DescEnum, type DescExtension, type DescField, type DescFile, type DescMessage, type DescOneof } from '@bufbuild/protobuf';
import { DescriptorProtoSchema, MessageOptionsSchema, OneofDescriptorProtoSchema, OneofOptionsSchema, type DescriptorProto, type MessageOptions, type OneofDescriptorProto, type OneofOptions } from '@bufbuild/protobuf/wkt';
import { LazyEnum } from './lazy-enum.ts';
import type { TypeResolver } from './lazy-file.ts';
import { fieldDescriptor, LazyField } from './lazy-field.ts';
import { camelCase, safePropertyName } from './names.ts';
import { WireCursor } from './wire-cursor.ts';

// Field numbers of google.protobuf.DescriptorProto, OneofDescriptorProto and MessageOptions.
const MESSAGE_NAME = 1;
const MESSAGE_FIELD = 2;
const MESSAGE_NESTED = 3;
const MESSAGE_ENUM = 4;
const MESSAGE_OPTIONS = 7;
const MESSAGE_ONEOF = 8;
const ONEOF_NAME = 1;
const ONEOF_OPTIONS = 2;
const OPTION_MAP_ENTRY = 7;

/** A message of a proto3 file. Its nested types are made on first use, its fields likewise. */
export class LazyMessage implements DescMessage {
  readonly kind = 'message';
  readonly typeName: string;
  readonly name: string;
  readonly file: DescFile;
  readonly parent: DescMessage | undefined;
  /** Files with extensions are linked by the library. */
  readonly nestedExtensions: DescExtension[] = [];
  private readonly bytes: Buffer;
  private readonly resolver: TypeResolver;
  private readonly ownFields: DescField[];
  private readonly byLocalName: Record<string, DescField>;
  private readonly ownOneofs: LazyOneof[];
  private readonly ownMembers: (DescField | DescOneof)[];
  private readonly ownMessages: LazyMessage[];
  private readonly ownEnums: LazyEnum[];
  private readonly mapEntries: LazyMessage[];
  private optionBytes: Buffer | null;
  private haveNested: boolean;
  private haveFields: boolean;
  private parsedOptions: MessageOptions | null;
  private parsedProto: DescriptorProto | null;

  constructor(bytes: Buffer, file: DescFile, parent: DescMessage | undefined, prefix: string, resolver: TypeResolver) {
    const cursor = new WireCursor(bytes);
    let name = '';
    while (name === '' && cursor.next()) if (cursor.field === MESSAGE_NAME) name = cursor.text();
    this.name = name;
    this.typeName = prefix + name;
    this.file = file;
    this.parent = parent;
    this.bytes = bytes;
    this.resolver = resolver;
    this.ownFields = [];
    this.byLocalName = {};
    this.ownOneofs = [];
    this.ownMembers = [];
    this.ownMessages = [];
    this.ownEnums = [];
    this.mapEntries = [];
    this.optionBytes = null;
    this.haveNested = false;
    this.haveFields = false;
    this.parsedOptions = null;
    this.parsedProto = null;
  }

  get fields(): DescField[] {
    return this.withFields().ownFields;
  }

  get field(): Record<string, DescField> {
    return this.withFields().byLocalName;
  }

  get oneofs(): DescOneof[] {
    return this.withFields().ownOneofs;
  }

  get members(): (DescField | DescOneof)[] {
    return this.withFields().ownMembers;
  }

  get nestedMessages(): DescMessage[] {
    return this.withNested().ownMessages;
  }

  get nestedEnums(): DescEnum[] {
    return this.withNested().ownEnums;
  }

  get deprecated(): boolean {
    return this.options?.deprecated ?? false;
  }

  get options(): MessageOptions | undefined {
    const { optionBytes } = this.withNested();
    if (optionBytes === null) return undefined;
    this.parsedOptions ??= fromBinary(MessageOptionsSchema, optionBytes);
    return this.parsedOptions;
  }

  /** All of the message; nothing on the way of a configuration asks for it. */
  get proto(): DescriptorProto {
    this.parsedProto ??= withJsonNames(fromBinary(DescriptorProtoSchema, this.bytes));
    return this.parsedProto;
  }

  /** The entry type of a map field of this message, by its full name. */
  mapEntry(typeName: string): DescMessage | undefined {
    return this.withNested().mapEntries.find((each) => each.typeName === typeName);
  }

  toString(): string {
    return `message ${this.typeName}`;
  }

  private withNested(): this {
    if (this.haveNested) return this;
    this.haveNested = true;
    const prefix = `${this.typeName}.`;
    const cursor = new WireCursor(this.bytes);
    while (cursor.next()) {
      const field = cursor.field;
      if (field === MESSAGE_OPTIONS) this.optionBytes = cursor.slice();
      else if (field === MESSAGE_ENUM) this.ownEnums.push(new LazyEnum(cursor.slice(), this.file, this, prefix));
      else if (field === MESSAGE_NESTED) {
        const nested = new LazyMessage(cursor.slice(), this.file, this, prefix, this.resolver);
        (isMapEntry(cursor.slice()) ? this.mapEntries : this.ownMessages).push(nested);
      }
    }
    return this;
  }

  private withFields(): this {
    if (this.haveFields) return this;
    this.haveFields = true;
    const declared = this.declaredOneofs();
    const cursor = new WireCursor(this.bytes);
    while (cursor.next()) {
      if (cursor.field !== MESSAGE_FIELD) continue;
      const lazy = new LazyField(cursor.slice(), this, declared, this.resolver);
      const field = fieldDescriptor(lazy);
      this.ownFields.push(field);
      this.byLocalName[lazy.localName] = field;
      const { oneof } = lazy;
      if (oneof === undefined) this.ownMembers.push(field);
      else {
        if (oneof.fields.length === 0) this.ownMembers.push(oneof);
        oneof.fields.push(field);
      }
    }
    // Those that only say `optional` have no fields.
    for (const oneof of declared) if (oneof.fields.length > 0) this.ownOneofs.push(oneof);
    return this;
  }

  private declaredOneofs(): LazyOneof[] {
    const declared: LazyOneof[] = [];
    const cursor = new WireCursor(this.bytes);
    while (cursor.next()) if (cursor.field === MESSAGE_ONEOF) declared.push(new LazyOneof(cursor.slice(), this));
    return declared;
  }
}

export class LazyOneof implements DescOneof {
  readonly kind = 'oneof';
  readonly name: string;
  readonly localName: string;
  readonly parent: DescMessage;
  readonly fields: DescField[];
  readonly deprecated = false;
  private readonly bytes: Buffer;
  private readonly optionBytes: Buffer | null;
  private parsedOptions: OneofOptions | null;
  private parsedProto: OneofDescriptorProto | null;

  constructor(bytes: Buffer, parent: DescMessage) {
    let name = '';
    let options: Buffer | null = null;
    const cursor = new WireCursor(bytes);
    while (cursor.next()) {
      if (cursor.field === ONEOF_NAME) name = cursor.text();
      else if (cursor.field === ONEOF_OPTIONS) options = cursor.slice();
    }
    this.name = name;
    this.localName = safePropertyName(camelCase(name));
    this.parent = parent;
    this.fields = [];
    this.bytes = bytes;
    this.optionBytes = options;
    this.parsedOptions = null;
    this.parsedProto = null;
  }

  get options(): OneofOptions | undefined {
    if (this.optionBytes === null) return undefined;
    this.parsedOptions ??= fromBinary(OneofOptionsSchema, this.optionBytes);
    return this.parsedOptions;
  }

  get proto(): OneofDescriptorProto {
    this.parsedProto ??= fromBinary(OneofDescriptorProtoSchema, this.bytes);
    return this.parsedProto;
  }

  toString(): string {
    return `oneof ${this.parent.typeName}.${this.name}`;
  }
}

function isMapEntry(message: Buffer): boolean {
  const cursor = new WireCursor(message);
  while (cursor.next()) {
    if (cursor.field !== MESSAGE_OPTIONS) continue;
    const options = new WireCursor(message, cursor.start, cursor.end);
    while (options.next()) if (options.field === OPTION_MAP_ENTRY) return options.value !== 0;
  }
  return false;
}

/** The blob leaves json_name out where it follows from the name; the library's descriptors have it. */
export function withJsonNames(message: DescriptorProto): DescriptorProto {
  for (const field of message.field) if (field.jsonName === '') field.jsonName = camelCase(field.name);
  for (const extension of message.extension) if (extension.jsonName === '') extension.jsonName = camelCase(extension.name);
  for (const nested of message.nestedType) withJsonNames(nested);
  return message;
}
