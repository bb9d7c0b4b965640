import { isIPv4, isIPv6 } from 'node:net';
import { ConfigError } from '../../contract/errors.ts';

/** A number of 32 bits for IPv4, or four of them for IPv6; null when the text is no address. A scope (`%eth0`) is not part of it. */
export function parseIp(text: string): Uint32Array | null {
  if (isIPv4(text)) return Uint32Array.of(ipv4Word(text));
  const percent = text.indexOf('%');
  const bare = percent < 0 ? text : text.slice(0, percent);
  return isIPv6(bare) ? ipv6Words(bare) : null;
}

function ipv4Word(text: string): number {
  const parts = text.split('.');
  return ((Number(parts[0]) << 24) | (Number(parts[1]) << 16) | (Number(parts[2]) << 8) | Number(parts[3])) >>> 0;
}

function ipv6Words(text: string): Uint32Array {
  let plain = text;
  const dot = text.indexOf('.');
  if (dot >= 0) {
    const colon = text.lastIndexOf(':');
    const word = ipv4Word(text.slice(colon + 1));
    plain = `${text.slice(0, colon + 1)}${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`;
  }
  const [head, tail] = plain.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? first : [...first, ...new Array<string>(8 - first.length - last.length).fill('0'), ...last];
  const words = new Uint32Array(4);
  for (let i = 0; i < 4; i++) words[i] = ((parseInt(groups[2 * i], 16) << 16) | parseInt(groups[2 * i + 1], 16)) >>> 0;
  return words;
}

/** The words with everything behind `bits` cleared. */
function masked(words: Uint32Array, bits: number): Uint32Array {
  return words.map((word, i) => {
    const here = Math.max(0, Math.min(32, bits - 32 * i));
    return here === 0 ? 0 : (word & (0xffff_ffff << (32 - here))) >>> 0;
  });
}

function ipText(words: Uint32Array): string {
  if (words.length === 1) return [24, 16, 8, 0].map((shift) => (words[0] >>> shift) & 0xff).join('.');
  const groups = [...words].flatMap((word) => [word >>> 16, word & 0xffff]);
  // RFC 5952 section 4.2: the longest run of zeros, at least two, is written `::`.
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** `10.1.2.3`, 24 → `10.1.2.0/24`; what is no IP address comes back as it is. Bits beyond the address's length are cut. */
export function maskAddress(ip: string, bits: number): string {
  const words = parseIp(ip);
  if (words === null) return ip;
  const length = Math.min(bits, words.length * 32);
  return `${ipText(masked(words, length))}/${length}`;
}

/** Networks, asked whether an address is in one of them. A binary trie for each family: a look-up costs a step per bit. */
export class CidrSet {
  private readonly v4 = new TrieNode();
  private readonly v6 = new TrieNode();
  private count = 0;

  /** Adds `prefix`/`bits`; ConfigError when it is no address. Bits are cut to the family's length, as Envoy does. */
  add(prefix: string, bits: number): void {
    const words = parseIp(prefix);
    if (words === null) throw new ConfigError(`malformed IP address: ${prefix}`, { path: 'address_prefix' });
    const length = Math.min(Math.max(bits, 0), words.length * 32);
    let node = words.length === 1 ? this.v4 : this.v6;
    for (let i = 0; i < length; i++) node = node.child(bitAt(words, i));
    node.isEnd = true;
    this.count++;
  }

  get size(): number {
    return this.count;
  }

  /** False for what is no IP address. */
  has(ip: string): boolean {
    if (this.count === 0) return false;
    const words = parseIp(ip);
    return words !== null && contains(words.length === 1 ? this.v4 : this.v6, words);
  }
}

class TrieNode {
  isEnd = false;
  zero: TrieNode | null = null;
  one: TrieNode | null = null;

  child(bit: number): TrieNode {
    if (bit === 0) return (this.zero ??= new TrieNode());
    return (this.one ??= new TrieNode());
  }
}

function bitAt(words: Uint32Array, index: number): number {
  return (words[index >>> 5] >>> (31 - (index & 31))) & 1;
}

function contains(root: TrieNode, words: Uint32Array): boolean {
  let node: TrieNode | null = root;
  for (let i = 0; i < words.length * 32; i++) {
    if (node.isEnd) return true;
    node = bitAt(words, i) === 0 ? node.zero : node.one;
    if (node === null) return false;
  }
  return node.isEnd;
}
