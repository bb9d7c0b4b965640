import type { Method } from '../../../../common/transcoding/descriptor-pool.ts';
import { resolveFieldPath, splitFieldPath } from '../../../../common/transcoding/field-path.ts';
import { HTTP_BODY } from '../../../../common/transcoding/types.ts';
import { toByteString } from '../../../../common/byte-string.ts';
import type { ReverseTranscoderSettings } from './config.ts';

/** What a gRPC method is over HTTP. */
export interface HttpTarget {
  readonly httpMethod: string;
  readonly pathTemplate: string;
  /** The member of the JSON that is the body: empty = none, `*` = all of it. */
  readonly bodyField: string;
  /** That member is a google.api.HttpBody. */
  readonly nestedHttpBody: boolean;
}

/** Placeholder for the version from the configured header. */
const API_VERSION = '{$api_version}';

/** From the method's `google.api.http` rule (additional bindings do not count); a string says why there is none. */
export function httpTarget(settings: ReverseTranscoderSettings, method: Method, apiVersion: string | undefined): HttpTarget | string {
  const rule = method.httpRule;
  const pattern = rule?.pattern;
  if (rule === null || pattern?.case === undefined) return 'Invalid or missing http annotations';
  const custom = pattern.case === 'custom';
  let template = toByteString(custom ? pattern.value.path : pattern.value);
  let bodyField = rule.body;
  if (bodyField !== '' && bodyField !== '*' && !settings.print.preserveProtoFieldNames) {
    const field = method.input.fieldByName(bodyField);
    if (field === undefined) return `No field named: ${bodyField}`;
    template = template.replaceAll(`{${bodyField}.`, `{${field.jsonName}.`);
    bodyField = field.jsonName;
  }
  if (apiVersion !== undefined) template = template.replaceAll(API_VERSION, apiVersion);
  return {
    httpMethod: custom ? pattern.value.kind : pattern.case.toUpperCase(),
    pathTemplate: template,
    bodyField,
    nestedHttpBody: method.input.fullName !== HTTP_BODY && isHttpBodyField(method, bodyField),
  };
}

function isHttpBodyField(method: Method, bodyField: string): boolean {
  if (bodyField === '' || bodyField === '*') return false;
  const path = resolveFieldPath(method.input, splitFieldPath(bodyField));
  return !('code' in path) && path.at(-1)?.message?.fullName === HTTP_BODY;
}
