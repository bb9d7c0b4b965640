import type { ApiRegistry } from '../api/registry.ts';

/** One step from the root of a text to a value: a key as the text spells it, or a list index. */
export type PathStep = string | number;

/** Something wrong with a configuration, before its place in the text is worked out. */
export interface Problem {
  readonly path: readonly PathStep[];
  readonly why: string;
  readonly hint: string;
}

/** A field or enum name that the API does not have. */
export interface UnknownField extends Problem {
  /** Envoy's words for the log line and the once-only set. */
  readonly description: string;
  /** The field that was meant, beside the wrong one; undefined when none is near. */
  readonly meant?: string | undefined;
}

/** What readers may not exceed, whatever the text says. */
export interface ReadLimits {
  /** Objects and lists within each other: as many as Envoy's reader takes. */
  readonly depth: number;
  /** Values in all; aliases count every time they are used. */
  readonly values: number;
}

export const DEFAULT_LIMITS: ReadLimits = { depth: 100, values: 5_000_000 };

/** The state of turning one value into one message. */
export class ReadContext {
  readonly api: ApiRegistry;
  readonly problems: Problem[];
  readonly unknown: UnknownField[];
  /** The steps to the value being read. Readers push and pop. */
  readonly path: PathStep[];
  /** Set when a number of the text does not fit a double, so that only a parse that keeps integers can tell its value. */
  inexact: boolean;
  private readonly limits: ReadLimits;
  private left: number;
  private overflowed: boolean;

  constructor(api: ApiRegistry, limits: ReadLimits = DEFAULT_LIMITS) {
    this.api = api;
    this.problems = [];
    this.unknown = [];
    this.path = [];
    this.inexact = false;
    this.limits = limits;
    this.left = limits.values;
    this.overflowed = false;
  }

  /** Takes note of an error at the current path. */
  problem(why: string, hint = ''): void {
    this.problems.push({ path: this.path.slice(), why, hint });
  }

  /** Takes note of a name that the API lacks: an error or a warning, as the caller's policy says. */
  unknownField(why: string, hint: string, description: string, meant?: string): void {
    this.unknown.push({ path: this.path.slice(), why, hint, description, meant });
  }

  /** Counts a list or an object being entered; false (with an error) when a limit is passed. */
  enter(values: number): boolean {
    this.left -= values + 1;
    if (this.left < 0) return this.overflow(`the configuration holds more than ${this.limits.values} values (aliases count each time)`);
    if (this.path.length >= this.limits.depth) return this.overflow(`nested more than ${this.limits.depth} levels deep`);
    return true;
  }

  private overflow(why: string): false {
    // Said once: every value after it would say the same.
    if (!this.overflowed) this.problem(why);
    this.overflowed = true;
    return false;
  }
}
