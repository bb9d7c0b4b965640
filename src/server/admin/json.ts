import type { DescMessage, Message } from '@bufbuild/protobuf';
import { create, toJson } from '@bufbuild/protobuf';
import { describeMessage, messageRegistry } from '../messages.ts';

/** The JSON of admin pages: proto field names in field order, one space of indent, as Envoy prints it. */

/** `defaults`: print fields without presence even when they have their default (`/server_info`). */
export function messageJson(message: Message, defaults = false): string {
  const json = toJson(describeMessage(message.$typeName), message, {
    registry: messageRegistry(),
    useProtoFieldName: true,
    alwaysEmitImplicit: defaults,
  });
  return `${JSON.stringify(json, null, 1)}\n`;
}

/** Makes a message of the admin API (or any other) from plain fields. */
export function makeMessage(typeName: string, fields: Readonly<Record<string, unknown>>): Message {
  const schema: DescMessage = describeMessage(typeName);
  return create(schema, fields);
}
