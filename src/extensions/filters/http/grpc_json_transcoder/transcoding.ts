import type { HeaderMap } from '../../../../contract/header-map.ts';
import { resolveFieldPath } from '../../../../common/transcoding/field-path.ts';
import type { UnknownQueryParams } from '../../../../common/transcoding/http-body.ts';
import { JsonRequestTranslator } from '../../../../common/transcoding/json-request-translator.ts';
import type { MethodInfo } from '../../../../common/transcoding/method-info.ts';
import type { PathMatch, VariableBinding } from '../../../../common/transcoding/path-matcher.ts';
import { RequestMessageTranslator } from '../../../../common/transcoding/request-translator.ts';
import type { RequestInfo } from '../../../../common/transcoding/request-translator.ts';
import type { FieldBinding } from '../../../../common/transcoding/request-weaver.ts';
import { ResponseToJsonTranslator } from '../../../../common/transcoding/response-translator.ts';
import { notFound } from '../../../../common/transcoding/status.ts';
import type { TranscodingStatus } from '../../../../common/transcoding/status.ts';
import type { Field } from '../../../../common/transcoding/types.ts';
import type { TranscoderSettings } from './config.ts';

/** What one request is transcoded with. */
export interface Transcoding {
  readonly method: MethodInfo;
  /** For a JSON body; null when the body is a google.api.HttpBody. */
  readonly json: JsonRequestTranslator | null;
  /** For an HttpBody: the message around it, of the path and the query. */
  readonly message: RequestMessageTranslator | null;
  readonly response: ResponseToJsonTranslator;
  readonly unknownParams: UnknownQueryParams;
}

const NO_PARAMS: UnknownQueryParams = new Map();

/** Finds the method of a request and makes what translates it, or tells why the request is not transcoded. */
export function startTranscoding(settings: TranscoderSettings, headers: HeaderMap): Transcoding | TranscodingStatus {
  const full = headers.get(':path') ?? '';
  const question = full.indexOf('?');
  const path = question < 0 ? full : full.slice(0, question);
  const match = settings.pathMatcher.lookup(headers.get(':method') ?? '', path, question < 0 ? '' : full.slice(question + 1));
  if (match === null) return notFound(`Could not resolve ${path} to a method.`);
  const unknown = new Map<string, string[]>();
  const bindings = resolveBindings(settings, match, unknown);
  if ('code' in bindings) return bindings;
  const { method, requestIsHttpBody } = match.method;
  const info: RequestInfo = {
    type: method.input,
    bodyFieldPath: match.bodyFieldPath,
    bindings,
    rejectBindingBodyFieldCollisions: settings.rejectBindingBodyFieldCollisions,
    caseInsensitiveEnumParsing: settings.caseInsensitiveEnumParsing,
  };
  return {
    method: match.method,
    json: requestIsHttpBody ? null : new JsonRequestTranslator(settings.pool, info, method.clientStreaming),
    message: requestIsHttpBody ? new RequestMessageTranslator(settings.pool, info) : null,
    response: new ResponseToJsonTranslator(settings.pool, method.output, method.serverStreaming, settings.translate),
    unknownParams: unknown.size === 0 ? NO_PARAMS : unknown,
  };
}

function resolveBindings(settings: TranscoderSettings, match: PathMatch<MethodInfo>, unknown: Map<string, string[]>): FieldBinding[] | TranscodingStatus {
  const resolved: FieldBinding[] = [];
  for (const binding of match.bindings) {
    const path = resolveFieldPath(match.method.method.input, binding.fieldPath);
    if ('code' in path) {
      if (settings.captureUnknownQueryParameters) capture(unknown, binding);
      else if (!settings.ignoreUnknownQueryParameters) return path;
    } else if (!isInsideHttpBody(match.method, path)) resolved.push({ path, value: binding.value });
  }
  return resolved;
}

function capture(unknown: Map<string, string[]>, binding: VariableBinding): void {
  const name = binding.fieldPath.join('.');
  const values = unknown.get(name);
  if (values === undefined) unknown.set(name, [binding.value]);
  else values.push(binding.value);
}

/** The fields of an HttpBody are the body's own. */
function isInsideHttpBody(info: MethodInfo, path: readonly Field[]): boolean {
  return info.requestIsHttpBody && info.requestBodyFieldPath.every((each, i) => path[i] === each);
}
