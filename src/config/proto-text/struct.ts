import type { Message } from '@bufbuild/protobuf';
import { setKey, type Json, type JsonObject } from '../message/json.ts';

interface StructMessage {
  readonly fields: Record<string, Message>;
}

interface ValueMessage {
  readonly kind: { readonly case: string | undefined; readonly value?: unknown };
}

/** The plain object of a google.protobuf.Struct message. */
export function structOf(message: Message): JsonObject {
  const { fields } = message as unknown as StructMessage;
  const out: JsonObject = {};
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    setKey(out, key, value === undefined ? null : jsonOf(value));
  }
  return out;
}

/** The plain value of a google.protobuf.Value message. Its struct may be a message or, read already, an object. */
export function jsonOf(message: Message): Json {
  const { kind } = message as unknown as ValueMessage;
  switch (kind.case) {
    case 'boolValue':
      return kind.value === true;
    case 'stringValue':
      return String(kind.value);
    case 'numberValue':
      return Number(kind.value);
    case 'structValue':
      return isMessageOf(kind.value) ? structOf(kind.value) : (kind.value as JsonObject);
    case 'listValue':
      return (kind.value as { values: Message[] }).values.map(jsonOf);
    default:
      return null;
  }
}

function isMessageOf(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && '$typeName' in value;
}
