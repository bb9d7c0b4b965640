import type { ApiRegistry } from '../api/registry.ts';
import type { ExtensionLookup } from '../extension-lookup.ts';
import type { PathStep, Problem } from '../message/read-context.ts';

/** Something that a configuration should not use, without being wrong. */
export interface Warning {
  readonly path: readonly PathStep[];
  readonly kind: 'deprecated' | 'work-in-progress' | 'unknown-field';
  /** Envoy's words, as in its log. */
  readonly message: string;
}

/** The state of one validation run. */
export class CheckContext {
  readonly api: ApiRegistry;
  readonly problems: Problem[];
  readonly warnings: Warning[];
  /** Steps to the message being checked, by proto field names. Checks push and pop. */
  readonly path: PathStep[];
  /** Whether runtime allows a feature that is refused by default (`envoy.deprecated_features:` and a field's full name). */
  readonly allows: (feature: string) => boolean;
  /** Which extensions there are; null lets every type of the API pass. */
  readonly extensions: ExtensionLookup | null;
  /** How many `is_optional: true` enclose the current place: an extension that is not there is then no error. */
  optional: number;

  constructor(api: ApiRegistry, allows: (feature: string) => boolean, extensions: ExtensionLookup | null) {
    this.api = api;
    this.problems = [];
    this.warnings = [];
    this.path = [];
    this.allows = allows;
    this.extensions = extensions;
    this.optional = 0;
  }

  problem(why: string, hint = ''): void {
    this.problems.push({ path: this.path.slice(), why, hint });
  }

  warn(kind: Warning['kind'], message: string): void {
    this.warnings.push({ path: this.path.slice(), kind, message });
  }
}
