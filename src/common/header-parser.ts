import type { HeaderValueOption } from '#api/envoy/config/core/v3/base_pb.js';
import type { LogContext } from '../contract/access-log.ts';
import { ConfigError, configAt } from '../contract/errors.ts';
import type { HeaderMap } from '../contract/header-map.ts';
import { addHeader, INLINE_REQUEST_HEADERS, INLINE_RESPONSE_HEADERS, overwriteHeader } from './http/inline-headers.ts';
import { asciiLowerCase, toByteString } from './byte-string.ts';
import {
  ADD_IF_ABSENT, APPEND_IF_EXISTS_OR_ADD, HeaderValueTemplate, isModifiableHeader, OVERWRITE_IF_EXISTS,
} from './header-value.ts';

/**
 * `*_headers_to_add` and `*_headers_to_remove` of one level of a route table. Removes first, then works out all values from the headers as
 * they are, then overwrites, then adds.
 */
export class HeaderParser {
  private readonly toRemove: readonly string[];
  private readonly toAdd: readonly HeaderValueTemplate[];
  /** Whether a value depends on the request. */
  readonly needsContext: boolean;
  /** Values of the present evaluation, by index of `toAdd`; null = not written. Kept between calls to allocate nothing. */
  private readonly values: (string | null)[];
  private readonly inline: ReadonlySet<string>;

  constructor(toAdd: readonly HeaderValueTemplate[], toRemove: readonly string[], inline: ReadonlySet<string>) {
    this.inline = inline;
    this.toAdd = toAdd;
    this.toRemove = toRemove;
    this.needsContext = toAdd.some((template) => template.constant === null);
    this.values = new Array<string | null>(toAdd.length).fill(null);
  }

  get isEmpty(): boolean {
    return this.toAdd.length === 0 && this.toRemove.length === 0;
  }

  /** Changes `headers`. `context` may be null when `needsContext` is false. */
  evaluate(headers: HeaderMap, context: LogContext | null): void {
    const remove = this.toRemove;
    for (let i = 0; i < remove.length; i++) headers.remove(remove[i]);
    const add = this.toAdd;
    const values = this.values;
    for (let i = 0; i < add.length; i++) values[i] = this.valueToWrite(add[i], headers, context);
    for (let i = 0; i < add.length; i++) {
      const value = values[i];
      if (value !== null && add[i].action > ADD_IF_ABSENT) overwriteHeader(headers, add[i].name, value);
    }
    for (let i = 0; i < add.length; i++) {
      const value = values[i];
      if (value !== null && add[i].action <= ADD_IF_ABSENT) addHeader(headers, add[i].name, value, this.inline);
    }
  }

  private valueToWrite(template: HeaderValueTemplate, headers: HeaderMap, context: LogContext | null): string | null {
    const value = template.constant ?? (context === null ? '' : template.value(context));
    if (value === '' && !template.keepEmpty) return null;
    if (template.action === APPEND_IF_EXISTS_OR_ADD) return value;
    if (template.action === ADD_IF_ABSENT) return headers.has(template.name) ? null : value;
    return template.action === OVERWRITE_IF_EXISTS && !headers.has(template.name) ? null : value;
  }
}

/** Builds one level; null when it does nothing. `prefix` is `request_headers` or `response_headers`, for paths of errors. */
export function buildHeaderParser(
  toAdd: readonly HeaderValueOption[], toRemove: readonly string[], prefix: 'request_headers' | 'response_headers',
): HeaderParser | null {
  if (toAdd.length === 0 && toRemove.length === 0) return null;
  const templates = toAdd.map((option, i) => configAt(`${prefix}_to_add[${i}]`, () => new HeaderValueTemplate(option)));
  const names = toRemove.map((name, i) => {
    if (!isModifiableHeader(name)) {
      throw new ConfigError(':-prefixed or host headers may not be removed', { path: `${prefix}_to_remove[${i}]` });
    }
    return asciiLowerCase(toByteString(name));
  });
  return new HeaderParser(templates, names, prefix === 'request_headers' ? INLINE_REQUEST_HEADERS : INLINE_RESPONSE_HEADERS);
}
