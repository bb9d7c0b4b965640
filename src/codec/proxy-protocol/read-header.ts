import { isIPv4, isIPv6 } from 'node:net';
import { latin1 } from '../../base/latin1.ts';

/**
 * PROXY protocol, as the one who receives it (haproxy's proxy-protocol.txt, sections 2.1 and 2.2); as lenient and as strict as Envoy. Pure: it is
 * given all bytes so far, from the first, and keeps nothing.
 */

export interface ProxyEndpoint {
  /** As it was written (version 1) or in plain groups (version 2): not canonical. */
  readonly ip: string;
  readonly port: number;
}

export interface ProxyHeader {
  readonly version: 1 | 2;
  /** Bytes of the header with everything that belongs to it. */
  readonly length: number;
  /** Null = the connection speaks for itself (`UNKNOWN`, `LOCAL`): its own addresses count. */
  readonly source: ProxyEndpoint | null;
  readonly destination: ProxyEndpoint | null;
  /** The extensions behind the addresses, a view of the input; see `readTlvs`. */
  readonly tlvs: Buffer;
}

/** 0 = it was not told which. */
export type ProxyVersion = 0 | 1 | 2;

export type ProxyHeaderResult =
  /** More bytes are needed, `need` in all where that is known, else 0. */
  | { readonly outcome: 'incomplete'; readonly need: number }
  | { readonly outcome: 'invalid'; readonly version: ProxyVersion }
  /** A version that is not allowed. */
  | { readonly outcome: 'disallowed'; readonly version: 1 | 2 }
  /** No PROXY header, where it may be missing: all bytes belong to the connection. */
  | { readonly outcome: 'absent' }
  | { readonly outcome: 'header'; readonly header: ProxyHeader };

export interface ProxyHeaderRules {
  readonly allowV1: boolean;
  readonly allowV2: boolean;
  /** Connections without a header are let through. */
  readonly optional: boolean;
}

const SIGNATURE_V2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const SIGNATURE_V1 = Buffer.from('PROXY ', 'latin1');
const HEADER_V2 = 16;
/** Bytes of a line of version 1, as Envoy counts them (the specification says 107). */
const MAX_LINE = 108;
/** What a reader should be ready to take at first: version 2 with the longest addresses (unix sockets). */
export const PROXY_INITIAL_BYTES: number = HEADER_V2 + 216;

const COMMAND_LOCAL = 0;
const COMMAND_PROXY = 1;
const FAMILY_INET = 1;
const FAMILY_INET6 = 2;
const TRANSPORT_STREAM = 1;
const TRANSPORT_DATAGRAM = 2;
const NO_TLVS = Buffer.alloc(0);
const CR = 13;
const LF = 10;

export function readProxyHeader(bytes: Buffer, rules: ProxyHeaderRules): ProxyHeaderResult {
  if (rules.optional) {
    const maybe = (rules.allowV2 && agrees(bytes, SIGNATURE_V2)) || (rules.allowV1 && agrees(bytes, SIGNATURE_V1));
    if (!maybe) return { outcome: 'absent' };
  }
  if (bytes.length >= HEADER_V2) {
    if (agrees(bytes, SIGNATURE_V2)) return rules.allowV2 ? readV2(bytes) : { outcome: 'disallowed', version: 2 };
    if (!agrees(bytes, SIGNATURE_V1)) return { outcome: 'invalid', version: 0 };
  }
  return readV1(bytes, rules);
}

/** Whether `bytes` begin like `signature`, as far as they go. */
function agrees(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}

function readV1(bytes: Buffer, rules: ProxyHeaderRules): ProxyHeaderResult {
  let end = 1;
  while (end < bytes.length && !(bytes[end] === LF && bytes[end - 1] === CR)) end++;
  if (end >= bytes.length) return end > MAX_LINE ? { outcome: 'invalid', version: 0 } : { outcome: 'incomplete', need: 0 };
  // CRLF alone is how version 2 begins.
  if (end === 1) return { outcome: 'incomplete', need: 0 };
  const length = end + 1;
  if (length > MAX_LINE) return { outcome: 'invalid', version: 1 };
  if (!rules.allowV1) return { outcome: 'disallowed', version: 1 };
  const header = parseLine(latin1(bytes, 0, length).replace(/[\t-\r ]+$/, '').split(' '), length);
  return header === null ? { outcome: 'invalid', version: 1 } : { outcome: 'header', header };
}

/** Null = malformed. */
function parseLine(words: readonly string[], length: number): ProxyHeader | null {
  if (words.length < 2 || words[0] !== 'PROXY') return null;
  if (words[1] === 'UNKNOWN') return { version: 1, length, source: null, destination: null, tlvs: NO_TLVS };
  if (words.length !== 6 || (words[1] !== 'TCP4' && words[1] !== 'TCP6')) return null;
  const isAddress = words[1] === 'TCP4' ? isIPv4 : isPlainIPv6;
  const source = endpoint(words[2], words[4], isAddress);
  const destination = endpoint(words[3], words[5], isAddress);
  return source === null || destination === null ? null : { version: 1, length, source, destination, tlvs: NO_TLVS };
}

function endpoint(ip: string, port: string, isAddress: (ip: string) => boolean): ProxyEndpoint | null {
  if (!isAddress(ip) || !/^\+?[0-9]{1,20}$/.test(port)) return null;
  const number = Number(port);
  return number <= 65_535 ? { ip, port: number } : null;
}

function isPlainIPv6(ip: string): boolean {
  return isIPv6(ip) && !ip.includes('%');
}

function readV2(bytes: Buffer): ProxyHeaderResult {
  const command = bytes[12] & 0x0f;
  const addressLength = command === COMMAND_LOCAL ? 0 : lengthOfAddresses(bytes[13] >> 4);
  const length = HEADER_V2 + bytes.readUInt16BE(14);
  if (bytes[12] >> 4 !== 2 || addressLength < 0 || length < HEADER_V2 + addressLength) return { outcome: 'invalid', version: 2 };
  if (bytes.length < HEADER_V2 + addressLength) return { outcome: 'incomplete', need: length };
  const transport = bytes[13] & 0x0f;
  if (command !== COMMAND_LOCAL && (command !== COMMAND_PROXY || (transport !== TRANSPORT_STREAM && transport !== TRANSPORT_DATAGRAM))) {
    return { outcome: 'invalid', version: 2 };
  }
  if (bytes.length < length) return { outcome: 'incomplete', need: length };
  if (command === COMMAND_LOCAL) return { outcome: 'header', header: { version: 2, length, source: null, destination: null, tlvs: NO_TLVS } };
  const size = (addressLength - 4) / 2;
  const ports = HEADER_V2 + 2 * size;
  return {
    outcome: 'header',
    header: {
      version: 2,
      length,
      source: { ip: ipText(bytes, HEADER_V2, size), port: bytes.readUInt16BE(ports) },
      destination: { ip: ipText(bytes, HEADER_V2 + size, size), port: bytes.readUInt16BE(ports + 2) },
      tlvs: bytes.subarray(HEADER_V2 + addressLength, length),
    },
  };
}

/** Bytes of both addresses and ports; -1 for a family that is not IP. */
function lengthOfAddresses(family: number): number {
  if (family === FAMILY_INET) return 12;
  return family === FAMILY_INET6 ? 36 : -1;
}

function ipText(bytes: Buffer, at: number, size: number): string {
  if (size === 4) return bytes.subarray(at, at + 4).join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(at + i).toString(16));
  return groups.join(':');
}

/** One extension of version 2 (section 2.2). */
export interface Tlv {
  readonly type: number;
  /** A view of the input. */
  readonly value: Buffer;
}

/** Null when a length goes beyond the end. */
export function readTlvs(bytes: Buffer): Tlv[] | null {
  const tlvs: Tlv[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 3 > bytes.length) return null;
    const end = at + 3 + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) return null;
    tlvs.push({ type: bytes[at], value: bytes.subarray(at + 3, end) });
    at = end;
  }
  return tlvs;
}
