import { isIPv4, isIPv6 } from 'node:net';
import type { CidrRange as CidrRangeMessage } from '#api/envoy/config/core/v3/address_pb.js';
import { ConfigError } from '../../contract/errors.ts';
import { canonicalIp } from './address.ts';

/** A block of addresses, by its masked bytes. */
export class CidrRange {
  readonly text: string;
  readonly length: number;
  readonly family: 4 | 6;
  private readonly bytes: Uint8Array;

  constructor(ip: string, length: number) {
    const canonical = canonicalIp(ip);
    if (canonical === null) throw new ConfigError(`malformed IP address: ${ip}`);
    this.family = isIPv4(canonical) ? 4 : 6;
    this.length = Math.min(length, this.family === 4 ? 32 : 128);
    this.bytes = ipBytes(canonical);
    for (let bit = this.length; bit < this.bytes.length * 8; bit++) this.bytes[bit >> 3] &= ~(0x80 >> (bit & 7));
    this.text = `${this.bytes.join('.')}/${this.length}`;
  }

  static fromMessage(message: CidrRangeMessage): CidrRange {
    if (canonicalIp(message.addressPrefix) === null) {
      throw new ConfigError(`malformed IP address: ${message.addressPrefix}`, { path: 'address_prefix' });
    }
    return new CidrRange(message.addressPrefix, message.prefixLen ?? 0);
  }

  /** `bytes` as ipBytes gives them. */
  contains(bytes: Uint8Array): boolean {
    const own = this.bytes;
    if (bytes.length !== own.length) return false;
    const whole = this.length >> 3;
    for (let i = 0; i < whole; i++) if (bytes[i] !== own[i]) return false;
    const rest = this.length & 7;
    return rest === 0 || ((bytes[whole] ^ own[whole]) & (0xff << (8 - rest)) & 0xff) === 0;
  }
}

/** 4 or 16 bytes of an IP literal; empty for anything else. */
export function ipBytes(ip: string): Uint8Array {
  if (isIPv4(ip)) return Uint8Array.from(ip.split('.'), Number);
  if (!isIPv6(ip)) return new Uint8Array(0);
  const bytes = new Uint8Array(16);
  const scope = ip.indexOf('%');
  const [head, tail] = (scope < 0 ? ip : ip.slice(0, scope)).split('::');
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  left.forEach((word, i) => put(bytes, i, word));
  right.forEach((word, i) => put(bytes, 8 - right.length + i, word));
  return bytes;
}

function words(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [parseInt(part, 16)];
    const quad = part.split('.').map(Number);
    return [(quad[0] << 8) | quad[1], (quad[2] << 8) | quad[3]];
  });
}

function put(bytes: Uint8Array, word: number, value: number): void {
  bytes[word * 2] = value >> 8;
  bytes[word * 2 + 1] = value & 0xff;
}
