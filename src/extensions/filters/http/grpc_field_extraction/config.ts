import { readFileSync } from 'node:fs';
import type { Message } from '@bufbuild/protobuf';
import type { DataSource } from '#api/envoy/config/core/v3/base_pb.js';
import type { FieldExtractions, GrpcFieldExtractionConfig } from '#api/envoy/extensions/filters/http/grpc_field_extraction/v3/config_pb.js';
import { DescriptorPool, DescriptorPoolError } from '../../../../common/transcoding/descriptor-pool.ts';
import type { MessageType } from '../../../../common/transcoding/types.ts';
import { notYet } from '../../../../common/not-yet.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { expectMessage } from '../../../../contract/message.ts';
import { checkFieldPath, FieldValueExtractor } from './field-value-extractor.ts';

export const GRPC_FIELD_EXTRACTION = 'envoy.extensions.filters.http.grpc_field_extraction.v3.GrpcFieldExtractionConfig';

/** One field that is extracted: its path, which names it in the metadata, and its extractor. */
export interface RequestField {
  readonly path: string;
  readonly extractor: FieldValueExtractor;
}

/** By gRPC method, `package.Service.Method`. */
export type FieldExtractionSettings = ReadonlyMap<string, readonly RequestField[]>;

/** Field numbers of DataSource's cases, which Envoy's error shows. */
const SPECIFIERS: Readonly<Record<string, number>> = { inlineString: 3, environmentVariable: 4 };

export function fieldExtractionSettings(config: Message): FieldExtractionSettings {
  const message = expectMessage<GrpcFieldExtractionConfig>(config, GRPC_FIELD_EXTRACTION);
  const pool = readPool(message.descriptorSet);
  const settings = new Map<string, readonly RequestField[]>();
  for (const [name, extractions] of Object.entries(message.extractionsByMethod)) {
    // A method's name has dots, which a path cannot hold.
    const path = 'extractions_by_method';
    const method = pool.method(name);
    if (method === undefined) throw new ConfigError(`couldn't find the gRPC method \`${name}\` defined in the proto descriptor`, { path });
    settings.set(name, requestFields(pool, method.input, extractions, name, path));
  }
  return settings;
}

function requestFields(pool: DescriptorPool, type: MessageType, extractions: FieldExtractions, method: string, path: string): RequestField[] {
  // The namespace that a field may name has no effect: Envoy's API calls it unimplemented.
  return Object.keys(extractions.requestFieldExtractions).map((field) => {
    const why = checkFieldPath(type, field);
    if (why !== null) throw new ConfigError(`couldn't init extractor for method \`${method}\`: ${why}`, { path });
    return { path: field, extractor: new FieldValueExtractor(pool, type, field) };
  });
}

function readPool(source: DataSource | undefined): DescriptorPool {
  if (source?.watchedDirectory !== undefined) throw notYet('envoy.config.core.v3.DataSource.watched_directory', 'descriptor_set.watched_directory');
  const specifier = source?.specifier;
  if (specifier?.case === 'inlineBytes') {
    const { value } = specifier;
    return makePool(() => value, `unable to parse proto descriptor from inline bytes: ${Buffer.from(value).toString('utf8')}`, 'inline_bytes');
  }
  if (specifier?.case === 'filename') {
    const { value } = specifier;
    return makePool(() => readFileSync(value), `unable to parse proto descriptor from file \`${value}\``, 'filename');
  }
  const number = specifier?.case === undefined ? 0 : (SPECIFIERS[specifier.case] ?? 0);
  throw new ConfigError(`unsupported DataSource case \`${number}\` for configuring \`descriptor_set\``, { path: 'descriptor_set' });
}

function makePool(read: () => Uint8Array, why: string, member: string): DescriptorPool {
  try {
    return new DescriptorPool(read(), [], true);
  } catch (error) {
    const hint = error instanceof Error ? error.message : '';
    if (!(error instanceof DescriptorPoolError) && !hint.startsWith('E')) throw error;
    throw new ConfigError(why, { path: `descriptor_set.${member}`, hint });
  }
}
