import { crypto } from '../base/crypto.ts';
import type { Message } from '@bufbuild/protobuf';
import { JsonWriter } from './message/to-json.ts';
import { api } from './api/registry.ts';
import type { Json } from './message/json.ts';

/**
 * A hash that is equal for equal messages, whatever the order of their map entries and however their Any is encoded: what tells a
 * changed resource from the same one sent again. 64 bits in hex; stable within a version of nuncio, not across versions.
 */
export function messageHash(message: Message): string {
  const writer = new JsonWriter(api(), {});
  const hash = crypto().createHash('sha256');
  hash.update(message.$typeName);
  hash.update(canonical(writer.write(api().message(message.$typeName), message)));
  return hash.digest('hex').slice(0, 16);
}

/** JSON text with the keys of every object in order. */
function canonical(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(typeof value === 'bigint' ? value.toString() : value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}
