import { ConfigError } from '../../contract/errors.ts';
import { toByteString } from '../byte-string.ts';
import { ABSENT_COMMANDS } from './absent-commands.ts';
import { ADDRESS_COMMANDS } from './address-commands.ts';
import { coalesceCommand } from './coalesce.ts';
import { verifySyntax } from './command.ts';
import type { CommandParser, CommandTable } from './command.ts';
import { HEADER_COMMANDS } from './header-commands.ts';
import { METADATA_COMMANDS } from './metadata-commands.ts';
import { Literal } from './operator.ts';
import type { Operator } from './operator.ts';
import { STREAM_COMMANDS } from './stream-commands.ts';
import { TIME_COMMANDS } from './time-commands.ts';
import { TLS_COMMANDS } from './tls-commands.ts';

const COMMANDS: CommandTable = {
  ...HEADER_COMMANDS, ...STREAM_COMMANDS, ...TIME_COMMANDS, ...ADDRESS_COMMANDS, ...METADATA_COMMANDS, ...TLS_COMMANDS, ...ABSENT_COMMANDS,
  COALESCE: coalesceCommand(builtInOperator),
};

/** Names of all commands that nuncio parses; for documentation and tests. */
export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** `%COMMAND(PARAMETER):LENGTH%`; a parameter ends at the first `)` that a length or `%` follows. */
const COMMAND = /%([A-Z0-9_]+)(?:\(([^\n]*?)\))?(?::([0-9]+))?%/y;

/** Compiles a format string. ConfigError in Envoy's words. */
export function parseFormat(format: string, parsers: readonly CommandParser[] = []): readonly Operator[] {
  const bytes = toByteString(format);
  const operators: Operator[] = [];
  let literal = '';
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== '%' || bytes[at + 1] === '%') {
      const next = bytes[at] === '%' ? at + 2 : literalEnd(bytes, at);
      literal += bytes[at] === '%' ? '%' : bytes.slice(at, next);
      at = next;
      continue;
    }
    if (literal !== '') operators.push(new Literal(literal));
    literal = '';
    COMMAND.lastIndex = at;
    const match = COMMAND.exec(bytes);
    if (match === null) {
      throw new ConfigError(`Incorrect configuration: ${format}. Couldn't find valid command at position ${at}`, {
        hint: 'write %COMMAND%, or %% for a percent sign',
      });
    }
    const maxLength = match[3] === undefined ? -1 : Number(match[3]);
    operators.push(operatorOf(match[1], match[2] ?? '', maxLength, parsers));
    at += match[0].length;
  }
  if (literal !== '' || bytes === '') operators.push(new Literal(literal));
  return operators;
}

function literalEnd(bytes: string, from: number): number {
  const percent = bytes.indexOf('%', from);
  return percent < 0 ? bytes.length : percent;
}

function operatorOf(command: string, parameter: string, maxLength: number, parsers: readonly CommandParser[]): Operator {
  for (const parser of parsers) {
    const operator = parser.parse(command, parameter, maxLength);
    if (operator !== null) return operator;
  }
  return builtInOperator(command, parameter, maxLength);
}

/** The operator of a built-in command; ConfigError when there is none. */
export function builtInOperator(name: string, parameter: string, maxLength: number): Operator {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new ConfigError(`Not supported field in StreamInfo: ${name}`);
  verifySyntax(command.syntax, name, parameter, maxLength);
  return command.create(parameter, maxLength, name);
}
