import { crypto } from '../../../../base/crypto.ts';
import type { ClientHello } from '../../../../codec/client-hello/client-hello.ts';

/** Fingerprints of TLS clients, in the variants that Envoy computes. */

const EXT_SERVER_NAME = 0;
const EXT_ALPN = 16;
const NO_HASH = '000000000000';
const VERSION_NAMES: ReadonlyMap<number, string> = new Map([[0x0304, '13'], [0x0303, '12'], [0x0302, '11'], [0x0301, '10']]);

/** Values that clients send at random, to keep servers tolerant (RFC 8701). */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

function withoutGrease(values: readonly number[]): number[] {
  return values.filter((each) => !isGrease(each));
}

/** JA3 (salesforce/ja3): the MD5 in hex. Envoy leaves GREASE in the list of groups, and so do we. */
export function ja3(hello: ClientHello): string {
  const lists = [withoutGrease(hello.cipherSuites), withoutGrease(hello.extensions), hello.groups, hello.pointFormats];
  return crypto().hash('md5', [hello.legacyVersion, ...lists.map((each) => each.join('-'))].join(','), 'hex');
}

/** JA4 (FoxIO-LLC/ja4) of a client over TCP. */
export function ja4(hello: ClientHello): string {
  const ciphers = withoutGrease(hello.cipherSuites);
  const extensions = withoutGrease(hello.extensions);
  const name = hello.extensions.includes(EXT_SERVER_NAME) ? 'd' : 'i';
  const head = `t${version(hello)}${name}${count(ciphers)}${count(extensions)}${alpnEnds(hello.alpn)}`;
  return `${head}_${hash(hexList(ciphers))}_${extensionHash(hello, extensions)}`;
}

function version(hello: ClientHello): string {
  const highest = Math.max(0, ...withoutGrease(hello.versions));
  return VERSION_NAMES.get(highest === 0 ? hello.legacyVersion : highest) ?? '00';
}

function count(values: readonly number[]): string {
  return String(Math.min(values.length, 99)).padStart(2, '0');
}

/** First and last character of the first protocol; where either is not alphanumeric, of its hex form. */
function alpnEnds(alpn: readonly string[]): string {
  const first = alpn[0] ?? '';
  if (first === '') return '00';
  const ends = first[0] + first[first.length - 1];
  if (/^[0-9A-Za-z]{2}$/.test(ends)) return ends;
  const digits = Buffer.from(ends, 'latin1').toString('hex');
  return digits[0] + digits[3];
}

function extensionHash(hello: ClientHello, extensions: readonly number[]): string {
  const listed = hexList(extensions.filter((each) => each !== EXT_SERVER_NAME && each !== EXT_ALPN));
  if (listed === '') return NO_HASH;
  const algorithms = hello.signatureAlgorithms.map(hex).join(',');
  return hash(algorithms === '' ? listed : `${listed}_${algorithms}`);
}

function hexList(values: readonly number[]): string {
  return values.toSorted((a, b) => a - b).map(hex).join(',');
}

function hex(value: number): string {
  return value.toString(16).padStart(4, '0');
}

/** The first twelve digits of SHA-256. */
function hash(text: string): string {
  return text === '' ? NO_HASH : crypto().hash('sha256', text, 'hex').slice(0, NO_HASH.length);
}
