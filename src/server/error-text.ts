import { formatConfigError, formatConfigErrors } from '../config/format-errors.ts';
import { ConfigError, ConfigErrors } from '../contract/errors.ts';

/** What an error of loading or listening says to a user; our own bugs keep their stack. */
export function configErrorText(error: unknown): string {
  if (error instanceof ConfigError) return formatConfigError(error);
  if (error instanceof ConfigErrors) return formatConfigErrors(error.errors);
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}
