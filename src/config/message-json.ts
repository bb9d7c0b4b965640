import type { Message } from '@bufbuild/protobuf';
import { api } from './api/registry.ts';
import type { Json } from './message/json.ts';
import { JsonWriter, type JsonOptions } from './message/to-json.ts';

export type { JsonOptions } from './message/to-json.ts';
export type { Json, JsonObject } from './message/json.ts';

/** A message as Envoy's admin pages show it: proto field names, Any opened. With `redact`, sensitive fields are hidden. */
export function messageToJson(message: Message, options: JsonOptions = {}): Json {
  return new JsonWriter(api(), options).write(api().message(message.$typeName), message);
}
