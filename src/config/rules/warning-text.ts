import type { DescField } from '@bufbuild/protobuf';
import type { ValueNote } from './annotations.ts';
import type { CheckContext } from './check-context.ts';

/** Envoy's words; the documentation addresses are left out of ours. */
const REMOVAL = 'will be removed from Envoy soon';
const UNSTABLE =
  'API features marked as work-in-progress are not considered stable, are not covered by the threat model, are not supported by the security team, and are subject to breaking changes. Do not use this feature without understanding each of the previous points.';

export function messageInProgress(typeName: string): string {
  return `message '${typeName}' is marked as work-in-progress. ${UNSTABLE}`;
}

export function fileInProgress(typeName: string, file: string): string {
  return `message '${typeName}' is contained in proto file '${file}' marked as work-in-progress. ${UNSTABLE}`;
}

export function fieldInProgress(fullName: string): string {
  return `field '${fullName}' is marked as work-in-progress. ${UNSTABLE}`;
}

function fileName(field: DescField): string {
  const path = `${field.parent.file.name}.proto`;
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A warning, or an error when the API refuses the field by default and runtime does not allow it. */
function take(context: CheckContext, feature: string, disallowed: boolean, text: string): void {
  if (disallowed && !context.allows(`envoy.deprecated_features:${feature}`)) {
    context.problem(text, `set the runtime key envoy.deprecated_features:${feature} to true to use it all the same`);
  } else {
    context.warn('deprecated', text);
  }
}

export function deprecatedField(context: CheckContext, field: DescField, disallowed: boolean): void {
  const fullName = `${field.parent.typeName}.${field.name}`;
  const text = `type ${field.parent.typeName} Using deprecated option '${fullName}' from file ${fileName(field)}. This configuration ${REMOVAL}.`;
  take(context, fullName, disallowed, text);
}

export function deprecatedValue(context: CheckContext, field: DescField, value: ValueNote, used: boolean): void {
  const fullName = `${field.parent.typeName}.${field.name}`;
  const start = `Using ${used ? '' : 'the default now-'}deprecated value ${value.name} for enum '${fullName}' from file ${fileName(field)}.`;
  const end = `This enum value ${REMOVAL}${used ? '' : ' so a non-default value must now be explicitly set'}.`;
  // Enum values are named beside their enum, not inside it.
  const scope = field.enum?.typeName.replace(/\.[^.]*$/, '') ?? '';
  take(context, `${scope}.${value.name}`, value.disallowed, `type ${field.parent.typeName} ${start} ${end}`);
}
