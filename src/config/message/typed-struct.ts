import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { ApiRegistry } from '../api/registry.ts';
import { typeAnswer } from '../api/type-answer.ts';
import { contentOf, isTypedStruct, ParsedAny, typeNameOf, UnpackError } from './any.ts';
import type { MessageFields } from './fields.ts';
import type { JsonObject } from './json.ts';
import { ReadContext } from './read-context.ts';
import { readMessage } from './reader.ts';
import { FAILED } from './scalars.ts';
import { pathText } from './path-text.ts';

/** The message that an Any stands for: its content, or what a TypedStruct in it describes. Converted once an Any. */
export function meantBy(any: Any, registry: ApiRegistry): Message | UnpackError {
  const content = contentOf(any, registry);
  if (content instanceof UnpackError || !isTypedStruct(content.$typeName)) return content;
  if (any instanceof ParsedAny && any.typed !== null) return any.typed;
  let meant = converted.get(content);
  if (meant === undefined) {
    meant = fromTypedStruct(content, registry);
    if (!(meant instanceof UnpackError)) converted.set(content, meant);
  }
  return meant;
}

const converted = new WeakMap<Message, Message | UnpackError>();

/** The type that a TypedStruct message names. */
export function structType(content: Message): string {
  return typeNameOf((content as unknown as { typeUrl: string }).typeUrl);
}

function fromTypedStruct(content: Message, registry: ApiRegistry): Message | UnpackError {
  const fields = content as unknown as MessageFields;
  const typeUrl = String(fields['typeUrl']);
  const answer = typeAnswer(typeNameOf(typeUrl), registry);
  if (answer.descriptor === undefined) return new UnpackError(`could not find @type '${typeUrl}'`, answer.hint);
  const context = new ReadContext(registry);
  const message = readMessage(answer.descriptor, (fields['value'] as JsonObject | undefined) ?? {}, context);
  const problem = context.problems[0] ?? context.unknown[0];
  if (message !== FAILED && problem === undefined) return message;
  const where = problem === undefined ? '' : `${pathText(problem.path)}: `;
  return new UnpackError(`Unable to parse the TypedStruct as ${answer.descriptor.typeName}: ${where}${problem?.why ?? ''}`, problem?.hint);
}
