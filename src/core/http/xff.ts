import { networkInterfaces } from 'node:os';
import type { Address } from '../../contract/address.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { canonicalIp, ipAddress } from '../network/address.ts';

/** What `x-forwarded-for` says about the client. */
export interface XffResult {
  /** Null when the header has no such entry or it is no address. */
  readonly address: Address | null;
  /** The header had exactly this one entry: the client may be internal. */
  readonly single: boolean;
}

const NOTHING: XffResult = { address: null, single: false };

/** The address `skip` entries from the right of `x-forwarded-for`. */
export function lastAddressFromXff(headers: HeaderMap, skip: number): XffResult {
  const value = headers.getJoined('x-forwarded-for');
  if (value === undefined) return NOTHING;
  let end = value.length;
  for (let i = 0; i < skip; i++) {
    end = value.lastIndexOf(',', end - 1);
    if (end < 0) return NOTHING;
    if (end === 0) return NOTHING;
  }
  const comma = value.lastIndexOf(',', end - 1);
  const entry = value.slice(comma + 1 < end ? comma + 1 : 0, end).trim();
  const ip = canonicalIp(entry);
  return ip === null ? NOTHING : { address: ipAddress(ip, 0), single: comma < 0 && skip === 0 };
}

/** Adds the peer to `x-forwarded-for`; a loopback peer counts as this machine. */
export function appendXff(headers: HeaderMap, peer: Address): void {
  if (peer.kind !== 'ip') return;
  headers.append('x-forwarded-for', isLoopback(peer) ? localIp() : peer.ip);
}

/** More entries than this are not looked at: few proxies stand in a row, and each costs time. */
const MAX_XFF_ENTRIES = 20;

/** The rightmost entry that is no trusted proxy, or the leftmost of all when every one is trusted. */
export function lastUntrustedFromXff(headers: HeaderMap, isTrusted: (ip: string) => boolean): XffResult {
  const entries = (headers.getJoined('x-forwarded-for') ?? '').split(',');
  if (entries.length > MAX_XFF_ENTRIES) return NOTHING;
  let last: XffResult = NOTHING;
  for (let i = entries.length - 1; i >= 0; i--) {
    const ip = canonicalIp(entries[i].trim());
    if (ip === null) return NOTHING;
    last = { address: ipAddress(ip, 0), single: entries.length === 1 };
    if (!isTrusted(ip)) return last;
  }
  return last;
}

/** RFC 1918 and RFC 4193 networks, and loopback. */
export function isPrivateAddress(address: Address): boolean {
  if (address.kind !== 'ip') return false;
  const ip = address.ip;
  if (address.family === 6) return ip === '::1' || /^f[cd]/.test(ip);
  if (ip === '127.0.0.1' || ip.startsWith('10.') || ip.startsWith('192.168.')) return true;
  if (!ip.startsWith('172.')) return false;
  const second = Number(ip.slice(4, ip.indexOf('.', 4)));
  return second >= 16 && second <= 31;
}

/** Adds this machine itself: for requests that the proxy makes on its own. */
export function appendLocalXff(headers: HeaderMap): void {
  headers.append('x-forwarded-for', localIp());
}

/** Exactly 127.0.0.1 or ::1, as Envoy. */
export function isLoopback(address: Address): boolean {
  return address.kind === 'ip' && (address.ip === '127.0.0.1' || address.ip === '::1');
}

let machineIp = '';

/** The machine's first IPv4 address that is not loopback, or 127.0.0.1. */
function localIp(): string {
  if (machineIp !== '') return machineIp;
  machineIp = '127.0.0.1';
  for (const addresses of Object.values(networkInterfaces())) {
    const found = addresses?.find((each) => each.family === 'IPv4' && !each.internal);
    if (found !== undefined) {
      machineIp = found.address;
      break;
    }
  }
  return machineIp;
}
