import type { Address } from '../../contract/address.ts';
import type { LogContext } from '../../contract/access-log.ts';
import { parseInteger } from '../byte-string.ts';
import { maskAddress } from '../network/cidr.ts';
import { COMMAND_ONLY, PARAMS_OPTIONAL } from './command.ts';
import type { Command, CommandTable } from './command.ts';
import { NumberOperator, TextOperator } from './operator.ts';

type AddressReader = (context: LogContext) => Address | null;

function withPort(read: AddressReader): Command {
  return { syntax: COMMAND_ONLY, create: () => new TextOperator((context) => read(context)?.text ?? null) };
}

/** `…_WITHOUT_PORT(24)`: the network of that prefix length, as `10.1.2.0/24`. */
function maskable(read: AddressReader): Command {
  return {
    syntax: PARAMS_OPTIONAL,
    create: (parameter) => {
      const bits = parseInteger(parameter);
      // As Envoy: what is no prefix length is not there.
      if (bits === null || bits < 0) return new TextOperator((context) => read(context)?.ip ?? null);
      return new TextOperator((context) => {
        const address = read(context);
        return address === null ? null : maskAddress(address.ip, bits);
      });
    },
  };
}

function justPort(read: AddressReader): Command {
  return {
    syntax: COMMAND_ONLY,
    create: () => new NumberOperator((context) => {
      const address = read(context);
      return address === null || address.kind !== 'ip' ? NaN : address.port;
    }),
  };
}

/** Only internal addresses have an endpoint id; there are none yet. */
function endpointId(read: AddressReader): Command {
  return { syntax: COMMAND_ONLY, create: () => new TextOperator((context) => (read(context) === null ? null : '')) };
}

const upstreamHost: AddressReader = (context) => context.streamInfo.upstream?.host?.address ?? null;
const upstreamLocal: AddressReader = (context) => context.streamInfo.upstream?.localAddress ?? null;
const upstreamRemote: AddressReader = (context) => context.streamInfo.upstream?.remoteAddress ?? null;
const remote: AddressReader = (context) => context.streamInfo.downstreamRemoteAddress;
const directRemote: AddressReader = (context) => context.streamInfo.downstreamDirectRemoteAddress;
const local: AddressReader = (context) => context.streamInfo.downstreamLocalAddress;
const directLocal: AddressReader = (context) => context.streamInfo.downstreamDirectLocalAddress;

export const ADDRESS_COMMANDS: CommandTable = {
  UPSTREAM_HOST: withPort(upstreamHost),
  UPSTREAM_LOCAL_ADDRESS: withPort(upstreamLocal),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: maskable(upstreamLocal),
  UPSTREAM_LOCAL_PORT: justPort(upstreamLocal),
  UPSTREAM_REMOTE_ADDRESS: withPort(upstreamRemote),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: maskable(upstreamRemote),
  UPSTREAM_REMOTE_PORT: justPort(upstreamRemote),
  DOWNSTREAM_REMOTE_ADDRESS: withPort(remote),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: maskable(remote),
  DOWNSTREAM_REMOTE_PORT: justPort(remote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: withPort(directRemote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: maskable(directRemote),
  DOWNSTREAM_DIRECT_REMOTE_PORT: justPort(directRemote),
  DOWNSTREAM_LOCAL_ADDRESS: withPort(local),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: maskable(local),
  DOWNSTREAM_LOCAL_PORT: justPort(local),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS: withPort(directLocal),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT: maskable(directLocal),
  DOWNSTREAM_DIRECT_LOCAL_PORT: justPort(directLocal),
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: endpointId(local),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: endpointId(directLocal),
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID: endpointId(upstreamRemote),
};
