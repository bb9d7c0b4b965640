import { isIPv4, isIPv6 } from 'node:net';
import type { Address } from '../../contract/address.ts';

export class AddressImpl implements Address {
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
