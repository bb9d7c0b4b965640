import type { LogContext } from '../../contract/access-log.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { StreamInfo, UpstreamTiming } from '../../contract/stream-info.ts';
import { COMMAND_ONLY, PARAMS_OPTIONAL, PARAMS_REQUIRED } from './command.ts';
import type { Command, CommandTable } from './command.ts';
import { DateFormat } from './date-format.ts';
import { NumberOperator, TextOperator } from './operator.ts';
import type { NumberReader, Operator } from './operator.ts';

/** A point of monotonic time of a stream, NaN = did not happen. */
type TimePoint = (info: StreamInfo) => number;

function upstream(field: keyof UpstreamTiming): TimePoint {
  return (info) => info.upstream?.timing[field] ?? NaN;
}

const neverHappened: TimePoint = () => NaN;

/** When TCP was connected: behind TLS the connection is complete only with its handshake. */
const tcpConnected: TimePoint = (info) => info.upstream?.ssl?.handshakeStart ?? info.upstream?.timing.connectComplete ?? NaN;

/** Points that COMMON_DURATION knows by name. */
const TIME_POINTS: Readonly<Record<string, TimePoint>> = {
  DS_RX_BEG: (info) => info.startTime,
  DS_RX_END: (info) => info.lastDownstreamRxByte,
  US_CX_BEG: upstream('connectStart'),
  US_CX_END: tcpConnected,
  US_HS_END: (info) => info.upstream?.ssl?.handshakeComplete ?? NaN,
  US_TX_BEG: upstream('firstTxByteSent'),
  US_TX_END: upstream('lastTxByteSent'),
  US_RX_BEG: upstream('firstRxByteReceived'),
  US_RX_END: upstream('lastRxByteReceived'),
  DS_TX_BEG: (info) => info.firstDownstreamTxByte,
  DS_TX_END: (info) => info.lastDownstreamTxByte,
  DS_HS_BEG: (info) => info.downstreamSsl?.handshakeStart ?? NaN,
  DS_HS_END: (info) => info.downstreamSsl?.handshakeComplete ?? NaN,
};

const PRECISIONS: Readonly<Record<string, number>> = { ms: 1, us: 1_000, ns: 1_000_000 };

function duration(read: NumberReader): Command {
  return { syntax: COMMAND_ONLY, create: () => new NumberOperator(read) };
}

function commonDuration(parameter: string): Operator {
  const parts = parameter.split(':');
  if (parts.length < 2 || parts.length > 3) throw new ConfigError(`Invalid common duration configuration: ${parameter}.`);
  const precision = PRECISIONS[parts[2] ?? 'ms'];
  if (precision === undefined) throw new ConfigError(`Invalid common duration precision: ${parts[2]}.`);
  // Other names are keys that filters write; none is written yet, so they never happened.
  const begin = TIME_POINTS[parts[0]] ?? neverHappened;
  const end = TIME_POINTS[parts[1]] ?? neverHappened;
  return new NumberOperator((context) => {
    const elapsed = end(context.streamInfo) - begin(context.streamInfo);
    return elapsed >= 0 ? elapsed * precision : NaN;
  });
}

/** A strftime `n` would put a newline into a header. */
const NEWLINE = /%[-_0^#]*[1-9]*(?:E|O)?n/;

/** `wallMs` NaN = no value. */
export function timeOperator(format: string, local: boolean, wallMs: (context: LogContext) => number): Operator {
  if (NEWLINE.test(format)) throw new ConfigError('Invalid header configuration. Format string contains newline.');
  const compiled = new DateFormat(format, local);
  return new TextOperator((context) => {
    const time = wallMs(context);
    return time !== time ? null : compiled.format(time);
  });
}

function startWall(context: LogContext): number {
  return context.streamInfo.startTimeWall;
}

function emitWall(context: LogContext): number {
  return context.streamInfo.startTimeWall + (context.now - context.streamInfo.startTime);
}

function timeCommand(local: boolean, wallMs: (context: LogContext) => number): Command {
  return { syntax: PARAMS_OPTIONAL, create: (format) => timeOperator(format, local, wallMs) };
}

export const TIME_COMMANDS: CommandTable = {
  START_TIME: timeCommand(false, startWall),
  START_TIME_LOCAL: timeCommand(true, startWall),
  EMIT_TIME: timeCommand(false, emitWall),
  EMIT_TIME_LOCAL: timeCommand(true, emitWall),
  /** From the first byte to the end of the request, or to now while it lives. */
  DURATION: duration(({ streamInfo, now }) => {
    const end = streamInfo.requestComplete;
    return (end === end ? end : now) - streamInfo.startTime;
  }),
  REQUEST_DURATION: duration(({ streamInfo }) => streamInfo.lastDownstreamRxByte - streamInfo.startTime),
  REQUEST_TX_DURATION: duration(({ streamInfo }) => (streamInfo.upstream?.timing.lastTxByteSent ?? NaN) - streamInfo.startTime),
  RESPONSE_DURATION: duration(({ streamInfo }) => (streamInfo.upstream?.timing.firstRxByteReceived ?? NaN) - streamInfo.startTime),
  RESPONSE_TX_DURATION: duration(({ streamInfo }) =>
    streamInfo.lastDownstreamTxByte - (streamInfo.upstream?.timing.firstRxByteReceived ?? NaN)),
  /** Only QUIC knows its round trips. */
  ROUNDTRIP_DURATION: duration(() => NaN),
  UPSTREAM_CONNECTION_POOL_READY_DURATION: duration(({ streamInfo }) => {
    const timing = streamInfo.upstream?.timing;
    return timing === undefined ? NaN : timing.poolReady - timing.poolRequested;
  }),
  COMMON_DURATION: { syntax: PARAMS_REQUIRED, create: commonDuration },
};
