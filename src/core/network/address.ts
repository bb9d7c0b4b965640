import type { Address as AddressMessage } from '#api/envoy/config/core/v3/address_pb.js';
import type { Address } from '../../contract/address.ts';
import { AddressImpl, canonicalIp, ipAddress } from '../../common/network/ip-address.ts';
import { notYet } from '../../common/not-yet.ts';
import { ConfigError } from '../../contract/errors.ts';

export { canonicalIp, ipAddress };

/** A unix socket; abstract ones start with `@` in configuration and print, with NUL on the wire. */
export function pipeAddress(path: string): Address {
  return new AddressImpl('pipe', path, path, 0, 0);
}

/** `envoy://name/id`: an internal listener. */
export function internalAddress(name: string, endpointId: string): Address {
  return new AddressImpl('internal', `envoy://${name}/${endpointId}`, name, 0, 0);
}

/** What a peer without a name has (an unnamed unix socket). */
export const UNNAMED_PIPE: Address = pipeAddress('');

/** The path as the kernel wants it. */
export function systemPath(address: Address): string {
  return address.ip.startsWith('@') ? `\0${address.ip.slice(1)}` : address.ip;
}

/** A resolved address: IP and port, or pipe. Host names are a ConfigError as in Envoy. `path` is where the message stands. */
export function resolveAddressMessage(message: AddressMessage | undefined, path: string): Address {
  const kind = message?.address;
  if (kind?.case === 'socketAddress') {
    const socket = kind.value;
    if (socket.resolverName !== '') {
      throw notYet('envoy.config.core.v3.SocketAddress.resolver_name', `${path}.socket_address.resolver_name`);
    }
    if (socket.networkNamespaceFilepath !== '') {
      throw notYet('envoy.config.core.v3.SocketAddress.network_namespace_filepath', `${path}.socket_address.network_namespace_filepath`);
    }
    if (socket.portSpecifier.case === 'namedPort') {
      throw new ConfigError(`IP resolver can't handle port specifier type ${3}`, { path: `${path}.socket_address.named_port`, hint: 'use port_value' });
    }
    const ip = canonicalIp(socket.address);
    if (ip === null) {
      throw new ConfigError(`malformed IP address: ${socket.address}. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'`, {
        path: `${path}.socket_address.address`,
        hint: 'use an IP address here, or type: STRICT_DNS for host names in a cluster',
      });
    }
    return ipAddress(ip, socket.portSpecifier.value ?? 0);
  }
  if (kind?.case === 'pipe') {
    if (kind.value.path.length > MAX_PIPE_PATH) {
      throw new ConfigError(`Path "${kind.value.path}" exceeds maximum UNIX domain socket path size of ${MAX_PIPE_PATH}.`, { path: `${path}.pipe.path` });
    }
    return pipeAddress(kind.value.path);
  }
  if (kind?.case === 'envoyInternalAddress') {
    throw new ConfigError('internal addresses are known to Envoy, not in nuncio yet', { path: `${path}.envoy_internal_address` });
  }
  throw new ConfigError('address is required', { path });
}

/** sizeof(sockaddr_un.sun_path) on Linux. */
const MAX_PIPE_PATH = 108;
