import type { DescField, DescMessage, DescOneof, Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { FieldRules } from '#api/validate/validate_pb.js';
import type { ApiRegistry } from '../api/registry.ts';
import { typeAnswer } from '../api/type-answer.ts';
import { contentOf, isTypedStruct, UnpackError } from '../message/any.ts';
import { meantBy, structType } from '../message/typed-struct.ts';
import type { MessageFields } from '../message/fields.ts';
import { isWrapper } from '../message/well-known.ts';
import { fieldNote, isFileInProgress, isMessageInProgress, type FieldNote } from './annotations.ts';
import type { CheckContext } from './check-context.ts';
import { checkDuration } from './duration-check.ts';
import { checkExtension, missingExtensionCheck } from './extension-check.ts';
import { isOneofRequired, isUnchecked, rulesOf, ruleValue } from './field-rules.ts';
import { anyCheck, boolCheck, bytesCheck, enumCheck, numberCheck, stringCheck, timeCheck, type ValueCheck } from './value-checks.ts';
import { requiredHint } from './required-hint.ts';
import { markSound } from './sound.ts';
import { deprecatedField, deprecatedValue, fieldInProgress, fileInProgress, messageInProgress } from './warning-text.ts';

/*
 * Validation of messages by the options in their descriptors: protoc-gen-validate rules, Envoy's limits for durations, and the
 * notes on deprecated and unfinished parts. Compiled once a message type, on first use; descends into Any.
 */

type FieldCheck = (message: MessageFields, context: CheckContext) => void;
/** Checks one present value; the path already leads to it. */
type ItemCheck = (value: unknown, context: CheckContext) => void;

/** Messages that hold no rules of their own: not worth a visit. */
const OPAQUE = new Set(['google.protobuf.Struct', 'google.protobuf.Value', 'google.protobuf.ListValue', 'google.protobuf.Timestamp', 'google.protobuf.FieldMask', 'google.protobuf.Empty']);

class MessageCheck {
  readonly descriptor: DescMessage;
  readonly fields: readonly FieldCheck[];
  private readonly inProgress: readonly string[];
  /** Property that makes the extension in this message optional, or empty. */
  private readonly optional: string;

  constructor(api: ApiRegistry, descriptor: DescMessage) {
    this.descriptor = descriptor;
    const rules = !isUnchecked(api, descriptor);
    const fields = descriptor.fields.map((field) => compileField(api, field, rules ? rulesOf(api, field) : null));
    const oneofs = rules ? descriptor.oneofs.filter((each) => isOneofRequired(api, each)).map(oneofCheck) : [];
    this.fields = [...fields, ...oneofs, missingExtensionCheck(descriptor)].filter((each) => each !== null);
    const notes: string[] = [];
    if (isMessageInProgress(api, descriptor)) notes.push(messageInProgress(descriptor.typeName));
    if (isFileInProgress(api, descriptor.file)) notes.push(fileInProgress(descriptor.typeName, `${descriptor.file.name}.proto`));
    this.inProgress = notes;
    this.optional = descriptor.fields.find((each) => each.name === 'is_optional')?.localName ?? '';
  }

  check(message: Message, context: CheckContext): void {
    for (const note of this.inProgress) context.warn('work-in-progress', note);
    const fields = message as unknown as MessageFields;
    const optional = this.optional !== '' && fields[this.optional] === true;
    if (optional) context.optional++;
    for (const check of this.fields) check(fields, context);
    if (optional) context.optional--;
  }
}

const compiled = new WeakMap<DescMessage, MessageCheck>();

function checkOf(api: ApiRegistry, descriptor: DescMessage): MessageCheck {
  let check = compiled.get(descriptor);
  if (check === undefined) {
    check = new MessageCheck(api, descriptor);
    compiled.set(descriptor, check);
  }
  return check;
}

/** Checks a message and all below it; what is wrong lands in the context. */
export function checkMessage(descriptor: DescMessage, message: Message, context: CheckContext): void {
  checkOf(context.api, descriptor).check(message, context);
}

/** Reads a field of a message: its value, or undefined when it is not set (oneof members, messages) */
function getter(field: DescField): (message: MessageFields) => unknown {
  const name = field.localName;
  if (field.oneof === undefined) return (message) => message[name];
  const group = field.oneof.localName;
  return (message) => {
    const chosen = message[group] as { case: string | undefined; value?: unknown };
    return chosen.case === name ? chosen.value : undefined;
  };
}

function compileField(api: ApiRegistry, field: DescField, rules: FieldRules | null): FieldCheck | null {
  const note = fieldNote(api, field);
  const noteCheck = note === null ? null : noteCheckOf(field, note);
  const valueCheck = compileValue(api, field, rules);
  if (noteCheck === null) return valueCheck;
  if (valueCheck === null) return noteCheck;
  return (message, context) => {
    noteCheck(message, context);
    valueCheck(message, context);
  };
}

function compileValue(api: ApiRegistry, field: DescField, rules: FieldRules | null): FieldCheck | null {
  if (field.fieldKind === 'list') return listCheck(api, field, rules);
  if (field.fieldKind === 'map') return mapCheck(api, field, rules);
  const required = isRequired(rules);
  const item = itemCheck(api, field, rules);
  if (!required && item === null) return null;
  const get = getter(field);
  const name = field.name;
  // A member of a oneof is required only when the oneof has chosen it, and then it is there.
  const demanded = required && field.oneof === undefined;
  return (message, context) => {
    const value = get(message);
    if (value === undefined) {
      if (demanded) report(context, name, requiredHint(field.parent.typeName, name));
      return;
    }
    if (item === null) return;
    context.path.push(name);
    item(value, context);
    context.path.pop();
  };
}

function report(context: CheckContext, name: string, hint: string): void {
  context.path.push(name);
  context.problem('value is required', hint);
  context.path.pop();
}

function isRequired(rules: FieldRules | null): boolean {
  if (rules === null) return false;
  if (rules.message !== undefined && ruleValue(rules.message, 'required') === true) return true;
  const type = rules.type;
  if (type.case !== 'duration' && type.case !== 'timestamp' && type.case !== 'any') return false;
  return ruleValue(type.value, 'required') === true;
}

/** The check of one value of the field's type (an item, for lists), or null when there is nothing to check. */
function itemCheck(api: ApiRegistry, field: DescField, rules: FieldRules | null): ItemCheck | null {
  const own = valueCheckOf(field, rules);
  if (field.message === undefined) return own === null ? null : ownItemCheck(own);
  const typeName = field.message.typeName;
  if (isWrapper(typeName)) return wrapperItemCheck(field, own);
  // Any in plain metadata is nobody's configuration: Envoy does not look into it.
  const metadata = field.parent.typeName === 'envoy.config.core.v3.Metadata';
  const skipped = metadata || (rules?.message !== undefined && ruleValue(rules.message, 'skip') === true);
  const nested = skipped || OPAQUE.has(typeName) ? null : nestedCheck(api, field.message);
  if (own === null || nested === null) return nested ?? (own === null ? null : ownItemCheck(own));
  return (value, context) => {
    const why = own(value);
    if (why !== undefined) context.problem(why);
    nested(value, context);
  };
}

function ownItemCheck(own: ValueCheck): ItemCheck {
  return (value, context) => {
    const why = own(value);
    if (why !== undefined) context.problem(why);
  };
}

/** Wrappers are plain values in singular fields, messages with a `value` elsewhere. */
function wrapperItemCheck(field: DescField, own: ValueCheck | null): ItemCheck | null {
  if (own === null) return null;
  const wrapped = field.fieldKind !== 'message' || field.oneof !== undefined;
  const check = ownItemCheck(own);
  return wrapped ? (value, context) => check((value as { value: unknown }).value, context) : check;
}

function nestedCheck(api: ApiRegistry, descriptor: DescMessage): ItemCheck {
  if (descriptor.typeName === 'google.protobuf.Duration') return checkDuration;
  if (descriptor.typeName === 'google.protobuf.Any') return checkAny;
  // Message types refer to each other in circles: the inner one is compiled when it is first met.
  let check: MessageCheck | undefined;
  return (value, context) => {
    check ??= checkOf(api, descriptor);
    check.check(value as Message, context);
  };
}

function checkAny(value: unknown, context: CheckContext): void {
  const any = value as Any;
  if (any.typeUrl === '') {
    checkExtension(context, '', false);
    return;
  }
  const content = contentOf(any, context.api);
  if (content instanceof UnpackError) {
    context.problem(content.message, content.hint);
    return;
  }
  const struct = isTypedStruct(content.$typeName);
  const typeName = struct ? structType(content) : content.$typeName;
  const descriptor = typeAnswer(typeName, context.api).descriptor;
  checkExtension(context, typeName, descriptor !== undefined);
  if (descriptor === undefined) return;
  const meant = struct ? meantBy(any, context.api) : content;
  if (struct) context.path.push('value');
  // A TypedStruct that came in a text has been read with the text, and its errors told.
  if (meant instanceof UnpackError) context.problem(meant.message, meant.hint);
  else checkMeant(descriptor, meant, context);
  if (struct) context.path.pop();
}

function checkMeant(descriptor: DescMessage, meant: Message, context: CheckContext): void {
  const before = context.problems.length;
  checkMessage(descriptor, meant, context);
  if (context.problems.length === before) markSound(meant);
}

function valueCheckOf(field: DescField, rules: FieldRules | null): ValueCheck | null {
  const type = rules?.type;
  if (type?.case === undefined) return null;
  switch (type.case) {
    case 'string':
      return stringCheck(type.value);
    case 'bytes':
      return bytesCheck(type.value);
    case 'bool':
      return boolCheck(type.value);
    case 'enum':
      return enumCheck(type.value, new Set((field.enum?.values ?? []).map((each) => each.number)));
    case 'duration':
    case 'timestamp':
      return timeCheck(type.value);
    case 'any':
      return anyCheck(type.value);
    case 'repeated':
    case 'map':
      return null;
    default:
      return numberCheck(type.value);
  }
}

function listCheck(api: ApiRegistry, field: DescField, rules: FieldRules | null): FieldCheck | null {
  const own = rules?.type.case === 'repeated' ? rules.type.value : null;
  const item = itemCheck(api, field, own?.items ?? null);
  const size = own === null ? null : listSizeCheck(own);
  if (item === null && size === null) return null;
  const skipEmpty = own !== null && ruleValue(own, 'ignoreEmpty') === true;
  const name = field.name;
  const local = field.localName;
  return (message, context) => {
    const list = message[local] as readonly unknown[];
    if (list.length === 0 && (skipEmpty || size === null)) return;
    context.path.push(name);
    const why = size?.(list);
    if (why !== undefined) context.problem(why);
    if (item !== null) checkItems(list, item, context);
    context.path.pop();
  };
}

function checkItems(list: readonly unknown[], item: ItemCheck, context: CheckContext): void {
  for (let i = 0; i < list.length; i++) {
    context.path.push(i);
    item(list[i], context);
    context.path.pop();
  }
}

function listSizeCheck(rules: object): ((list: readonly unknown[]) => string | undefined) | null {
  const least = ruleValue(rules, 'minItems') as bigint | undefined;
  const most = ruleValue(rules, 'maxItems') as bigint | undefined;
  const unique = ruleValue(rules, 'unique') === true;
  if (least === undefined && most === undefined && !unique) return null;
  return (list) => {
    if (least !== undefined && list.length < least) return `value must contain at least ${least} item(s)`;
    if (most !== undefined && list.length > most) return `value must contain no more than ${most} item(s)`;
    if (unique && new Set(list).size < list.length) return 'repeated value must contain unique items';
    return undefined;
  };
}

function mapCheck(api: ApiRegistry, field: DescField & { fieldKind: 'map' }, rules: FieldRules | null): FieldCheck | null {
  const own = rules?.type.case === 'map' ? rules.type.value : null;
  const keyType = own?.keys?.type;
  const keys = keyType?.case === 'string' ? stringCheck(keyType.value) : null;
  const values = itemCheck(api, field, own?.values ?? null);
  const least = own === null ? undefined : (ruleValue(own, 'minPairs') as bigint | undefined);
  const most = own === null ? undefined : (ruleValue(own, 'maxPairs') as bigint | undefined);
  if (keys === null && values === null && least === undefined && most === undefined) return null;
  const name = field.name;
  const local = field.localName;
  return (message, context) => {
    const map = message[local] as MessageFields;
    const names = Object.keys(map);
    context.path.push(name);
    if (least !== undefined && names.length < least) context.problem(`value must contain at least ${least} pair(s)`);
    if (most !== undefined && names.length > most) context.problem(`value must contain no more than ${most} pair(s)`);
    for (const key of names) checkPair(key, map[key], keys, values, context);
    context.path.pop();
  };
}

function checkPair(key: string, value: unknown, keys: ValueCheck | null, values: ItemCheck | null, context: CheckContext): void {
  context.path.push(key);
  const why = keys?.(key);
  if (why !== undefined) context.problem(`key: ${why}`);
  values?.(value, context);
  context.path.pop();
}

function oneofCheck(oneof: DescOneof): FieldCheck {
  const local = oneof.localName;
  const names = oneof.fields.map((each) => each.name);
  const why = `field: "${oneof.name}", reason: is required`;
  const hint = names.length === 1 ? `set ${names[0] ?? ''}` : `set one of ${names.join(', ')}`;
  return (message, context) => {
    if ((message[local] as { case: string | undefined }).case === undefined) context.problem(why, hint);
  };
}

function noteCheckOf(field: DescField, note: FieldNote): FieldCheck {
  const get = getter(field);
  return (message, context) => {
    const value = get(message);
    context.path.push(field.name);
    const used = isUsed(value);
    if (note.values !== null && (used || field.oneof === undefined)) {
      const named = note.values.get(Number(value ?? 0));
      if (named !== undefined) deprecatedValue(context, field, named, used);
    }
    if (used && note.workInProgress) context.warn('work-in-progress', fieldInProgress(`${field.parent.typeName}.${field.name}`));
    if (used && note.deprecated) deprecatedField(context, field, note.disallowed);
    context.path.pop();
  };
}

/** Presence as the API defines it: lists and maps with content, scalars that are not zero, messages that are set. */
function isUsed(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0 || value === 0n || value === false) return false;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0;
  return typeof value !== 'object' || '$typeName' in (value as object) || Object.keys(value as object).length > 0;
}
