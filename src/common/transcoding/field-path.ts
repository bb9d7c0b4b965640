import { urlUnescape, UNESCAPE_ALL } from './percent-encoding.ts';
import { invalidArgument } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import { KIND_MESSAGE } from './types.ts';
import type { Field, MessageType } from './types.ts';

/**
 * The fields of a path of names (proto or JSON names, percent encoding allowed) from `type` on, or why there is none. All but the last must
 * be messages.
 */
export function resolveFieldPath(type: MessageType, names: readonly string[]): Field[] | TranscodingStatus {
  const path: Field[] = [];
  let current = type;
  for (const [i, name] of names.entries()) {
    const field = current.findField(name) ?? current.findField(urlUnescape(name, UNESCAPE_ALL, false));
    if (field === undefined) return invalidArgument(`Could not find field "${name}" in the type "${current.fullName}".`);
    path.push(field);
    if (i === names.length - 1) break;
    if (field.kind !== KIND_MESSAGE || field.message === null) {
      return invalidArgument(`Encountered a non-leaf field "${field.name}" that is not a message while parsing a field path`);
    }
    current = field.message;
  }
  return path;
}

/** Names of a dotted path; empty ones do not count. */
export function splitFieldPath(path: string): string[] {
  return path.split('.').filter((each) => each !== '');
}
