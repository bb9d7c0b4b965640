import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { ConfigError } from '../contract/errors.ts';
import { api, type ApiRegistry } from './api/registry.ts';
import { typeAnswer } from './api/type-answer.ts';
import { contentOf, isTypedStruct, ParsedAny, typeNameOf, UnpackError } from './message/any.ts';
import type { JsonObject } from './message/json.ts';
import { ReadContext } from './message/read-context.ts';
import { readMessage, type MessageFields } from './message/reader.ts';
import { FAILED } from './message/scalars.ts';
import { pathText } from './source/source-node.ts';
import { validateMessage } from './validate.ts';

export { typeNameOf } from './message/any.ts';

/** The configuration message that an Any stands for: its content, or what a TypedStruct in it describes. Not validated. */
export function unpackAny(any: Any, registry: ApiRegistry = api()): Message | UnpackError {
  const content = contentOf(any, registry);
  if (content instanceof UnpackError || !isTypedStruct(content.$typeName)) return content;
  if (any instanceof ParsedAny && any.typed !== null) return any.typed;
  return fromTypedStruct(content, registry);
}

/** The full name of the message that an Any stands for, TypedStruct looked through; without decoding what needs no decoding. */
export function configTypeOf(any: Any, registry: ApiRegistry = api()): string {
  const typeName = typeNameOf(any.typeUrl);
  if (!isTypedStruct(typeName)) return typeName;
  const content = contentOf(any, registry);
  return content instanceof UnpackError ? typeName : typeNameOf((content as unknown as { typeUrl: string }).typeUrl);
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

/**
 * Unpacks an Any and checks its content by the rules of the API. Throws one ConfigError per fault, as ConfigErrors' first;
 * `path` is where the Any stands.
 */
export function unpackValidated(any: Any, path: string, registry: ApiRegistry = api()): Message {
  const message = unpackAny(any, registry);
  if (message instanceof UnpackError) throw new ConfigError(message.message, { path, hint: message.hint });
  const descriptor = registry.getMessage(message.$typeName);
  if (descriptor === undefined || validated.has(message)) return message;
  const { problems } = validateMessage(registry, descriptor, message, {});
  const first = problems[0];
  if (first !== undefined) throw new ConfigError(first.why, { path: pathText(first.path), hint: first.hint }).under(path);
  validated.add(message);
  return message;
}

const validated = new WeakSet<Message>();
