import type { DescMessage, Message } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
// Not config/index.ts: a worker needs no YAML reader and no checks, and they are a quarter of its modules.
import { api } from '../config/api/registry.ts';

/** Messages by name for the parts of the server that have no static type for them (admin pages, node, dumps). */
export function describeMessage(typeName: string): DescMessage {
  const schema = api().getMessage(typeName);
  if (schema === undefined) throw new Error(`the API has no message ${typeName}`);
  return schema;
}

/** Packs a message. */
export function anyOf(message: Message): Message {
  return create(describeMessage('google.protobuf.Any'), {
    typeUrl: `type.googleapis.com/${message.$typeName}`,
    value: toBinary(describeMessage(message.$typeName), message),
  });
}

/** What an Any holds, or null when its type is not in the API or its bytes are broken. */
export function unpackAny(any: Message): Message | null {
  if (!('typeUrl' in any) || !('value' in any) || typeof any.typeUrl !== 'string' || !(any.value instanceof Uint8Array)) return null;
  const schema = api().getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1));
  if (schema === undefined) return null;
  try {
    return fromBinary(schema, any.value);
  } catch {
    return null;
  }
}
