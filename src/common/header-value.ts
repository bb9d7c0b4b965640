import type { HeaderValueOption } from '#api/envoy/config/core/v3/base_pb.js';
import type { Formatter, LogContext } from '../contract/access-log.ts';
import { ConfigError, configAt } from '../contract/errors.ts';
import { asciiLowerCase, equalsIgnoreCase, toByteString } from './byte-string.ts';
import { constantFormat, TextFormatter } from './formatter/formatter.ts';

/** HeaderValueOption.HeaderAppendAction. */
export const APPEND_IF_EXISTS_OR_ADD = 0;
export const ADD_IF_ABSENT = 1;
export const OVERWRITE_IF_EXISTS_OR_ADD = 2;
export const OVERWRITE_IF_EXISTS = 3;

/** `:`-headers and `host` are changed by rewrites only. */
export function isModifiableHeader(name: string): boolean {
  return !name.startsWith(':') && !equalsIgnoreCase(name, 'host');
}

/** One header to be written, compiled from a HeaderValueOption. */
export class HeaderValueTemplate {
  /** Lower case. */
  readonly name: string;
  /** The value when it needs no formatting, else null. */
  readonly constant: string | null;
  readonly action: number;
  readonly keepEmpty: boolean;
  private readonly formatter: Formatter | null;

  constructor(option: HeaderValueOption) {
    const header = option.header;
    if (header === undefined) throw new ConfigError('a header is required', { path: 'header' });
    if (!isModifiableHeader(header.key)) {
      throw new ConfigError(':-prefixed or host headers may not be modified', {
        path: 'header.key',
        hint: 'use prefix_rewrite, regex_rewrite or a host rewrite of the route',
      });
    }
    this.name = asciiLowerCase(toByteString(header.key));
    this.action = appendAction(option);
    this.keepEmpty = option.keepEmptyValue;
    const raw = header.rawValue.length > 0 ? Buffer.from(header.rawValue).toString('utf8') : header.value;
    this.constant = constantFormat(raw);
    this.formatter = this.constant === null ? configAt('header.value', () => new TextFormatter(raw, true)) : null;
  }

  value(context: LogContext): string {
    return this.constant ?? this.formatter?.format(context) ?? '';
  }
}

function appendAction(option: HeaderValueOption): number {
  if (option.append === undefined) return option.appendAction;
  if (option.appendAction !== APPEND_IF_EXISTS_OR_ADD) {
    throw new ConfigError("Both append and append_action are set and it's not allowed", { path: 'append' });
  }
  return option.append ? APPEND_IF_EXISTS_OR_ADD : OVERWRITE_IF_EXISTS_OR_ADD;
}
