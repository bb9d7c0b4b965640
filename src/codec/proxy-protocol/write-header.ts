import type { Address } from '../../contract/address.ts';

/** PROXY protocol, as the one who sends it (haproxy's proxy-protocol.txt, sections 2.1 and 2.2). */

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** Version 2, command PROXY. */
const PROXY_V2 = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

/** The text form: `PROXY TCP4 1.2.3.4 5.6.7.8 1000 80`. Both addresses MUST be IP. */
export function proxyHeaderV1(source: Address, destination: Address): Buffer {
  const family = source.family === 6 ? 'TCP6' : 'TCP4';
  return Buffer.from(`PROXY ${family} ${source.ip} ${destination.ip} ${source.port} ${destination.port}\r\n`, 'latin1');
}

/** The binary form, without TLVs. Both addresses MUST be IP of the same family. */
export function proxyHeaderV2(source: Address, destination: Address): Buffer {
  const size = source.family === 6 ? 16 : 4;
  const header = Buffer.alloc(16 + 2 * size + 4);
  SIGNATURE.copy(header);
  header[12] = PROXY_V2;
  header[13] = source.family === 6 ? TCP_OVER_IPV6 : TCP_OVER_IPV4;
  header.writeUInt16BE(2 * size + 4, 14);
  header.set(ipBytes(source.ip), 16);
  header.set(ipBytes(destination.ip), 16 + size);
  header.writeUInt16BE(source.port, 16 + 2 * size);
  header.writeUInt16BE(destination.port, 18 + 2 * size);
  return header;
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
