import { readFileSync, statSync } from 'node:fs';
import type { DataSource } from '#api/envoy/config/core/v3/base_pb.js';
import { ConfigError } from '../contract/errors.ts';
import { notYet } from './not-yet.ts';

export interface DataSourceOptions {
  readonly allowEmpty: boolean;
  /** Bytes; 0 or absent = any size. */
  readonly maxSize?: number;
}

/**
 * The text of a DataSource, read once at load. ConfigError in Envoy's words. Bytes that are not UTF-8 are read as such text can be; what
 * needs bytes takes `readDataSourceBytes`.
 */
export function readDataSource(source: DataSource, options: DataSourceOptions): string {
  return readDataSourceBytes(source, options).toString('utf8');
}

export function readDataSourceBytes(source: DataSource, options: DataSourceOptions): Buffer {
  if (source.watchedDirectory !== undefined) throw notYet('envoy.config.core.v3.DataSource.watched_directory', 'watched_directory');
  const data = read(source, options);
  if (!options.allowEmpty && data.length === 0) throw new ConfigError('DataSource cannot be empty');
  return data;
}

function read(source: DataSource, options: DataSourceOptions): Buffer {
  const specifier = source.specifier;
  switch (specifier.case) {
    case 'filename': return readFile(specifier.value, options);
    case 'inlineBytes': return limited(Buffer.from(specifier.value), options);
    case 'inlineString': return limited(Buffer.from(specifier.value, 'utf8'), options);
    case 'environmentVariable': {
      const value = process.env[specifier.value];
      if (value === undefined) {
        throw new ConfigError(`Environment variable doesn't exist: ${specifier.value}`, { path: 'environment_variable' });
      }
      return limited(Buffer.from(value, 'utf8'), options);
    }
    default:
      if (!options.allowEmpty) throw new ConfigError('Unexpected DataSource::specifier_case(): 0');
      return Buffer.alloc(0);
  }
}

function readFile(path: string, options: DataSourceOptions): Buffer {
  const max = options.maxSize ?? 0;
  let data: Buffer;
  try {
    if (max > 0) {
      const size = statSync(path).size;
      if (size > max) throw new ConfigError(`file ${path} size is ${size} bytes; maximum is ${max}`, { path: 'filename' });
    }
    data = readFileSync(path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const why = max > 0 ? `file ${path} does not exist` : `Invalid path: ${path}`;
    throw new ConfigError(why, { path: 'filename', hint: error instanceof Error ? error.message : '' });
  }
  if (!options.allowEmpty && data.length === 0) throw new ConfigError(`file ${path} is empty`, { path: 'filename' });
  return data;
}

function limited(data: Buffer, options: DataSourceOptions): Buffer {
  const max = options.maxSize ?? 0;
  if (max > 0 && data.length > max) {
    throw new ConfigError(`response body size is ${data.length} bytes; maximum is ${max}`);
  }
  return data;
}
