import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { ConfigError } from '../contract/errors.ts';
import { api, type ApiRegistry } from './api/registry.ts';
import { contentOf, isTypedStruct, typeNameOf, UnpackError } from './message/any.ts';
import { meantBy, structType } from './message/typed-struct.ts';
import { pathText } from './message/path-text.ts';
import { isSound, markSound } from './rules/sound.ts';
import { validateMessage } from './validate.ts';

export { typeNameOf } from './message/any.ts';

/** The configuration message that an Any stands for: its content, or what a TypedStruct in it describes. Not validated. */
export function unpackAny(any: Any, registry: ApiRegistry = api()): Message | UnpackError {
  return meantBy(any, registry);
}

/** The full name of the message that an Any stands for, TypedStruct looked through; without decoding what needs no decoding. */
export function configTypeOf(any: Any, registry: ApiRegistry = api()): string {
  const typeName = typeNameOf(any.typeUrl);
  if (!isTypedStruct(typeName)) return typeName;
  const content = contentOf(any, registry);
  return content instanceof UnpackError ? typeName : structType(content);
}

/**
 * Unpacks an Any and checks its content by the rules of the API, unless that was done before. Throws a ConfigError for the first
 * fault; `path` is where the Any stands.
 */
export function unpackValidated(any: Any, path: string, registry: ApiRegistry = api()): Message {
  const message = unpackAny(any, registry);
  if (message instanceof UnpackError) throw new ConfigError(message.message, { path, hint: message.hint });
  const descriptor = registry.getMessage(message.$typeName);
  if (descriptor === undefined || isSound(message)) return message;
  const { problems } = validateMessage(registry, descriptor, message, {});
  const first = problems[0];
  if (first !== undefined) throw new ConfigError(first.why, { path: pathText(first.path), hint: first.hint }).under(path);
  markSound(message);
  return message;
}
