import type { ConfigError } from '../contract/errors.ts';
import { formatConfigErrors } from '../config/format-errors.ts';

/** The server cannot start: what `main` prints before it exits with 1. */
export class StartupError extends Error {
  /** Empty when it is not the configuration's fault. */
  readonly errors: readonly ConfigError[];

  constructor(message: string, errors: readonly ConfigError[] = []) {
    super(message);
    this.name = 'StartupError';
    this.errors = errors;
  }

  static ofConfig(errors: readonly ConfigError[]): StartupError {
    return new StartupError(formatConfigErrors(errors), errors);
  }
}
