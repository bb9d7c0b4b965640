import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { typeAnswer } from '../api/type-answer.ts';
import type { PathStep } from '../message/read-context.ts';
import { singularValue } from '../message/walk.ts';
import type { MessageFields } from '../message/fields.ts';
import type { CheckContext } from './check-context.ts';

/** Maps whose values are extensions, by the key's name. */
const EXTENSION_MAPS = new Set(['typed_per_filter_config', 'typed_extension_protocol_options']);

/** Messages that stand in an extension's place and hold the extension themselves, or nothing. */
const HOLDERS = new Set(['envoy.config.route.v3.FilterConfig']);

/** Messages that name an extension and cannot do without its configuration. (Others, such as overload actions, can.) */
const NEEDS_CONFIG = new Set([
  'envoy.config.accesslog.v3.AccessLog',
  'envoy.config.core.v3.TransportSocket',
  'envoy.config.listener.v3.Filter',
  'envoy.config.listener.v3.ListenerFilter',
  'envoy.config.metrics.v3.StatsSink',
  'envoy.config.overload.v3.ResourceMonitor',
  'envoy.config.trace.v3.Tracing.Http',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
]);

/** Parts of the API whose messages configure no extension, however they are named in one's place. */
const NO_EXTENSIONS = /^(envoy\.(admin|data|service|config\.(bootstrap|cluster|core|endpoint|listener))\.|google\.protobuf\.(Any|Duration|FieldMask|ListValue|Struct|Timestamp|Value)$)/;
/** But these do. */
const EXCEPTIONS = new Set(['envoy.config.cluster.v3.Cluster.CustomClusterType']);

function isExtensionType(typeName: string): boolean {
  return !NO_EXTENSIONS.test(typeName) || EXCEPTIONS.has(typeName);
}

/** Whether the Any at this path is one whose type chooses an implementation. */
function isExtensionPlace(path: readonly PathStep[]): boolean {
  const last = path.at(-1);
  const before = path.at(-2);
  return last === 'typed_config' || (typeof before === 'string' && EXTENSION_MAPS.has(before));
}

/**
 * The second and third of the three answers about an extension's type: Envoy has it and this program has not, or nobody has it.
 * (A type that is in no API, and not hidden in a TypedStruct, has been refused when it was read.) `known`: the API has the type.
 */
export function checkExtension(context: CheckContext, typeName: string, known: boolean): void {
  const { extensions, path, api } = context;
  if (context.optional > 0) return;
  if (!isExtensionPlace(path) || HOLDERS.has(typeName)) return;
  if (!known || !isExtensionType(typeName)) {
    const hint = typeName === '' ? 'add "@type": it chooses the implementation' : typeAnswer(typeName, api).hint;
    context.problem(`Didn't find a registered implementation with type URL: '${typeName}'`, hint);
    return;
  }
  // Matchers name their outcome by a plain StringValue and the like: no extension.
  if (extensions === null || typeName.startsWith('google.protobuf.') || extensions.has(typeName)) return;
  context.problem(notYet(typeName), 'docs/user/status.md lists what nuncio has');
}

const NOT_YET = 'known to Envoy, not in nuncio yet: ';

/** The text of the second of the three answers about a type. */
export function notYet(typeName: string): string {
  return NOT_YET + typeName;
}

/** The type that a `notYet` text names, or undefined for any other text. */
export function notYetType(why: string): string | undefined {
  return why.startsWith(NOT_YET) ? why.slice(NOT_YET.length) : undefined;
}

/**
 * A filter, access log or the like without typed_config: Envoy finds no factory by name alone. Null for other messages.
 */
export function missingExtensionCheck(descriptor: DescMessage): ((message: MessageFields, context: CheckContext) => void) | null {
  const config = descriptor.fields.find((each) => each.name === 'typed_config' && each.message?.typeName === 'google.protobuf.Any');
  const name = descriptor.fields.find((each) => each.name === 'name');
  if (config === undefined || name === undefined || !NEEDS_CONFIG.has(descriptor.typeName)) return null;
  const optional = descriptor.fields.find((each) => each.name === 'is_optional');
  return (message, context) => {
    const value = singularValue(config, message);
    // An empty typed_config is told of where it stands.
    if (value !== undefined) return;
    if (otherChosen(config, message) || (optional !== undefined && message[optional.localName] === true)) return;
    const named = String(message[name.localName]);
    const hint = 'add typed_config with "@type": a name alone does not choose an implementation';
    context.problem(`Didn't find a registered implementation for '${named}' with type URL: ''`, hint);
  };
}

/** Whether the oneof has another member, such as config_discovery. */
function otherChosen(config: DescField, message: MessageFields): boolean {
  if (config.oneof === undefined) return false;
  const chosen = (message[config.oneof.localName] as { case: string | undefined }).case;
  return chosen !== undefined && chosen !== config.localName;
}
