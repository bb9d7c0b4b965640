import type { FilterStateValue } from '#api/envoy/extensions/filters/common/set_filter_state/v3/value_pb.js';
import type { Formatter, LogContext } from '../../contract/access-log.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { buildFormatter } from '../formatter/formatter.ts';
import { refuseFields } from '../not-yet.ts';
import type { FilterStateFactory } from './factories.ts';
import { filterStateFactory } from './factories.ts';
import { setFilterState } from './write.ts';

interface Value {
  readonly key: string;
  readonly factory: FilterStateFactory;
  readonly formatter: Formatter;
  readonly readOnly: boolean;
  readonly skipIfEmpty: boolean;
}

/** Objects of filter state made from formats: what the set_filter_state filters of connections and requests have in common. */
export class FilterStateSetter {
  private readonly values: readonly Value[];

  /** ConfigError with a path that begins with `field`, the name of the list. */
  constructor(messages: readonly FilterStateValue[], field: string) {
    this.values = messages.map((each, i) => configAt(`${field}[${i}]`, () => readValue(each)));
  }

  /** Writes to the stream info of the context. A text that makes no object is left out. */
  update(context: LogContext): void {
    for (const value of this.values) {
      const text = value.formatter.format(context);
      if (text === '' && value.skipIfEmpty) continue;
      const object = value.factory(text);
      if (object !== null) setFilterState(context.streamInfo, value.key, object, value.readOnly);
    }
  }
}

function readValue(message: FilterStateValue): Value {
  refuseFields(message, 'envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue', { sharedWithUpstream: 'shared_with_upstream' });
  const { key, value } = message;
  if (key.case !== 'objectKey') throw new ConfigError('field: "key", reason: is required', { path: 'object_key' });
  if (value.case !== 'formatString') throw new ConfigError('field: "value", reason: is required', { path: 'format_string' });
  return {
    key: key.value,
    factory: configAt('factory_key', () => filterStateFactory(message.factoryKey === '' ? key.value : message.factoryKey, key.value)),
    formatter: configAt('format_string', () => buildFormatter(value.value)),
    readOnly: message.readOnly,
    skipIfEmpty: message.skipIfEmpty,
  };
}
