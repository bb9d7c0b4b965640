import { notYet } from '../not-yet.ts';
import { COMMAND_ONLY, LENGTH_ALLOWED, PARAMS_OPTIONAL } from './command.ts';
import type { Command, CommandTable } from './command.ts';
import { TextOperator } from './operator.ts';

/**
 * Commands that have no value on the connections that nuncio makes today (no TLS, no QUIC, no tracer): Envoy prints `-` or null for them
 * on such connections too. They get their values with the features.
 */
const NO_VALUE: readonly string[] = [
  'DOWNSTREAM_TLS_SESSION_ID', 'DOWNSTREAM_TLS_CIPHER', 'DOWNSTREAM_TLS_VERSION',
  'DOWNSTREAM_TLS_GROUP', 'DOWNSTREAM_PEER_URI_SAN', 'DOWNSTREAM_PEER_DNS_SAN', 'DOWNSTREAM_PEER_IP_SAN', 'DOWNSTREAM_PEER_EMAIL_SAN',
  'DOWNSTREAM_PEER_OTHERNAME_SAN', 'DOWNSTREAM_LOCAL_URI_SAN', 'DOWNSTREAM_LOCAL_DNS_SAN', 'DOWNSTREAM_LOCAL_IP_SAN',
  'DOWNSTREAM_LOCAL_EMAIL_SAN', 'DOWNSTREAM_LOCAL_OTHERNAME_SAN', 'DOWNSTREAM_PEER_SUBJECT', 'DOWNSTREAM_LOCAL_SUBJECT',
  'DOWNSTREAM_PEER_FINGERPRINT_256', 'DOWNSTREAM_PEER_FINGERPRINT_1', 'DOWNSTREAM_PEER_SERIAL',
  'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256', 'DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1', 'DOWNSTREAM_PEER_CHAIN_SERIALS',
  'DOWNSTREAM_PEER_ISSUER', 'DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256', 'DOWNSTREAM_PEER_ISSUER_SERIAL', 'DOWNSTREAM_PEER_CERT',
  'UPSTREAM_TLS_SESSION_ID', 'UPSTREAM_TLS_CIPHER', 'UPSTREAM_TLS_VERSION', 'UPSTREAM_TLS_GROUP', 'UPSTREAM_PEER_SUBJECT',
  'UPSTREAM_PEER_ISSUER', 'UPSTREAM_PEER_CERT', 'UPSTREAM_PEER_URI_SAN', 'UPSTREAM_PEER_DNS_SAN', 'UPSTREAM_PEER_IP_SAN',
  'UPSTREAM_LOCAL_URI_SAN', 'UPSTREAM_LOCAL_DNS_SAN', 'UPSTREAM_LOCAL_IP_SAN', 'UPSTREAM_SERVER_NAME', 'TRACE_ID', 'SPAN_ID',
];

/** The same, but with a time format as parameter. */
const NO_TIME: readonly string[] = [
  'DOWNSTREAM_PEER_CERT_V_START', 'DOWNSTREAM_PEER_CERT_V_END', 'UPSTREAM_PEER_CERT_V_START', 'UPSTREAM_PEER_CERT_V_END',
];

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
  ...NO_TIME.map((name): [string, Command] => [name, noValue(PARAMS_OPTIONAL)]),
  ...NOT_YET.map((name): [string, Command] => [name, refused]),
]);
