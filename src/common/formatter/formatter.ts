import type { SubstitutionFormatString } from '#api/envoy/config/core/v3/substitution_format_string_pb.js';
import type { Formatter, LogContext } from '../../contract/access-log.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { toByteString } from '../byte-string.ts';
import { readDataSource } from '../data-source.ts';
import { notYet } from '../not-yet.ts';
import type { CommandParser } from './command.ts';
import { MAX_JSON_DEPTH } from './json-depth.ts';
import { jsonEscape, jsonNumber, jsonString } from './json-text.ts';
import { OmittingJsonFormatter } from './omitting-json-formatter.ts';
import type { Operator } from './operator.ts';
import { parseFormat } from './parse-format.ts';

/** The format of an access log that says nothing (source/common/formatter in Envoy; the newline belongs to it). */
export const DEFAULT_ACCESS_LOG_FORMAT =
  '[%START_TIME%] "%REQUEST_HEADER(:METHOD)% %REQUEST_HEADER(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% ' +
  '%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESPONSE_HEADER(X-ENVOY-UPSTREAM-SERVICE-TIME)% ' +
  '"%REQUEST_HEADER(X-FORWARDED-FOR)%" "%REQUEST_HEADER(USER-AGENT)%" "%REQUEST_HEADER(X-REQUEST-ID)%" ' +
  '"%REQUEST_HEADER(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/** A format string, compiled. Its output is a byte string. */
export class TextFormatter implements Formatter {
  private readonly operators: readonly Operator[];
  private readonly unset: string;

  /** `omitEmpty`: what has no value is left out instead of shown as `-`. */
  constructor(format: string, omitEmpty: boolean, parsers: readonly CommandParser[] = []) {
    this.operators = parseFormat(format, parsers);
    this.unset = omitEmpty ? '' : '-';
  }

  format(context: LogContext): string {
    const operators = this.operators;
    let out = '';
    for (let i = 0; i < operators.length; i++) out += operators[i].text(context) ?? this.unset;
    return out;
  }
}

/** Whether a format has no operators, and then its text. */
export function constantFormat(format: string): string | null {
  if (!format.includes('%')) return toByteString(format);
  return /^(?:[^%]|%%)*$/.test(format) ? toByteString(format.replaceAll('%%', '%')) : null;
}

/** A JSON object per record; keys are sorted, an operator alone keeps its own type. Ends with a newline. */
export class JsonFormatter implements Formatter {
  /** Raw JSON pieces and, between them, templates. */
  private readonly pieces: readonly (string | readonly Operator[])[];

  constructor(format: Readonly<Record<string, unknown>>, parsers: readonly CommandParser[] = []) {
    const builder = new JsonBuilder(parsers);
    builder.value(format, 0);
    this.pieces = builder.finish();
  }

  format(context: LogContext): string {
    let out = '';
    for (const piece of this.pieces) {
      if (typeof piece === 'string') out += piece;
      else if (piece.length === 1) out += piece[0].json(context);
      else out += this.joined(piece, context);
    }
    return out;
  }

  private joined(operators: readonly Operator[], context: LogContext): string {
    let out = '"';
    for (const operator of operators) {
      const value = operator.text(context);
      out += value === null ? '-' : jsonEscape(value);
    }
    return out + '"';
  }
}

class JsonBuilder {
  private readonly pieces: (string | readonly Operator[])[] = [];
  private raw = '';
  private readonly parsers: readonly CommandParser[];

  constructor(parsers: readonly CommandParser[]) {
    this.parsers = parsers;
  }

  value(value: unknown, depth: number): void {
    if (depth > MAX_JSON_DEPTH) throw new ConfigError(`json_format is nested more than ${MAX_JSON_DEPTH} deep`);
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.raw += jsonNumber(value);
    else if (typeof value === 'boolean') this.raw += value ? 'true' : 'false';
    else if (Array.isArray(value)) this.list(value, depth);
    else if (typeof value === 'object' && value !== null) this.object(value, depth);
    else this.raw += 'null';
  }

  finish(): readonly (string | readonly Operator[])[] {
    this.pieces.push(this.raw + '\n');
    return this.pieces;
  }

  private text(format: string): void {
    if (!format.includes('%')) {
      this.raw += jsonString(toByteString(format));
      return;
    }
    this.pieces.push(this.raw, parseFormat(format, this.parsers));
    this.raw = '';
  }

  private list(values: readonly unknown[], depth: number): void {
    this.raw += '[';
    values.forEach((each, i) => {
      if (i > 0) this.raw += ',';
      configAt(`[${i}]`, () => this.value(each, depth + 1));
    });
    this.raw += ']';
  }

  private object(value: object, depth: number): void {
    this.raw += '{';
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    entries.forEach(([key, each], i) => {
      this.raw += (i > 0 ? ',' : '') + jsonString(toByteString(key)) + ':';
      configAt(key, () => this.value(each, depth + 1));
    });
    this.raw += '}';
  }
}

/** envoy.config.core.v3.SubstitutionFormatString. */
export function buildFormatter(message: SubstitutionFormatString): Formatter {
  if (message.formatters.length > 0) {
    throw notYet(`formatter extension '${message.formatters[0].name}'`, 'formatters[0]');
  }
  const format = message.format;
  switch (format.case) {
    case 'textFormat': return configAt('text_format', () => new TextFormatter(format.value, message.omitEmptyValues));
    case 'jsonFormat': return configAt('json_format', () => (message.omitEmptyValues ? new OmittingJsonFormatter(format.value) : new JsonFormatter(format.value)));
    case 'textFormatSource':
      return configAt('text_format_source', () =>
        new TextFormatter(readDataSource(format.value, { allowEmpty: true }), message.omitEmptyValues));
    default: throw new ConfigError('a format must be set: text_format_source or json_format');
  }
}
