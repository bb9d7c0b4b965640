import type { X509Certificate } from 'node:crypto';
import { crypto } from '../../base/crypto.ts';
import { toByteString } from '../../common/byte-string.ts';
import type { CertificateInfo } from '../../contract/network.ts';
import type { AlternativeNames } from './der.ts';
import { readAlternativeNames } from './der.ts';

/** A certificate whose parts are computed when first read. */
export class ParsedCertificate implements CertificateInfo {
  readonly der: Buffer;
  private parsed: X509Certificate | null;
  private names: AlternativeNames | null;
  private readonly texts: Map<string, string>;

  constructor(der: Buffer, parsed: X509Certificate | null) {
    this.der = der;
    this.parsed = parsed;
    this.names = null;
    this.texts = new Map();
  }

  get x509(): X509Certificate {
    return (this.parsed ??= new (crypto().X509Certificate)(this.der));
  }

  get subject(): string {
    return this.text('subject', () => rfc2253(this.x509.subject));
  }

  get issuer(): string {
    return this.text('issuer', () => rfc2253(this.x509.issuer));
  }

  get serialNumber(): string {
    return this.text('serialNumber', () => this.x509.serialNumber.toLowerCase());
  }

  get validFrom(): number {
    return Date.parse(this.x509.validFrom);
  }

  get validTo(): number {
    return Date.parse(this.x509.validTo);
  }

  get sha256(): string {
    return this.text('sha256', () => this.digest('sha256'));
  }

  get sha1(): string {
    return this.text('sha1', () => this.digest('sha1'));
  }

  get pem(): string {
    return this.text('pem', () => pemOf(this.der));
  }

  get urlEncodedPem(): string {
    return this.text('urlEncodedPem', () => encodeURIComponent(this.pem));
  }

  get uriSans(): readonly string[] {
    return this.alternativeNames.uri;
  }

  get dnsSans(): readonly string[] {
    return this.alternativeNames.dns;
  }

  get ipSans(): readonly string[] {
    return this.alternativeNames.ip;
  }

  get emailSans(): readonly string[] {
    return this.alternativeNames.email;
  }

  get otherNameSans(): readonly string[] {
    return this.alternativeNames.other;
  }

  private get alternativeNames(): AlternativeNames {
    return (this.names ??= readAlternativeNames(this.der));
  }

  private digest(algorithm: string): string {
    return crypto().createHash(algorithm).update(this.der).digest('hex');
  }

  private text(key: string, make: () => string): string {
    let value = this.texts.get(key);
    if (value === undefined) {
      value = make();
      this.texts.set(key, value);
    }
    return value;
  }
}

const PEM_LINE = 64;

function pemOf(der: Buffer): string {
  const base64 = der.toString('base64');
  let out = '-----BEGIN CERTIFICATE-----\n';
  for (let at = 0; at < base64.length; at += PEM_LINE) out += `${base64.slice(at, at + PEM_LINE)}\n`;
  return `${out}-----END CERTIFICATE-----\n`;
}

/**
 * Node's text of a name (one line an RDN, first to last, parts of one joined by ` + `, the escapes of RFC 2253 but bytes above ASCII as they are) -> one
 * line of RFC 2253, last to first. A `+` or line end of a value is escaped, so both separators are certain.
 */
function rfc2253(lines: string | undefined): string {
  // Node has no text for a name without parts.
  if (lines === undefined || lines === '') return '';
  const parts = lines.split('\n').map((line) => line.replaceAll(' + ', '+')).reverse();
  return toByteString(parts.join(',')).replace(/[\x80-\xff]/g, (each) => `\\${each.charCodeAt(0).toString(16).toUpperCase()}`);
}
