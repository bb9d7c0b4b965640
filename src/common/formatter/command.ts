import { ConfigError } from '../../contract/errors.ts';
import type { Operator } from './operator.ts';

/** How a command may be written. */
export const COMMAND_ONLY = 0;
export const PARAMS_REQUIRED = 1;
export const PARAMS_OPTIONAL = 2;
export const LENGTH_ALLOWED = 4;

/** `parameter` is the text in parentheses (a byte string, empty when there is none); `maxLength` is -1 when not given. */
export type CommandFactory = (parameter: string, maxLength: number, command: string) => Operator;

export interface Command {
  readonly syntax: number;
  readonly create: CommandFactory;
}

export type CommandTable = Readonly<Record<string, Command>>;

/** A source of commands besides the built-in ones (formatter extensions); asked first. Null = not mine. */
export interface CommandParser {
  parse(command: string, parameter: string, maxLength: number): Operator | null;
}


/** Checks a use of a command against its syntax; ConfigError in Envoy's words. */
export function verifySyntax(syntax: number, command: string, parameter: string, maxLength: number): void {
  if (syntax === COMMAND_ONLY && (parameter !== '' || maxLength >= 0)) {
    throw new ConfigError(`${command} does not take any parameters or length`);
  }
  if ((syntax & PARAMS_REQUIRED) !== 0 && parameter === '') throw new ConfigError(`${command} requires parameters`);
  if ((syntax & LENGTH_ALLOWED) === 0 && maxLength >= 0) {
    throw new ConfigError(`${command} does not allow length to be specified.`);
  }
}
