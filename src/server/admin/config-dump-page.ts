import type { DescField, Message } from '@bufbuild/protobuf';
import { isReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { AdminHandler, AdminResponse } from '../../contract/admin.ts';
import { ConfigError } from '../../contract/errors.ts';
import { toByteString } from '../../common/byte-string.ts';
import { compileRegex } from '../../common/regex/regex.ts';
import { anyOf, describeMessage } from '../messages.ts';
import type { AdminContext, ConfigSection } from './context.ts';
import { applyMask } from './field-mask.ts';
import { makeMessage, messageJson } from './json.ts';
import { JSON_TYPE } from './router.ts';

/** `/config_dump`. */
export function configDumpPage(context: AdminContext): AdminHandler {
  return {
    path: '/config_dump',
    help: 'dump current Envoy configs',
    mutates: false,
    parameters: [
      { id: 'resource', help: 'The resource to dump' },
      {
        id: 'mask',
        help: 'The mask to apply. When both resource and mask are specified, the mask is applied to every element in the desired repeated field so that only a subset of fields are returned. The mask is parsed as a Protobuf::FieldMask',
      },
      {
        id: 'name_regex',
        help: 'Dump only the currently loaded configurations whose names match the specified regex. Can be used with both resource and mask query parameters.',
      },
      { id: 'include_eds', help: 'Dump currently loaded configuration including EDS. See the response definition for more information' },
    ],
    handle: (request): AdminResponse => {
      const name = nameMatcher(request.query.get('name_regex') ?? '');
      if (typeof name === 'string') return { status: 400, contentType: 'text/plain', body: name };
      const sections = [...context.configSections(request.query.has('include_eds'))].sort((a, b) => (a.key < b.key ? -1 : 1));
      const resource = request.query.get('resource') ?? '';
      const mask = request.query.get('mask') ?? '';
      return resource === '' ? dumpAll(sections, mask, name) : dumpResource(sections, resource, mask, name);
    },
  };
}

function failure(status: number, body: string): AdminResponse {
  // Envoy sends this header twice here.
  return { status, contentType: 'text/plain', headers: [['x-content-type-options', 'nosniff']], body };
}

function nameMatcher(pattern: string): ((name: string) => boolean) | string {
  if (pattern === '') return () => true;
  try {
    const regex = compileRegex(pattern);
    return (name) => regex.fullMatch(toByteString(name));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `INVALID_ARGUMENT: Error while parsing name_regex from ${pattern}: ${error.why}`;
  }
}

function dumpAll(sections: readonly ConfigSection[], mask: string, name: (name: string) => boolean): AdminResponse {
  const configs: Message[] = [];
  for (const section of sections) {
    const message = section.build(name);
    if (mask !== '') {
      const masked = applyMask(message, mask.split(','));
      if (masked === null) continue;
      configs.push(masked);
    } else configs.push(message);
  }
  if (configs.length === 0 && mask !== '') {
    return failure(400, `FieldMask ${mask} could not be successfully applied to any configs.`);
  }
  return dump(configs);
}

function dumpResource(sections: readonly ConfigSection[], resource: string, mask: string, name: (name: string) => boolean): AdminResponse {
  for (const section of sections) {
    const message = section.build(name);
    const field = describeMessage(message.$typeName).fields.find((each) => each.name === resource);
    if (field === undefined) continue;
    if (field.fieldKind !== 'list') {
      return failure(400, `${resource} is not a repeated field. Use ?mask=${resource} to get only this field`);
    }
    const configs: Message[] = [];
    for (const element of listOf(message, field)) {
      const masked = mask === '' ? element : applyMask(element, mask.split(','));
      if (masked === null) return failure(400, `FieldMask paths: "${mask}" could not be successfully used.`);
      configs.push(masked);
    }
    return dump(configs);
  }
  return failure(404, `${resource} not found in config dump`);
}

function listOf(message: Message, field: DescField & { fieldKind: 'list' }): Message[] {
  const list: Message[] = [];
  for (const element of reflect(describeMessage(message.$typeName), message).get(field)) {
    if (isReflectMessage(element)) list.push(element.message);
  }
  return list;
}

function dump(configs: readonly Message[]): AdminResponse {
  const message = makeMessage('envoy.admin.v3.ConfigDump', { configs: configs.map((each) => anyOf(each)) });
  return { status: 200, contentType: JSON_TYPE, body: messageJson(message, { redact: true }) };
}
