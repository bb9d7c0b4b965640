import { readFileSync } from 'node:fs';
import type { Message } from '@bufbuild/protobuf';
import type { Config } from '#api/envoy/extensions/filters/network/direct_response/v3/config_pb.js';
import type { DataSource } from '#api/envoy/config/core/v3/base_pb.js';
import { notYet } from '../../../../common/not-yet.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import { expectMessage } from '../../../../contract/message.ts';

export const DIRECT_RESPONSE = 'envoy.extensions.filters.network.direct_response.v3.Config';

/** The bytes to send; empty = just close. */
export function readDirectResponse(message: Message): Buffer {
  const { response } = expectMessage<Config>(message, DIRECT_RESPONSE);
  return response === undefined ? Buffer.alloc(0) : configAt('response', () => readDataSource(response));
}

function readDataSource(source: DataSource): Buffer {
  if (source.watchedDirectory !== undefined) throw notYet('DataSource.watched_directory', 'watched_directory');
  const { specifier } = source;
  if (specifier.case === 'inlineString') return Buffer.from(specifier.value, 'utf8');
  if (specifier.case === 'inlineBytes') return Buffer.from(specifier.value);
  if (specifier.case === 'environmentVariable') {
    const value = process.env[specifier.value];
    if (value === undefined) throw new ConfigError(`Environment variable doesn't exist: ${specifier.value}`, { path: 'environment_variable' });
    return Buffer.from(value, 'utf8');
  }
  if (specifier.case === 'filename') return readFile(specifier.value);
  return Buffer.alloc(0);
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw new ConfigError(`Invalid path: ${path}`, { path: 'filename' });
  }
}
