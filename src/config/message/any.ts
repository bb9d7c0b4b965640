import { create, fromBinary, toBinary, type DescMessage, type Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { ApiRegistry } from '../api/registry.ts';
import { typeAnswer } from '../api/type-answer.ts';
import { describe, isObject, quote, type Json, type JsonObject } from './json.ts';
import type { MessageFields } from './fields.ts';
import type { ReadContext } from './read-context.ts';
import { FAILED, type Failed } from './scalars.ts';
import { isWrapper } from './well-known.ts';

/**
 * A google.protobuf.Any whose content is at hand as a message: `value` is encoded only when somebody asks for the bytes, so that
 * loading a file does not encode and decode every filter. The content must not be changed.
 */
export class ParsedAny implements Any {
  readonly $typeName = 'google.protobuf.Any' as const;
  readonly typeUrl: string;
  readonly content: Message;
  /** What a TypedStruct describes, when its type is known; else null. */
  readonly typed: Message | null;
  private readonly descriptor: DescMessage;
  private bytes: Uint8Array<ArrayBuffer> | null;

  constructor(typeUrl: string, descriptor: DescMessage, content: Message, typed: Message | null) {
    this.typeUrl = typeUrl;
    this.descriptor = descriptor;
    this.content = content;
    this.typed = typed;
    this.bytes = null;
  }

  get value(): Uint8Array<ArrayBuffer> {
    this.bytes ??= toBinary(this.descriptor, this.content);
    return this.bytes;
  }
}

/** `type.googleapis.com/a.b.C` or `a.b.C` -> `a.b.C`. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}

export function isTypedStruct(typeName: string): boolean {
  return typeName === 'xds.type.v3.TypedStruct' || typeName === 'udpa.type.v1.TypedStruct';
}

/** Types that JSON writes inside an Any under the key `value`. Empty is not one of them. */
function hasValueForm(typeName: string): boolean {
  return typeName.startsWith('google.protobuf.') && (isWrapper(typeName) || VALUE_FORMS.has(typeName));
}

const VALUE_FORMS = new Set(['Any', 'Duration', 'Timestamp', 'FieldMask', 'Struct', 'Value', 'ListValue'].map((each) => `google.protobuf.${each}`));

/** The readers of reader.ts: handed in, because they call this file. */
export interface Reading {
  message(descriptor: DescMessage, value: Json, context: ReadContext): Message | Failed;
  into(descriptor: DescMessage, message: Message, value: JsonObject, context: ReadContext, inAny: boolean): boolean;
}

/** Reads the JSON form of an Any: an object with `@type` and, beside it, the fields of that type. */
export function readAny(descriptor: DescMessage, value: Json, context: ReadContext, reading: Reading): Message | Failed {
  if (!isObject(value)) {
    context.problem(`expected an object with "@type", not ${describe(value)}`);
    return FAILED;
  }
  const typeUrl = value['@type'];
  if (typeUrl === undefined) return untyped(descriptor, value, context);
  if (typeof typeUrl !== 'string' || !typeUrl.isWellFormed()) {
    context.path.push('@type');
    context.problem(`expected a type URL, not ${describe(typeUrl)}`);
    context.path.pop();
    return FAILED;
  }
  const inner = resolve(typeUrl, context);
  if (inner === undefined) return FAILED;
  const content = readContent(inner, value, context, reading);
  if (content === FAILED) return FAILED;
  const typed = isTypedStruct(inner.typeName) ? readTypedStruct(content, context, reading) : null;
  return new ParsedAny(typeUrl, inner, content, typed);
}

function untyped(descriptor: DescMessage, value: JsonObject, context: ReadContext): Message | Failed {
  if (Object.keys(value).length === 0) return create(descriptor);
  context.problem(`"@type" is missing`, 'begin with "@type": type.googleapis.com/ and the name of the configuration message');
  return FAILED;
}

function resolve(typeUrl: string, context: ReadContext): DescMessage | undefined {
  context.path.push('@type');
  const inner = lookUp(typeUrl, context);
  context.path.pop();
  return inner;
}

function lookUp(typeUrl: string, context: ReadContext): DescMessage | undefined {
  const slash = typeUrl.lastIndexOf('/');
  if (slash <= 0) {
    context.problem(`@type must contain at least one / and a nonempty host; got ${quote(typeUrl)}`, `write type.googleapis.com/${typeUrl.slice(slash + 1)}`);
    return undefined;
  }
  const answer = typeAnswer(typeNameOf(typeUrl), context.api);
  if (answer.descriptor !== undefined) return answer.descriptor;
  context.problem(`could not find @type '${typeUrl}'`, answer.hint);
  return undefined;
}

function readContent(inner: DescMessage, value: JsonObject, context: ReadContext, reading: Reading): Message | Failed {
  if (!hasValueForm(inner.typeName)) {
    const message = create(inner);
    return reading.into(inner, message, value, context, true) ? message : FAILED;
  }
  for (const key of Object.keys(value)) {
    if (key === '@type' || key === 'value') continue;
    context.path.push(key);
    context.problem(`beside "@type", ${inner.typeName} has only "value" here`, 'put its content under "value"');
    context.path.pop();
    return FAILED;
  }
  context.path.push('value');
  const message = reading.message(inner, value['value'] ?? zeroForm(inner.typeName), context);
  context.path.pop();
  return message;
}

function zeroForm(typeName: string): Json {
  if (typeName === 'google.protobuf.Value') return null;
  return typeName === 'google.protobuf.ListValue' ? [] : {};
}

/** A TypedStruct names a type and holds its fields as a Struct: the message that it stands for, or null for an unknown type. */
function readTypedStruct(content: Message, context: ReadContext, reading: Reading): Message | null {
  const fields = content as unknown as MessageFields;
  const inner = typeAnswer(typeNameOf(String(fields['typeUrl'] ?? '')), context.api).descriptor;
  if (inner === undefined) return null;
  context.path.push('value');
  const read = reading.message(inner, (fields['value'] as Json | undefined) ?? {}, context);
  context.path.pop();
  return read === FAILED ? null : read;
}

const decoded = new WeakMap<Any, Message>();

/** Why an Any could not be unpacked. */
export class UnpackError extends Error {
  /** What to write instead, or empty. */
  readonly hint: string;

  constructor(message: string, hint = '') {
    super(message);
    this.name = 'UnpackError';
    this.hint = hint;
  }
}

/** The message inside an Any as it stands, TypedStruct included; decoded once. */
export function contentOf(any: Any, api: ApiRegistry): Message | UnpackError {
  if (any instanceof ParsedAny) return any.content;
  const known = decoded.get(any);
  if (known !== undefined) return known;
  const answer = typeAnswer(typeNameOf(any.typeUrl), api);
  if (answer.descriptor === undefined) return new UnpackError(`could not find @type '${any.typeUrl}'`, answer.hint);
  const content = decode(answer.descriptor, any);
  if (!(content instanceof UnpackError)) decoded.set(any, content);
  return content;
}

function decode(descriptor: DescMessage, any: Any): Message | UnpackError {
  try {
    return fromBinary(descriptor, any.value);
  } catch {
    return new UnpackError(`Unable to unpack as ${descriptor.typeName}`);
  }
}
