import type { LogContext } from '../../contract/access-log.ts';
import { jsonString } from './json-text.ts';

/** One compiled piece of a format. Total: it never throws. */
export interface Operator {
  /** A byte string, or null when there is no value (`-` in text, null in JSON). */
  text(context: LogContext): string | null;
  /** JSON of the value with its own type. */
  json(context: LogContext): string;
}

/** Reads a text. */
export type TextReader = (context: LogContext) => string | null;
/** Reads a number, NaN = no value. */
export type NumberReader = (context: LogContext) => number;

/** Text between operators. */
export class Literal implements Operator {
  private readonly value: string;
  private readonly quoted: string;

  constructor(value: string) {
    this.value = value;
    this.quoted = jsonString(value);
  }

  text(): string {
    return this.value;
  }

  json(): string {
    return this.quoted;
  }
}

export class TextOperator implements Operator {
  private readonly read: TextReader;

  constructor(read: TextReader) {
    this.read = read;
  }

  text(context: LogContext): string | null {
    return this.read(context);
  }

  json(context: LogContext): string {
    const value = this.read(context);
    return value === null ? 'null' : jsonString(value);
  }
}

/** Times are fractions of milliseconds: what their differences lose in rounding must not cost a whole one. */
const NANOSECOND = 1e-6;

function whole(value: number): string {
  return String(Math.trunc(value < 0 ? value - NANOSECOND : value + NANOSECOND));
}

/** Whole numbers: counts, codes, and durations in milliseconds (fractions are cut off). */
export class NumberOperator implements Operator {
  private readonly read: NumberReader;

  constructor(read: NumberReader) {
    this.read = read;
  }

  text(context: LogContext): string | null {
    const value = this.read(context);
    return value !== value ? null : whole(value);
  }

  json(context: LogContext): string {
    const value = this.read(context);
    return value !== value ? 'null' : whole(value);
  }
}

/** Cuts a text to `max` bytes; -1 = not at all. */
export function truncate(text: string, max: number): string {
  return max >= 0 && text.length > max ? text.slice(0, max) : text;
}
