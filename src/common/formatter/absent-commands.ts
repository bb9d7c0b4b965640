import { notYet } from '../not-yet.ts';
import { COMMAND_ONLY, LENGTH_ALLOWED, PARAMS_OPTIONAL } from './command.ts';
import type { Command, CommandTable } from './command.ts';
import { TextOperator } from './operator.ts';

/** Commands that have no value, since nothing traces yet: Envoy prints `-` or null for them without a tracer too. */
const NO_VALUE: readonly string[] = ['TRACE_ID', 'SPAN_ID'];

/** Commands whose value nuncio cannot tell: refused at load. */
const NOT_YET: readonly string[] = [
  'DOWNSTREAM_DETECTED_CLOSE_TYPE', 'UPSTREAM_DETECTED_CLOSE_TYPE', 'DOWNSTREAM_LOCAL_CLOSE_REASON', 'UPSTREAM_LOCAL_CLOSE_REASON',
  'UPSTREAM_CONNECTION_IDS_ATTEMPTED', 'DOWNSTREAM_CX_RTT', 'ROUTE_RESOLUTION_TIME_US', 'ROUTE_RESOLUTION_COUNT', 'CEL', 'TYPED_CEL',
  'XFCC_VALUE', 'DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED', 'UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED',
];

function noValue(syntax: number): Command {
  return { syntax, create: () => new TextOperator(() => null) };
}

const refused: Command = {
  syntax: PARAMS_OPTIONAL | LENGTH_ALLOWED,
  create: (_parameter, _maxLength, command) => {
    throw notYet(`access log operator %${command}%`);
  },
};

export const ABSENT_COMMANDS: CommandTable = Object.fromEntries([
  ...NO_VALUE.map((name): [string, Command] => [name, noValue(COMMAND_ONLY)]),
  ...NOT_YET.map((name): [string, Command] => [name, refused]),
]);
