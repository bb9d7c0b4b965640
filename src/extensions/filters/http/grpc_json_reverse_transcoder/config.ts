import { readFileSync } from 'node:fs';
import type { Message } from '@bufbuild/protobuf';
import type { GrpcJsonReverseTranscoder } from '#api/envoy/extensions/filters/http/grpc_json_reverse_transcoder/v3/transcoder_pb.js';
import { asciiLowerCase, toByteString } from '../../../../common/byte-string.ts';
import { DescriptorPool, DescriptorPoolError } from '../../../../common/transcoding/descriptor-pool.ts';
import type { JsonPrintOptions } from '../../../../common/transcoding/json-printer.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { expectMessage } from '../../../../contract/message.ts';

export const GRPC_JSON_REVERSE_TRANSCODER = 'envoy.extensions.filters.http.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder';

/** Settings of the filter, or of a route. */
export interface ReverseTranscoderSettings {
  readonly pool: DescriptorPool;
  readonly print: JsonPrintOptions;
  /** Lower case; empty = none. */
  readonly apiVersionHeader: string;
  /** Bytes; -1 = the stream's buffer limit. */
  readonly maxRequestBodySize: number;
  readonly maxResponseBodySize: number;
}

const NO_SIZE = -1;

export function reverseTranscoderSettings(config: Message): ReverseTranscoderSettings {
  const message = expectMessage<GrpcJsonReverseTranscoder>(config, GRPC_JSON_REVERSE_TRANSCODER);
  const print = message.requestJsonPrintOptions;
  const pool = readPool(message);
  return Object.freeze({
    pool,
    print: {
      addWhitespace: false,
      alwaysPrintFieldsWithNoPresence: print?.alwaysPrintPrimitiveFields ?? false,
      alwaysPrintEnumsAsInts: print?.alwaysPrintEnumsAsInts ?? false,
      preserveProtoFieldNames: !(print?.useCanonicalFieldNames ?? false),
    },
    apiVersionHeader: asciiLowerCase(toByteString(message.apiVersionHeader)),
    maxRequestBodySize: message.maxRequestBodySize ?? NO_SIZE,
    maxResponseBodySize: message.maxResponseBodySize ?? NO_SIZE,
  });
}

/** A path goes before bytes. */
function readPool(message: GrpcJsonReverseTranscoder): DescriptorPool {
  const { descriptorPath, descriptorBinary } = message;
  if (descriptorPath !== '') return makePool(readFile(descriptorPath), 'descriptor_path', 'Unable to parse proto descriptor');
  if (descriptorBinary.length > 0) return makePool(descriptorBinary, 'descriptor_binary', 'Unable to parse proto descriptor binary');
  throw new ConfigError('Descriptor set not set');
}

function makePool(bytes: Uint8Array, path: string, unparsed: string): DescriptorPool {
  try {
    return new DescriptorPool(bytes);
  } catch (error) {
    if (!(error instanceof DescriptorPoolError)) throw error;
    throw new ConfigError(error.parsed ? 'Unable to build proto descriptor pool' : unparsed, { path, hint: error.message });
  }
}

function readFile(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`Invalid path: ${file}`, { path: 'descriptor_path', hint: error instanceof Error ? error.message : '' });
  }
}
