import { isIP, isIPv6 } from 'node:net';
import type { SocketAddress } from '#api/envoy/config/core/v3/address_pb.js';
import { quote } from '../message/json.ts';

/** Whether a text is an IP address as Envoy takes it: no names, no leading zeros, no brackets. An IPv6 zone is fine. */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** What is wrong with an address to listen on, or null. */
export function listenAddressFault(address: SocketAddress): { readonly why: string; readonly hint: string } | null {
  if (address.resolverName !== '') return null;
  if (address.portSpecifier.case === 'namedPort') {
    return { why: "IP resolver can't handle port specifier type 4", hint: 'write port_value with a number' };
  }
  if (!isIpAddress(address.address)) {
    const name = /[A-Za-z]/.test(address.address) && !address.address.includes(':');
    return { why: `malformed IP address: ${address.address}`, hint: name ? 'a listener takes an IP address: 0.0.0.0 for all of IPv4, 127.0.0.1 for this machine only' : '' };
  }
  if (address.ipv4Compat && !takesIpv4Compat(address.address)) {
    const shown = isIPv6(address.address) ? `[${address.address}]` : address.address;
    const port = address.portSpecifier.case === 'portValue' ? address.portSpecifier.value : 0;
    return { why: `Only IPv6 address '::' or valid IPv4-mapped IPv6 address can set ipv4_compat: ${shown}:${port}`, hint: '' };
  }
  return null;
}

function takesIpv4Compat(address: string): boolean {
  return isIPv6(address) && (/^[0:]+$/.test(address) || /^(0{0,4}:)*:?ffff:/i.test(address));
}

/** What is wrong with the address of a host in a cluster that resolves no names, or null. */
export function hostAddressFault(address: SocketAddress): { readonly why: string; readonly hint: string } | null {
  const advice = "Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'";
  if (address.resolverName !== '') {
    return { why: `Unknown address resolver: ${address.resolverName}. ${advice}`, hint: 'leave resolver_name out' };
  }
  if (isIpAddress(address.address)) return null;
  return { why: `malformed IP address: ${address.address}. ${advice}`, hint: `${quote(address.address)} is a name: set type: STRICT_DNS` };
}
