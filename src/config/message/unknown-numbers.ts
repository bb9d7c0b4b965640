import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { UnknownField } from './read-context.ts';
import { walkMessages } from './walk.ts';

/** Fields of a decoded message whose numbers the API does not have, in Envoy's words. Does not look into Any. */
export function unknownNumbers(descriptor: DescMessage, message: Message): UnknownField[] {
  const found: UnknownField[] = [];
  const parents: string[] = [];
  walkMessages(descriptor, message, [], (type, each, path) => {
    const unknown = each.$unknown;
    if (unknown === undefined || unknown.length === 0) return true;
    const numbers = unknown.map((field) => field.no).join(', ');
    const description = `type ${type.typeName}(${parents.length === 0 && path.length === 0 ? 'root' : 'nested'}) with unknown field set {${numbers}}`;
    found.push({ path: path.slice(), why: `unknown field numbers {${numbers}} in ${type.typeName}`, hint: '', description });
    return true;
  });
  return found;
}
