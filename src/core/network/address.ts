import { isIPv4, isIPv6 } from 'node:net';
import type { Address as AddressMessage } from '#api/envoy/config/core/v3/address_pb.js';
import type { Address } from '../../contract/address.ts';
import { notYet } from '../../common/not-yet.ts';
import { ConfigError } from '../../contract/errors.ts';

class AddressImpl implements Address {
  readonly kind: 'ip' | 'pipe' | 'internal';
  readonly text: string;
  readonly ip: string;
  readonly port: number;
  readonly family: 0 | 4 | 6;

  constructor(kind: 'ip' | 'pipe' | 'internal', text: string, ip: string, port: number, family: 0 | 4 | 6) {
    this.kind = kind;
    this.text = text;
    this.ip = ip;
    this.port = port;
    this.family = family;
  }
}

/** An IP address already known to be one. IPv4 inside IPv6 (`::ffff:1.2.3.4`) stays as the kernel gives it. */
export function ipAddress(ip: string, port: number): Address {
  if (ip.indexOf(':') >= 0) return new AddressImpl('ip', `[${ip}]:${port}`, ip, port, 6);
  return new AddressImpl('ip', `${ip}:${port}`, ip, port, 4);
}

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

/** IPv6 in its shortest form (RFC 5952), IPv4 as it is; null when `text` is no IP address. */
export function canonicalIp(text: string): string | null {
  if (isIPv4(text)) return text;
  if (!isIPv6(text)) return null;
  const scope = text.indexOf('%');
  const bare = scope < 0 ? text : text.slice(0, scope);
  const host = new URL(`http://[${bare}]/`).hostname;
  return dottedMapped(host.slice(1, -1)) + (scope < 0 ? '' : text.slice(scope));
}

/** URL prints `::ffff:102:304`; inet_ntop, and so Envoy, `::ffff:1.2.3.4`. */
function dottedMapped(ip: string): string {
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(ip);
  if (match === null) return ip;
  const high = parseInt(match[1], 16);
  const low = parseInt(match[2], 16);
  return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
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
