import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import type { MessageFields } from './fields.ts';
import { setKey } from './json.ts';
import { isWrapper } from './well-known.ts';

/**
 * Protobuf's MergeFrom: set scalars replace, messages merge, lists append, map entries replace by key. Parts of `from` may become
 * part of `into`; neither is to be changed afterwards.
 */
export function mergeMessage(descriptor: DescMessage, into: Message, from: Message): void {
  const target = into as unknown as MessageFields;
  const source = from as unknown as MessageFields;
  for (const member of descriptor.members) {
    if (member.kind === 'oneof') mergeOneof(member.fields, member.localName, target, source);
    else mergeField(member, target, source);
  }
}

interface OneofValue {
  readonly case: string | undefined;
  readonly value?: unknown;
}

function mergeOneof(fields: readonly DescField[], name: string, target: MessageFields, source: MessageFields): void {
  const chosen = source[name] as OneofValue;
  if (chosen.case === undefined) return;
  const present = target[name] as OneofValue;
  const field = fields.find((each) => each.localName === chosen.case);
  if (present.case === chosen.case && field?.fieldKind === 'message' && isMergeable(field.message)) {
    mergeMessage(field.message, present.value as Message, chosen.value as Message);
  } else {
    target[name] = chosen;
  }
}

/** Any is replaced as a whole here: its content is encoded, and protobuf would replace both its fields too. */
function isMergeable(descriptor: DescMessage): boolean {
  return descriptor.typeName !== 'google.protobuf.Any' && descriptor.typeName !== 'google.protobuf.Struct';
}

function mergeField(field: DescField, target: MessageFields, source: MessageFields): void {
  const name = field.localName;
  const value = source[name];
  if (field.fieldKind === 'list') (target[name] as unknown[]).push(...(value as unknown[]));
  else if (field.fieldKind === 'map') mergeMap(target[name] as MessageFields, value as MessageFields);
  else if (field.fieldKind === 'message') mergeSingular(field, target, value);
  else if (isSet(value)) target[name] = value;
}

function isSet(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length > 0;
  return value !== undefined && value !== '' && value !== 0 && value !== 0n && value !== false;
}

function mergeMap(target: MessageFields, source: MessageFields): void {
  for (const key of Object.keys(source)) setKey(target, key, source[key]);
}

function mergeSingular(field: DescField & { fieldKind: 'message' }, target: MessageFields, value: unknown): void {
  if (value === undefined) return;
  const present = target[field.localName];
  if (present === undefined || isWrapper(field.message.typeName)) target[field.localName] = value;
  else if (field.message.typeName === 'google.protobuf.Struct') mergeMap(present as MessageFields, value as MessageFields);
  else if (isMergeable(field.message)) mergeMessage(field.message, present as Message, value as Message);
  else target[field.localName] = value;
}
