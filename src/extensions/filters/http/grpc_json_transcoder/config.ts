import { readFileSync } from 'node:fs';
import type { Message } from '@bufbuild/protobuf';
import type { GrpcJsonTranscoder } from '#api/envoy/extensions/filters/http/grpc_json_transcoder/v3/transcoder_pb.js';
import { DescriptorPool, DescriptorPoolError } from '../../../../common/transcoding/descriptor-pool.ts';
import { defaultHttpRule } from '../../../../common/transcoding/http-rule.ts';
import { methodInfo } from '../../../../common/transcoding/method-info.ts';
import type { MethodInfo } from '../../../../common/transcoding/method-info.ts';
import { PathMatcher } from '../../../../common/transcoding/path-matcher.ts';
import { UNESCAPE_ALL, UNESCAPE_ALL_EXCEPT_RESERVED, UNESCAPE_ALL_EXCEPT_SLASH } from '../../../../common/transcoding/percent-encoding.ts';
import type { UrlUnescapeSpec } from '../../../../common/transcoding/percent-encoding.ts';
import type { ResponseTranslateOptions } from '../../../../common/transcoding/response-translator.ts';
import { toByteString } from '../../../../common/byte-string.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { expectMessage } from '../../../../contract/message.ts';

export const GRPC_JSON_TRANSCODER = 'envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder';

/** Settings of the filter, or of a route. */
export interface TranscoderSettings {
  readonly pool: DescriptorPool;
  readonly pathMatcher: PathMatcher<MethodInfo>;
  readonly translate: ResponseTranslateOptions;
  readonly matchIncomingRequestRoute: boolean;
  readonly ignoreUnknownQueryParameters: boolean;
  readonly captureUnknownQueryParameters: boolean;
  readonly convertGrpcStatus: boolean;
  readonly caseInsensitiveEnumParsing: boolean;
  readonly rejectUnknownMethod: boolean;
  readonly rejectUnknownQueryParameters: boolean;
  readonly rejectBindingBodyFieldCollisions: boolean;
  /** Bytes; -1 = the stream's buffer limit. */
  readonly maxRequestBodySize: number;
  readonly maxResponseBodySize: number;
}

/** A configuration without services: the filter does nothing. */
export const DISABLED = Object.freeze({ disabled: true });

const NO_SIZE = -1;

export function transcoderSettings(config: Message): TranscoderSettings | typeof DISABLED {
  const message = expectMessage<GrpcJsonTranscoder>(config, GRPC_JSON_TRANSCODER);
  const pool = message.services.length === 0 ? null : readPool(message);
  const translate = translateOptions(message);
  const pathMatcher = new PathMatcher<MethodInfo>({
    urlUnescapeSpec: unescapeSpec(message.urlUnescapeSpec),
    queryParamUnescapePlus: message.queryParamUnescapePlus,
    matchUnregisteredCustomVerb: message.matchUnregisteredCustomVerb,
    ignoredQueryParameters: new Set(message.ignoredQueryParameters.map(toByteString)),
  });
  const validation = message.requestValidationOptions;
  const settings = {
    translate,
    pathMatcher,
    matchIncomingRequestRoute: message.matchIncomingRequestRoute,
    ignoreUnknownQueryParameters: message.ignoreUnknownQueryParameters,
    captureUnknownQueryParameters: message.captureUnknownQueryParameters,
    convertGrpcStatus: message.convertGrpcStatus,
    caseInsensitiveEnumParsing: message.caseInsensitiveEnumParsing,
    rejectUnknownMethod: validation?.rejectUnknownMethod ?? false,
    rejectUnknownQueryParameters: validation?.rejectUnknownQueryParameters ?? false,
    rejectBindingBodyFieldCollisions: validation?.rejectBindingBodyFieldCollisions ?? false,
    maxRequestBodySize: message.maxRequestBodySize ?? NO_SIZE,
    maxResponseBodySize: message.maxResponseBodySize ?? NO_SIZE,
  };
  if (pool === null) return DISABLED;
  registerServices(message, pool, pathMatcher);
  return Object.freeze({ ...settings, pool });
}

function translateOptions(message: GrpcJsonTranscoder): ResponseTranslateOptions {
  const print = message.printOptions;
  return {
    print: {
      addWhitespace: print?.addWhitespace ?? false,
      alwaysPrintFieldsWithNoPresence: print?.alwaysPrintPrimitiveFields ?? false,
      alwaysPrintEnumsAsInts: print?.alwaysPrintEnumsAsInts ?? false,
      preserveProtoFieldNames: print?.preserveProtoFieldNames ?? false,
    },
    streamNewlineDelimited: print?.streamNewlineDelimited ?? false,
    streamSseStyleDelimited: print?.streamSseStyleDelimited ?? false,
  };
}

function unescapeSpec(spec: number): UrlUnescapeSpec {
  if (spec === 1) return UNESCAPE_ALL_EXCEPT_SLASH;
  return spec === 2 ? UNESCAPE_ALL : UNESCAPE_ALL_EXCEPT_RESERVED;
}

function readPool(message: GrpcJsonTranscoder): DescriptorPool {
  // For grpc-status-details-bin.
  const builtins = message.convertGrpcStatus ? ['google.protobuf.Any', 'google.rpc.Status'] : [];
  const { descriptorSet } = message;
  if (descriptorSet.case === undefined) throw new ConfigError('transcoding_filter: descriptor not set');
  const inline = descriptorSet.case === 'protoDescriptorBin';
  const path = inline ? 'proto_descriptor_bin' : 'proto_descriptor';
  const bytes = inline ? descriptorSet.value : readFile(descriptorSet.value);
  try {
    return new DescriptorPool(bytes, builtins);
  } catch (error) {
    if (!(error instanceof DescriptorPoolError)) throw error;
    const why = error.parsed ? 'Unable to build proto descriptor pool' : 'Unable to parse proto descriptor';
    throw new ConfigError(`transcoding_filter: ${why}`, { path, hint: error.message });
  }
}

function readFile(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`Invalid path: ${file}`, { path: 'proto_descriptor', hint: error instanceof Error ? error.message : '' });
  }
}

function registerServices(message: GrpcJsonTranscoder, pool: DescriptorPool, pathMatcher: PathMatcher<MethodInfo>): void {
  for (const [i, name] of message.services.entries()) {
    const path = `services[${i}]`;
    const methods = pool.service(name);
    if (methods === undefined) throw new ConfigError(`transcoding_filter: Could not find '${name}' in the proto descriptor`, { path });
    for (const method of methods) {
      const rule = method.httpRule ?? (message.autoMapping ? defaultHttpRule(method) : null);
      const info = methodInfo(method, rule);
      if ('code' in info) throw new ConfigError(`transcoding_filter: Cannot register '${method.fullName}': ${info.message}`, { path });
      if (rule !== null && !pathMatcher.registerRule(rule, info)) {
        throw new ConfigError(`transcoding_filter: Cannot register '${method.fullName}' to path matcher`, { path });
      }
    }
  }
}
