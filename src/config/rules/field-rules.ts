import type { DescField, DescMessage, DescOneof } from '@bufbuild/protobuf';
import type { FieldRules } from '#api/validate/validate_pb.js';
import type { ApiRegistry } from '../api/registry.ts';
import { optionsOf } from '../api/options-of.ts';
import { optionOf } from './option.ts';

/** The protoc-gen-validate rules of a field, or null when it has none. */
export function rulesOf(api: ApiRegistry, field: DescField): FieldRules | null {
  if (optionsOf(field) === undefined) return null;
  const rules = optionOf(field, api.extension('validate.rules')) as FieldRules | undefined;
  return rules === undefined || (rules.type.case === undefined && rules.message === undefined) ? null : rules;
}

/** Whether exactly one member of the oneof must be set. */
export function isOneofRequired(api: ApiRegistry, oneof: DescOneof): boolean {
  return optionsOf(oneof) !== undefined && optionOf(oneof, api.extension('validate.required')) === true;
}

/** Whether a message's rules are switched off as a whole. */
export function isUnchecked(api: ApiRegistry, message: DescMessage): boolean {
  if (optionsOf(message) === undefined) return false;
  return optionOf(message, api.extension('validate.disabled')) === true || optionOf(message, api.extension('validate.ignored')) === true;
}

/** The value of a rule that is set (the rules are proto2: presence is what counts), or undefined. */
export function ruleValue(rules: object, name: string): unknown {
  return Object.hasOwn(rules, name) ? (rules as Record<string, unknown>)[name] : undefined;
}

/** A repeated rule such as `in`; empty means unset. */
export function ruleList(rules: object, name: string): readonly unknown[] {
  const list = (rules as Record<string, unknown>)[name];
  return Array.isArray(list) ? (list as unknown[]) : [];
}
