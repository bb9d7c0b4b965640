import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createFileRegistry, equals, fromBinary, type DescEnum, type DescEnumValue, type DescField, type DescMessage, type DescOneof } from '@bufbuild/protobuf';
import { DescriptorProtoSchema, EnumDescriptorProtoSchema, EnumValueDescriptorProtoSchema, FieldDescriptorProtoSchema, FileDescriptorSetSchema, OneofDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { LazyMessage, withJsonNames } from './lazy-message.ts';
import { ApiRegistry } from './registry.ts';

// Lazy descriptors must be what the library makes of the same bytes: every message, enum, oneof and field of the API is compared.

const blob = readFileSync(new URL('../../../api/envoy.binpb', import.meta.url));

function plainField(field: DescField): Record<string, unknown> {
  return {
    kind: field.kind, name: field.name, number: field.number, localName: field.localName, jsonName: field.jsonName, presence: field.presence,
    utf8Validation: field.utf8Validation, deprecated: field.deprecated, fieldKind: field.fieldKind, scalar: field.scalar, text: field.toString(),
    parent: field.parent.typeName, message: field.message?.typeName, enum: field.enum?.typeName, oneof: field.oneof?.name,
    listKind: field.fieldKind === 'list' ? field.listKind : undefined,
    mapKind: field.fieldKind === 'map' ? field.mapKind : undefined,
    mapKey: field.fieldKind === 'map' ? field.mapKey : undefined,
    packed: field.fieldKind === 'list' ? field.packed : undefined,
    longAsString: 'longAsString' in field ? field.longAsString : undefined,
    delimited: 'delimitedEncoding' in field ? field.delimitedEncoding : undefined,
    defaultValue: 'getDefaultValue' in field && field.getDefaultValue !== undefined ? field.getDefaultValue() : 'no default',
  };
}

function plainOneof(oneof: DescOneof): Record<string, unknown> {
  return { kind: oneof.kind, name: oneof.name, localName: oneof.localName, deprecated: oneof.deprecated, fields: oneof.fields.map((each) => each.name), parent: oneof.parent.typeName, text: oneof.toString() };
}

function plainValue(value: DescEnumValue): Record<string, unknown> {
  return { kind: value.kind, name: value.name, localName: value.localName, number: value.number, jsonName: value.jsonName, deprecated: value.deprecated, parent: value.parent.typeName, text: value.toString() };
}

function compareEnum(ours: DescEnum | undefined, library: DescEnum): void {
  assert.ok(ours !== undefined, library.typeName);
  for (const key of ['kind', 'typeName', 'name', 'open', 'sharedPrefix', 'deprecated'] as const) assert.equal(ours[key], library[key], `${library.typeName}.${key}`);
  assert.equal(ours.parent?.typeName, library.parent?.typeName);
  assert.equal(ours.file.name, library.file.name);
  assert.equal(ours.toString(), library.toString());
  assert.deepEqual(ours.values.map(plainValue), library.values.map(plainValue));
  assert.deepEqual(Object.entries(ours.value).map(([key, value]) => [key, value.name]), Object.entries(library.value).map(([key, value]) => [key, value.name]));
  assert.ok(equals(EnumDescriptorProtoSchema, ours.proto, library.proto));
  ours.values.forEach((value, i) => assert.ok(equals(EnumValueDescriptorProtoSchema, value.proto, library.values[i].proto), value.toString()));
}

function compareMessage(ours: DescMessage | undefined, library: DescMessage): number {
  assert.ok(ours !== undefined, library.typeName);
  for (const key of ['kind', 'typeName', 'name', 'deprecated'] as const) assert.equal(ours[key], library[key], `${library.typeName}.${key}`);
  assert.equal(ours.parent?.typeName, library.parent?.typeName);
  assert.equal(ours.file.name, library.file.name);
  assert.equal(ours.toString(), library.toString());
  assert.deepEqual(ours.fields.map(plainField), library.fields.map(plainField));
  assert.deepEqual(Object.entries(ours.field).map(([key, field]) => [key, field.number]), Object.entries(library.field).map(([key, field]) => [key, field.number]));
  assert.deepEqual(ours.oneofs.map(plainOneof), library.oneofs.map(plainOneof));
  assert.deepEqual(ours.members.map((each) => [each.kind, each.name]), library.members.map((each) => [each.kind, each.name]));
  assert.deepEqual(ours.nestedMessages.map((each) => each.typeName), library.nestedMessages.map((each) => each.typeName));
  assert.deepEqual(ours.nestedEnums.map((each) => each.typeName), library.nestedEnums.map((each) => each.typeName));
  assert.ok(equals(DescriptorProtoSchema, ours.proto, library.proto), library.typeName);
  ours.fields.forEach((field, i) => assert.ok(equals(FieldDescriptorProtoSchema, field.proto, library.fields[i].proto), field.toString()));
  ours.oneofs.forEach((oneof, i) => assert.ok(equals(OneofDescriptorProtoSchema, oneof.proto, library.oneofs[i].proto), oneof.toString()));
  return ours instanceof LazyMessage ? 1 : 0;
}

test('every message and enum of the API is what the library makes of the same bytes', () => {
  const set = fromBinary(FileDescriptorSetSchema, blob);
  for (const file of set.file) for (const message of file.messageType) withJsonNames(message);
  const library = createFileRegistry(set);
  const api = new ApiRegistry(blob);
  let lazy = 0;
  let messages = 0;
  let enums = 0;
  for (const type of library) {
    if (type.kind === 'message') {
      if (type.file.name === 'google/protobuf/descriptor') continue;
      lazy += compareMessage(api.getMessage(type.typeName), type);
      messages++;
    } else if (type.kind === 'enum' && type.file.name !== 'google/protobuf/descriptor') {
      compareEnum(api.getEnum(type.typeName), type);
      enums++;
    }
  }
  assert.ok(messages > 1_700 && enums > 200, `${messages} messages, ${enums} enums`);
  // The others stand in files with services or extensions.
  assert.ok(lazy > messages * 0.85, `${lazy} of ${messages}`);
});

test('files know their imports, options and whole text', () => {
  const api = new ApiRegistry(blob);
  const { file } = api.message('envoy.extensions.filters.http.buffer.v3.Buffer');
  assert.equal(file.name, 'envoy/extensions/filters/http/buffer/v3/buffer');
  assert.equal(file.toString(), 'file envoy/extensions/filters/http/buffer/v3/buffer.proto');
  assert.deepEqual(file.dependencies.map((each) => each.name), ['google/protobuf/wrappers', 'udpa/annotations/status', 'udpa/annotations/versioning', 'validate/validate']);
  assert.equal(file.proto.package, 'envoy.extensions.filters.http.buffer.v3');
});
