import type { HttpRule } from '#api/google/api/http_pb.js';
import type { Method } from './descriptor-pool.ts';
import { resolveFieldPath, splitFieldPath } from './field-path.ts';
import { STATUS_UNIMPLEMENTED } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import { HTTP_BODY } from './types.ts';
import type { Field, MessageType } from './types.ts';

/** A method that requests can be transcoded for, and what its rule says of its bodies. */
export interface MethodInfo {
  readonly method: Method;
  /** Where the request's body goes, and whether it is a google.api.HttpBody, which takes it as it is. */
  readonly requestBodyFieldPath: readonly Field[];
  readonly requestIsHttpBody: boolean;
  readonly responseBodyFieldPath: readonly Field[];
  readonly responseIsHttpBody: boolean;
}

interface BodyField {
  readonly path: readonly Field[];
  readonly isHttpBody: boolean;
}

/** Resolves the paths of a rule; null = no rule, the bodies are the messages. Additional bindings do not count. */
export function methodInfo(method: Method, rule: HttpRule | null): MethodInfo | TranscodingStatus {
  const request = bodyField(method.input, rule?.body ?? '');
  if ('code' in request) return request;
  const response = bodyField(method.output, rule?.responseBody ?? '');
  if ('code' in response) return response;
  if (response.path.length > 0 && !response.isHttpBody) {
    return { code: STATUS_UNIMPLEMENTED, message: `Setting "response_body" is not supported yet for non-HttpBody fields: ${method.fullName}` };
  }
  return {
    method, requestBodyFieldPath: request.path, requestIsHttpBody: request.isHttpBody,
    responseBodyFieldPath: response.path, responseIsHttpBody: response.isHttpBody,
  };
}

function bodyField(type: MessageType, path: string): BodyField | TranscodingStatus {
  const fields = resolveFieldPath(type, path === '*' ? [] : splitFieldPath(path));
  if ('code' in fields) return fields;
  const last = fields.at(-1);
  return { path: fields, isHttpBody: (last === undefined ? type.fullName : last.message?.fullName) === HTTP_BODY };
}
