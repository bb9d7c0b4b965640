import type { Message } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { messageToJson } from '../../config/index.ts';
import { describeMessage } from '../messages.ts';

/** The JSON of admin pages: proto field names in field order, one space of indent, as Envoy prints it. */

export interface JsonStyle {
  /** Print fields without presence even when they have their default (`/server_info`). */
  readonly zeros?: boolean;
  /** Hide what the API marks as sensitive (`/config_dump`). */
  readonly redact?: boolean;
}

export function messageJson(message: Message, style: JsonStyle = {}): string {
  return `${JSON.stringify(messageToJson(message, style), null, 1)}\n`;
}

/** Makes a message of the admin API (or any other) from plain fields. */
export function makeMessage(typeName: string, fields: Readonly<Record<string, unknown>>): Message {
  return create(describeMessage(typeName), fields);
}
