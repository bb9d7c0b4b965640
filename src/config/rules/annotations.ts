import type { DescEnum, DescField, DescFile, DescMessage } from '@bufbuild/protobuf';
import type { ApiRegistry } from '../api/registry.ts';
import { optionsOf } from '../api/options-of.ts';
import { optionOf } from './option.ts';

/** What the API's annotations say of a field that is in use. */
export interface FieldNote {
  readonly deprecated: boolean;
  /** Refused unless a runtime flag allows it. */
  readonly disallowed: boolean;
  readonly workInProgress: boolean;
  /** Deprecated values of an enum field: number -> name and whether it is refused. */
  readonly values: ReadonlyMap<number, ValueNote> | null;
}

export interface ValueNote {
  readonly name: string;
  readonly disallowed: boolean;
}

interface Status {
  readonly workInProgress?: boolean;
}

function isInProgress(status: unknown): boolean {
  return (status as Status | undefined)?.workInProgress === true;
}

/** The notes of a field, or null when it has none. */
export function fieldNote(api: ApiRegistry, field: DescField): FieldNote | null {
  const options = optionsOf(field) !== undefined;
  const deprecated = field.deprecated;
  const disallowed = options && optionOf(field, api.extension('envoy.annotations.disallowed_by_default')) === true;
  const workInProgress = options && isInProgress(optionOf(field, api.extension('xds.annotations.v3.field_status')));
  // A list's deprecated values are not looked at, as in Envoy.
  const values = field.fieldKind === 'enum' ? valueNotes(api, field.enum) : null;
  if (!deprecated && !workInProgress && values === null) return null;
  return { deprecated, disallowed, workInProgress, values };
}

function valueNotes(api: ApiRegistry, descriptor: DescEnum): ReadonlyMap<number, ValueNote> | null {
  const notes = new Map<number, ValueNote>();
  for (const value of descriptor.values) {
    if (!value.deprecated) continue;
    const disallowed = optionOf(value, api.extension('envoy.annotations.disallowed_by_default_enum')) === true;
    notes.set(value.number, { name: value.name, disallowed });
  }
  return notes.size === 0 ? null : notes;
}

/** Whether a message as such is work in progress. */
export function isMessageInProgress(api: ApiRegistry, message: DescMessage): boolean {
  return optionsOf(message) !== undefined && isInProgress(optionOf(message, api.extension('xds.annotations.v3.message_status')));
}

/** Whether the whole file is. */
export function isFileInProgress(api: ApiRegistry, file: DescFile): boolean {
  if (optionsOf(file) === undefined) return false;
  return (
    isInProgress(optionOf(file, api.extension('udpa.annotations.file_status'))) ||
    isInProgress(optionOf(file, api.extension('xds.annotations.v3.file_status')))
  );
}

/** Whether config dumps hide the field's content. */
export function isSensitive(api: ApiRegistry, field: DescField): boolean {
  return optionsOf(field) !== undefined && optionOf(field, api.extension('udpa.annotations.sensitive')) === true;
}
