import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { isWrapper } from './well-known.ts';
import type { MessageFields } from './fields.ts';
import type { PathStep } from './read-context.ts';

/** Called for each message found; the path is only valid during the call. False keeps the walk out of it. */
export type Visit = (descriptor: DescMessage, message: Message, path: readonly PathStep[]) => boolean;

/** Visits a message and every message in its fields, parents first. Does not look into Any, Struct and wrappers. */
export function walkMessages(descriptor: DescMessage, message: Message, path: PathStep[], visit: Visit): void {
  if (!visit(descriptor, message, path)) return;
  const fields = message as unknown as MessageFields;
  for (const field of messageFields(descriptor)) walkField(field, fields, path, visit);
}

const known = new WeakMap<DescMessage, readonly DescField[]>();

/** The fields that can hold messages worth a visit. */
function messageFields(descriptor: DescMessage): readonly DescField[] {
  let fields = known.get(descriptor);
  if (fields === undefined) {
    fields = descriptor.fields.filter((each) => each.message !== undefined && !isPlain(each.message.typeName));
    known.set(descriptor, fields);
  }
  return fields;
}

function isPlain(typeName: string): boolean {
  return typeName === 'google.protobuf.Struct' || isWrapper(typeName);
}

/** A singular field's message, in a oneof or not; undefined when unset. */
export function singularValue(field: DescField, fields: MessageFields): unknown {
  if (field.oneof === undefined) return fields[field.localName];
  const chosen = fields[field.oneof.localName] as { case: string | undefined; value?: unknown };
  return chosen.case === field.localName ? chosen.value : undefined;
}

function walkField(field: DescField, fields: MessageFields, path: PathStep[], visit: Visit): void {
  const descriptor = field.message;
  if (descriptor === undefined) return;
  path.push(field.name);
  if (field.fieldKind === 'list' || field.fieldKind === 'map') {
    const values = fields[field.localName] as MessageFields;
    for (const key of Object.keys(values)) {
      path.push(field.fieldKind === 'list' ? Number(key) : key);
      walkMessages(descriptor, values[key] as Message, path, visit);
      path.pop();
    }
  } else {
    const value = singularValue(field, fields);
    if (value !== undefined) walkMessages(descriptor, value as Message, path, visit);
  }
  path.pop();
}
