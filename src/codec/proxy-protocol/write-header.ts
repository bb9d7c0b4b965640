import type { Address } from '../../contract/address.ts';

/** PROXY protocol, as the one who sends it (haproxy's proxy-protocol.txt, sections 2.1 and 2.2). */

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** Version 2, command LOCAL: the sender speaks for itself (health checks). */
const LOCAL_V2 = 0x20;
/** Version 2, command PROXY. */
const PROXY_V2 = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

/** The text form: `PROXY TCP4 1.2.3.4 5.6.7.8 1000 80`. Both addresses MUST be IP. */
export function proxyHeaderV1(source: Address, destination: Address): Buffer {
  const family = source.family === 6 ? 'TCP6' : 'TCP4';
  return Buffer.from(`PROXY ${family} ${source.ip} ${destination.ip} ${source.port} ${destination.port}\r\n`, 'latin1');
}

/** One TLV of the binary form (section 2.2); `type` is a byte, the value at most 65,535 of them. */
export interface ProxyTlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** What the length of a header can say. */
const MAX_LENGTH = 65_535;
const TLV_HEAD = 3;
const NO_TLVS: readonly ProxyTlv[] = [];

/** The binary form. Both addresses MUST be IP of the same family, and the TLVs MUST fit (`fittingTlvs`). */
export function proxyHeaderV2(source: Address, destination: Address, tlvs: readonly ProxyTlv[] = NO_TLVS): Buffer {
  const size = source.family === 6 ? 16 : 4;
  const length = 2 * size + 4 + tlvs.reduce((sum, tlv) => sum + TLV_HEAD + tlv.value.length, 0);
  const header = Buffer.alloc(16 + length);
  SIGNATURE.copy(header);
  header[12] = PROXY_V2;
  header[13] = source.family === 6 ? TCP_OVER_IPV6 : TCP_OVER_IPV4;
  header.writeUInt16BE(length, 14);
  header.set(ipBytes(source.ip), 16);
  header.set(ipBytes(destination.ip), 16 + size);
  header.writeUInt16BE(source.port, 16 + 2 * size);
  header.writeUInt16BE(destination.port, 18 + 2 * size);
  let at = 20 + 2 * size;
  for (const { type, value } of tlvs) {
    header[at] = type;
    header.writeUInt16BE(value.length, at + 1);
    header.set(value, at + TLV_HEAD);
    at += TLV_HEAD + value.length;
  }
  return header;
}

/** The binary form of a connection that the sender made for itself: no addresses, no TLVs. */
export function proxyLocalHeaderV2(): Buffer {
  const header = Buffer.alloc(16);
  SIGNATURE.copy(header);
  header[12] = LOCAL_V2;
  return header;
}

/** The TLVs, in order, without those with which a header of this family would be too long; the first of a type counts. */
export function fittingTlvs(tlvs: readonly ProxyTlv[], family: 4 | 6): ProxyTlv[] {
  let left = MAX_LENGTH - (family === 6 ? 36 : 12);
  const seen = new Set<number>();
  return tlvs.filter(({ type, value }) => {
    const size = TLV_HEAD + value.length;
    if (seen.has(type) || size > left) return false;
    seen.add(type);
    left -= size;
    return true;
  });
}

/** The 4 or 16 bytes of an address in text form; a scope (`%eth0`) is left out. */
function ipBytes(ip: string): Uint8Array {
  const bare = ip.split('%', 1)[0];
  if (!bare.includes(':')) return Uint8Array.from(bare.split('.'), Number);
  const dot = bare.lastIndexOf(':') + 1;
  const last = bare.slice(dot);
  // An IPv4 tail is the last two groups.
  const text = last.includes('.') ? bare.slice(0, dot) + groupsOfIPv4(last) : bare;
  const [before, after] = text.split('::', 2);
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  const bytes = new Uint8Array(16);
  groups.forEach((group, i) => {
    const value = parseInt(group, 16);
    bytes[2 * i] = value >> 8;
    bytes[2 * i + 1] = value & 0xff;
  });
  return bytes;
}

function groupsOfIPv4(ip: string): string {
  const [a, b, c, d] = ip.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
