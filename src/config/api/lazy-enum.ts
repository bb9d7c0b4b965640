import { fromBinary, type DescEnum, type DescEnumValue, type DescFile, type DescMessage } from '@bufbuild/protobuf';
import { EnumDescriptorProtoSchema, EnumValueDescriptorProtoSchema, EnumValueOptionsSchema, type EnumDescriptorProto, type EnumValueDescriptorProto, type EnumValueOptions } from '@bufbuild/protobuf/wkt';
import { safePropertyName } from './names.ts';
import { WireCursor } from './wire-cursor.ts';

// Field numbers of google.protobuf.EnumDescriptorProto and EnumValueDescriptorProto.
const ENUM_NAME = 1;
const ENUM_VALUE = 2;
const VALUE_NAME = 1;
const VALUE_NUMBER = 2;
const VALUE_OPTIONS = 3;

/** An enum of a proto3 file; its values are made on first use. */
export class LazyEnum implements DescEnum {
  readonly kind = 'enum';
  readonly typeName: string;
  readonly name: string;
  readonly file: DescFile;
  readonly parent: DescMessage | undefined;
  readonly open = true;
  private readonly bytes: Buffer;
  private readonly declared: LazyEnumValue[];
  private readonly byNumber: Record<number, DescEnumValue>;
  private prefix: string | undefined;
  private built: boolean;
  private parsedProto: EnumDescriptorProto | null;

  constructor(bytes: Buffer, file: DescFile, parent: DescMessage | undefined, prefix: string) {
    const cursor = new WireCursor(bytes);
    let name = '';
    while (name === '' && cursor.next()) if (cursor.field === ENUM_NAME) name = cursor.text();
    this.name = name;
    this.typeName = prefix + name;
    this.file = file;
    this.parent = parent;
    this.bytes = bytes;
    this.declared = [];
    this.byNumber = {};
    this.prefix = undefined;
    this.built = false;
    this.parsedProto = null;
  }

  get values(): DescEnumValue[] {
    return this.build().declared;
  }

  /** By number; of several names for one number the first. */
  get value(): Record<number, DescEnumValue> {
    return this.build().byNumber;
  }

  get sharedPrefix(): string | undefined {
    return this.build().prefix;
  }

  get deprecated(): boolean {
    return this.proto.options?.deprecated ?? false;
  }

  get proto(): EnumDescriptorProto {
    this.parsedProto ??= fromBinary(EnumDescriptorProtoSchema, this.bytes);
    return this.parsedProto;
  }

  toString(): string {
    return `enum ${this.typeName}`;
  }

  private build(): this {
    if (this.built) return this;
    this.built = true;
    const parts: Buffer[] = [];
    const names: string[] = [];
    const cursor = new WireCursor(this.bytes);
    while (cursor.next()) {
      if (cursor.field !== ENUM_VALUE) continue;
      parts.push(cursor.slice());
      names.push(valueName(cursor.slice()));
    }
    this.prefix = sharedPrefix(this.name, names);
    for (let i = 0; i < parts.length; i++) {
      const short = this.prefix === undefined ? names[i] : names[i].slice(this.prefix.length);
      const value = new LazyEnumValue(parts[i], this, safePropertyName(short));
      this.declared.push(value);
      this.byNumber[value.number] ??= value;
    }
    return this;
  }
}

/** One value. */
class LazyEnumValue implements DescEnumValue {
  readonly kind = 'enum_value';
  readonly name: string;
  readonly localName: string;
  readonly jsonName: string;
  readonly parent: DescEnum;
  readonly number: number;
  private readonly bytes: Buffer;
  private readonly optionBytes: Buffer | null;
  private parsedOptions: EnumValueOptions | null;
  private parsedProto: EnumValueDescriptorProto | null;

  constructor(bytes: Buffer, parent: DescEnum, localName: string) {
    let name = '';
    let number = 0;
    let options: Buffer | null = null;
    const cursor = new WireCursor(bytes);
    while (cursor.next()) {
      if (cursor.field === VALUE_NAME) name = cursor.text();
      else if (cursor.field === VALUE_NUMBER) number = cursor.value;
      else if (cursor.field === VALUE_OPTIONS) options = cursor.slice();
    }
    this.name = name;
    this.localName = localName;
    this.jsonName = name;
    this.parent = parent;
    this.number = number;
    this.bytes = bytes;
    this.optionBytes = options;
    this.parsedOptions = null;
    this.parsedProto = null;
  }

  get deprecated(): boolean {
    return this.options?.deprecated ?? false;
  }

  get options(): EnumValueOptions | undefined {
    if (this.optionBytes === null) return undefined;
    this.parsedOptions ??= fromBinary(EnumValueOptionsSchema, this.optionBytes);
    return this.parsedOptions;
  }

  get proto(): EnumValueDescriptorProto {
    this.parsedProto ??= fromBinary(EnumValueDescriptorProtoSchema, this.bytes);
    return this.parsedProto;
  }

  toString(): string {
    return `enum value ${this.parent.typeName}.${this.name}`;
  }
}

function valueName(bytes: Buffer): string {
  const cursor = new WireCursor(bytes);
  while (cursor.next()) if (cursor.field === VALUE_NAME) return cursor.text();
  return '';
}

/** `my_enum_` when every value of `MyEnum` begins so and goes on with a letter: generated code leaves it out of the values' names. */
function sharedPrefix(enumName: string, names: readonly string[]): string | undefined {
  const prefix = `${enumName.charAt(0)}${enumName.slice(1).replaceAll(/[A-Z]/g, '_$&')}_`.toLowerCase();
  const shares = (name: string): boolean => name.toLowerCase().startsWith(prefix) && /^[^\d]/.test(name.slice(prefix.length));
  return names.every(shares) ? prefix : undefined;
}
