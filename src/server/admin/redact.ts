import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { clone, getOption, hasOption } from '@bufbuild/protobuf';
import { isReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import { anyOf, describeMessage, sensitiveOption, unpackAny } from '../messages.ts';

/**
 * Hides what the API marks `(udpa.annotations.sensitive)`: strings and bytes become `[redacted]`, numbers and messages are cleared or
 * searched, as Envoy does it. Works on a copy.
 */
export function redact(message: Message): Message {
  const schema = describeMessage(message.$typeName);
  if (message.$typeName === 'google.protobuf.Any') {
    const inner = unpackAny(message);
    return inner === null ? message : anyOf(redact(inner));
  }
  if (!holdsSecrets(schema)) return message;
  const copy = clone(schema, message);
  redactInto(reflect(schema, copy), false);
  return copy;
}

const REDACTED = '[redacted]';
const REDACTED_BYTES = new TextEncoder().encode(REDACTED);
const known = new Map<string, boolean>();

/** Whether a message of this type can hold anything sensitive, directly, below, or in an Any. */
function holdsSecrets(schema: DescMessage): boolean {
  const before = known.get(schema.typeName);
  if (before !== undefined) return before;
  // Recursive types: assume no while looking.
  known.set(schema.typeName, false);
  const found = schema.typeName === 'google.protobuf.Any' || schema.fields.some((field) => isSensitive(field) || below(field));
  known.set(schema.typeName, found);
  return found;
}

function below(field: DescField): boolean {
  return field.message !== undefined && holdsSecrets(field.message);
}

function isSensitive(field: DescField): boolean {
  const option = sensitiveOption();
  return hasOption(field, option) && getOption(field, option) === true;
}

function redactInto(target: ReflectMessage, inherited: boolean): void {
  for (const field of target.desc.fields) {
    if (!target.isSet(field)) continue;
    const sensitive = inherited || isSensitive(field);
    if (sensitive || below(field)) redactField(target, field, sensitive);
  }
}

function redactField(target: ReflectMessage, field: DescField, sensitive: boolean): void {
  switch (field.fieldKind) {
    case 'scalar':
    case 'enum':
      target.set(field, hidden(target.get(field)));
      return;
    case 'message':
      target.set(field, redactMessage(target.get(field), sensitive));
      return;
    case 'list': {
      const list = target.get(field);
      for (let i = 0; i < list.size; i++) {
        const value = list.get(i);
        if (isReflectMessage(value)) list.set(i, redactMessage(value, sensitive));
        else list.set(i, hidden(value));
      }
      return;
    }
    case 'map': {
      const map = target.get(field);
      for (const key of [...map.keys()]) {
        const value = map.get(key);
        if (isReflectMessage(value)) map.set(key, redactMessage(value, sensitive));
        else if (value !== undefined) map.set(key, hidden(value));
      }
    }
  }
}

function redactMessage(value: ReflectMessage, sensitive: boolean): ReflectMessage {
  if (value.desc.typeName === 'google.protobuf.Any') {
    const inner = unpackAny(value.message);
    if (inner === null) return value;
    const schema = describeMessage(inner.$typeName);
    const copy = reflect(schema, clone(schema, inner));
    redactInto(copy, sensitive);
    return reflect(value.desc, anyOf(copy.message));
  }
  redactInto(value, sensitive);
  return value;
}

function hidden(value: unknown): string | Uint8Array | number | bigint | boolean {
  if (typeof value === 'string') return REDACTED;
  if (value instanceof Uint8Array) return REDACTED_BYTES;
  if (typeof value === 'bigint') return 0n;
  if (typeof value === 'boolean') return false;
  return 0;
}
