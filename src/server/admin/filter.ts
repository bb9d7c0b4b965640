import { ConfigError } from '../../contract/errors.ts';
import { toByteString } from '../../common/byte-string.ts';
import { compileRegex } from '../../common/regex/regex.ts';

/** A `filter=` of a page: RE2, found anywhere in the name. `error` is what Envoy answers with 400. */
export interface NameFilter {
  readonly error: string | null;
  test(name: string): boolean;
}

const ALL: NameFilter = { error: null, test: () => true };
const NO_LIMIT = { maxProgramSize: Number.MAX_SAFE_INTEGER };

/** Null or empty = everything. `invert` turns the answer round. */
export function compileFilter(pattern: string | null, invert = false): NameFilter {
  if (pattern === null || pattern === '') return ALL;
  try {
    // First alone, so that an error speaks of what the user wrote.
    compileRegex(pattern, NO_LIMIT);
    const regex = compileRegex(`(?s:.*)(?:${pattern})(?s:.*)`, NO_LIMIT);
    return { error: null, test: (name) => regex.fullMatch(toByteString(name)) !== invert };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { error: `Invalid re2 regex: ${error.why}`, test: () => false };
  }
}
