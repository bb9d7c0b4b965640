import type { DescMessage, Message } from '@bufbuild/protobuf';
import { clone } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { anyOf, describeMessage, unpackAny } from '../messages.ts';

/**
 * Field masks as `/config_dump` takes them: dotted paths of proto field names; what is not named is cleared. A path may go on inside an
 * Any. Returns a trimmed copy, or null when a path names no field.
 */
export function applyMask(message: Message, paths: readonly string[]): Message | null {
  const tree = new Map<string, MaskNode>();
  for (const path of paths) addPath(tree, path.split('.'));
  return trim(message, tree);
}

/** Null = the whole field. */
type MaskNode = Map<string, MaskNode> | null;

function addPath(tree: Map<string, MaskNode>, [first, ...rest]: readonly string[]): void {
  if (first === undefined) return;
  const known = tree.get(first);
  if (known === null) return;
  if (rest.length === 0) {
    tree.set(first, null);
    return;
  }
  const below = known ?? new Map<string, MaskNode>();
  tree.set(first, below);
  addPath(below, rest);
}

function trim(message: Message, tree: ReadonlyMap<string, MaskNode>): Message | null {
  const schema: DescMessage = describeMessage(message.$typeName);
  if (message.$typeName === 'google.protobuf.Any') return trimAny(message, tree);
  for (const name of tree.keys()) if (!schema.fields.some((field) => field.name === name)) return null;
  const copy = clone(schema, message);
  const reflected = reflect(schema, copy);
  for (const field of schema.fields) {
    const node = tree.get(field.name);
    if (node === null) continue;
    if (node === undefined) {
      reflected.clear(field);
      continue;
    }
    // Masks do not index into lists and maps.
    if (field.fieldKind !== 'message') return null;
    if (!reflected.isSet(field)) continue;
    const trimmed = trim(reflected.get(field).message, node);
    if (trimmed === null) return null;
    reflected.set(field, reflect(field.message, trimmed));
  }
  return copy;
}

function trimAny(message: Message, tree: ReadonlyMap<string, MaskNode>): Message | null {
  const inner = unpackAny(message);
  if (inner === null) return null;
  const trimmed = trim(inner, tree);
  return trimmed === null ? null : anyOf(trimmed);
}
