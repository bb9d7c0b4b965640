import { parseIp } from '../network/cidr.ts';
import { equalsIgnoreCase } from '../byte-string.ts';
import type { HeaderMap } from '../../contract/header-map.ts';

/**
 * Key in the filter state: the port (a number) that `strip_port_mode` took off the authority of a CONNECT request, whose target it belongs to.
 * The route puts it back.
 */
export const ORIGINAL_CONNECT_PORT = 'envoy.router.original_connect_port';

/** A request for a UDP tunnel (RFC 9298), which is an upgrade. */
export function isConnectUdp(headers: HeaderMap): boolean {
  const upgrade = headers.get('upgrade');
  return upgrade !== undefined && equalsIgnoreCase(upgrade, 'connect-udp');
}

const PREFIX = '/.well-known/masque/udp/';

/**
 * Host and port that a CONNECT-UDP request's path names: `/.well-known/masque/udp/{host}/{port}/`, the template that RFC 9298 section 2 gives as
 * default. Null when the path is not of this form.
 */
export function connectUdpTarget(path: string): string | null {
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c < 0x21 || c > 0x7e) return null;
  }
  if (!path.startsWith(PREFIX)) return null;
  const parts = path.split('/');
  if (parts.length !== 7 || parts[4] === '' || parts[5] === '' || parts[6] !== '') return null;
  const host = percentDecode(parts[4]);
  // A scope (`%25eth0`) is forbidden there, and what is left of a bad escape too.
  if (host.includes('%')) return null;
  return `${parseIp(host)?.length === 4 ? `[${host}]` : host}:${percentDecode(parts[5])}`;
}

/** Bytes, not UTF-8; an escape that is none stays. */
function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
