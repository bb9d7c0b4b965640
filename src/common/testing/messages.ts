import type { Message } from '@bufbuild/protobuf';
import { api, validateMessage } from '../../config/index.ts';
import { pathText } from '../../config/message/path-text.ts';
import { readText } from '../../config/load-text.ts';
import { ConfigError, ConfigErrors } from '../../contract/errors.ts';

/** A configuration message from YAML, read and validated as the proxy does; throws ConfigErrors. */
export function fromYaml<T extends Message>(typeName: T['$typeName'], text: string): T {
  const message = fromYamlUnchecked<T>(typeName, text);
  const faults = validateMessage(api(), api().message<T>(typeName), message, {}).problems;
  if (faults.length > 0) throw new ConfigErrors(faults.map((each) => new ConfigError(each.why, { path: pathText(each.path), hint: each.hint })));
  return message;
}

/** The same without the rules of the API: for tests that need no whole message. */
export function fromYamlUnchecked<T extends Message>(typeName: T['$typeName'], text: string): T {
  const descriptor = api().message<T>(typeName);
  const read = readText(api(), descriptor, 'test.yaml', text, 'yaml');
  const problems = [...read.syntax, ...[...read.problems, ...read.unknown].map((each) => new ConfigError(each.why, { path: pathText(each.path), hint: each.hint }))];
  if (read.message === null || problems.length > 0) throw new ConfigErrors(problems);
  return read.message as T;
}
