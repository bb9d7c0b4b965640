import { canonicalIp } from '../network/address.ts';

/**
 * As much DER (X.690) as the subject alternative names of a certificate need (RFC 5280 sections 4.1 and 4.2.1.6): Node's text of them hides the values
 * of other names, and escapes. The certificates have been accepted by OpenSSL; what does not read like DER all the same gives no names.
 */
export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
  readonly ip: readonly string[];
  readonly other: readonly string[];
}

interface Element {
  readonly tag: number;
  readonly value: Buffer;
}

const OID_SUBJECT_ALT_NAME = Buffer.from([0x55, 0x1d, 0x11]);
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const NULL = 0x05;
const OID = 0x06;
const ENUMERATED = 0x0a;
const BIT_STRING = 0x03;
const UTF_STRING = 0x0c;
/** OCTET, Printable, T61, IA5, Universal, UTF8, BMP, General, Visible, Numeric, time and graphic strings: their bytes as they are. */
const PLAIN_STRINGS = [0x04, UTF_STRING, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1e];
const EXTENSIONS = 0xa3;
const OTHER_NAME = 0xa0;
const EXPLICIT_0 = 0xa0;
const EMAIL = 0x81;
const DNS = 0x82;
const URI = 0x86;
const IP = 0x87;

export function readAlternativeNames(certificate: Buffer): AlternativeNames {
  const names = { dns: [] as string[], uri: [] as string[], email: [] as string[], ip: [] as string[], other: [] as string[] };
  for (const { tag, value } of elements(alternativeNamesOf(certificate))) {
    if (tag === DNS) names.dns.push(textOf(value));
    else if (tag === URI) names.uri.push(textOf(value));
    else if (tag === EMAIL) names.email.push(textOf(value));
    else if (tag === IP) names.ip.push(ipText(value));
    else if (tag === OTHER_NAME) names.other.push(otherName(value));
  }
  return names;
}

/** Contents of the GeneralNames, or nothing. */
function alternativeNamesOf(certificate: Buffer): Buffer {
  const tbs = elements(first(first(certificate)));
  const extensions = tbs.find((each) => each.tag === EXTENSIONS);
  if (extensions === undefined) return Buffer.alloc(0);
  for (const { value } of elements(first(extensions.value))) {
    const parts = elements(value);
    if (parts.length >= 2 && parts[0].value.equals(OID_SUBJECT_ALT_NAME)) return first(parts[parts.length - 1].value);
  }
  return Buffer.alloc(0);
}

/** The value of an other name, as Envoy writes it; empty for kinds that it does not write. */
function otherName(value: Buffer): string {
  const wrapped = elements(value).find((each) => each.tag === EXPLICIT_0);
  const [inner] = wrapped === undefined ? [] : elements(wrapped.value);
  if (inner === undefined || inner.tag === NULL) return '';
  if (inner.tag === BOOLEAN) return inner.value[0] === 0 ? 'false' : 'true';
  if (inner.tag === INTEGER || inner.tag === ENUMERATED) return signed(inner.value).toString();
  if (inner.tag === OID) return oidText(inner.value);
  if (inner.tag === BIT_STRING) return textOf(inner.value.subarray(1));
  return PLAIN_STRINGS.includes(inner.tag) ? textOf(inner.value) : '';
}

/** Four or sixteen bytes; others are no address. */
function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '';
  return canonicalIp(bytes.toString('hex').replace(/(.{4})(?=.)/g, '$1:')) ?? '';
}

/** A byte string. Its author is whoever asked for the certificate: control characters must not reach headers and logs as such. */
function textOf(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\x00-\x1f\x7f]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function signed(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

function oidText(bytes: Buffer): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of bytes) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (arcs.length > 0) arcs.push(arc);
    else {
      const top = arc < 80n ? arc / 40n : 2n;
      arcs.push(top, arc - top * 40n);
    }
    arc = 0n;
  }
  return arcs.join('.');
}

/** Contents of the first element. */
function first(bytes: Buffer): Buffer {
  return elements(bytes)[0]?.value ?? Buffer.alloc(0);
}

/** The elements one after the other; ends at the first that is none. Tags have one byte in certificates. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const tag = bytes[at];
    let length = bytes[at + 1];
    at += 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 4 || at + size > bytes.length) break;
      length = bytes.readUIntBE(at, size);
      at += size;
    }
    if (at + length > bytes.length) break;
    found.push({ tag, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}
