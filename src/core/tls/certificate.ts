import type { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import type { TlsCertificate } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import { crypto } from '../../base/crypto.ts';
import { readDataSourceBytes } from '../../common/data-source.ts';
import { refuseFields } from '../../common/not-yet.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { ParsedCertificate } from './certificate-info.ts';

/** A certificate with its key, ready for a context. */
export interface OwnCertificate {
  /** Options of tls.createSecureContext that bring it in. */
  readonly material: { readonly cert: Buffer; readonly key: Buffer; readonly passphrase?: string } | { readonly pfx: Buffer; readonly passphrase?: string };
  /** Names that a client may ask for: DNS names of the subject alternative names, else the common name; lower case, `.example.com` for a wildcard. */
  readonly names: readonly string[];
  readonly info: ParsedCertificate;
  /** Of its gauge; `path`: the file, or `<inline>`. */
  readonly statName: string;
  readonly path: string;
  /** Group number of an ECDSA key as clients name it (RFC 8422), or 0 for RSA. */
  readonly group: number;
}

const ALLOW_EMPTY = { allowEmpty: true };
/** OpenSSL's curve names -> numbers of TLS groups. */
const GROUPS: ReadonlyMap<string, number> = new Map([['prime256v1', 23], ['secp384r1', 24], ['secp521r1', 25]]);
const MIN_RSA_BITS = 2_048;

/** Reads a TlsCertificate message. Throws ConfigError in Envoy's words. */
export function readCertificate(message: TlsCertificate, statName: string): OwnCertificate {
  refuseFields(message, 'TlsCertificate', {
    watchedDirectory: 'watched_directory',
    privateKeyProvider: 'private_key_provider',
    ocspStaple: 'ocsp_staple',
    signedCertificateTimestamp: 'signed_certificate_timestamp',
    tlsParams: 'tls_params',
  });
  const passphrase = read(message.password, 'password').toString('utf8');
  const secret = passphrase === '' ? {} : { passphrase };
  if (message.pkcs12 !== undefined) return readPkcs12(message, passphrase, statName);
  const from = pathOf(message.certificateChain);
  const cert = read(message.certificateChain, 'certificate_chain');
  const key = read(message.privateKey, 'private_key');
  if (cert.length === 0) throw new ConfigError('Failed to load incomplete certificate from : certificate chain not set', { path: 'certificate_chain' });
  if (key.length === 0) throw new ConfigError('Failed to load incomplete private key from path: ', { path: 'private_key' });
  const leaf = parseLeaf(cert, from);
  checkPair(leaf, key, passphrase, pathOf(message.privateKey));
  return { material: { cert, key, ...secret }, names: namesOf(leaf), info: new ParsedCertificate(leaf.raw, leaf), statName, path: from, group: groupOf(leaf, from) };
}

/** Certificate, key and chain in one. */
function readPkcs12(message: TlsCertificate, passphrase: string, statName: string): OwnCertificate {
  for (const [field, value] of [['private_key', message.privateKey], ['certificate_chain', message.certificateChain]] as const) {
    if (value !== undefined) throw new ConfigError(`Certificate configuration can't have both pkcs12 and ${field}`, { path: 'pkcs12' });
  }
  const from = pathOf(message.pkcs12);
  const material = { pfx: read(message.pkcs12, 'pkcs12'), passphrase };
  const leaf = pkcs12Leaf(material);
  if (leaf === null) throw new ConfigError(`Failed to load pkcs12 from ${from}`, { path: 'pkcs12', hint: 'is the password right?' });
  return { material, names: namesOf(leaf), info: new ParsedCertificate(leaf.raw, leaf), statName, path: from, group: groupOf(leaf, from) };
}

/** What stands behind Node's SecureContext. */
interface NativeContext {
  getCertificate?(): Buffer | null;
}

/** Node reads PKCS#12 into contexts alone; the context then has the certificate. Null = it cannot be read. */
function pkcs12Leaf(material: { readonly pfx: Buffer; readonly passphrase: string }): X509Certificate | null {
  try {
    const native: unknown = Reflect.get(tls.createSecureContext(material), 'context');
    const der = (native as NativeContext).getCertificate?.() ?? null;
    return der === null ? null : new (crypto().X509Certificate)(der);
  } catch {
    return null;
  }
}

function read(source: TlsCertificate['privateKey'], path: string): Buffer {
  return source === undefined ? Buffer.alloc(0) : configAt(path, () => readDataSourceBytes(source, ALLOW_EMPTY));
}

/** The file of a source, or `<inline>`. */
export function pathOf(source: TlsCertificate['privateKey']): string {
  return source?.specifier.case === 'filename' ? source.specifier.value : '<inline>';
}

function parseLeaf(chain: Buffer, from: string): X509Certificate {
  try {
    return new (crypto().X509Certificate)(chain);
  } catch {
    throw new ConfigError(`Failed to load certificate chain from ${from}`, { path: 'certificate_chain', hint: 'a PEM file: the own certificate first, then those above it' });
  }
}

function checkPair(leaf: X509Certificate, key: Buffer, passphrase: string, from: string): void {
  let parsed;
  try {
    parsed = crypto().createPrivateKey(passphrase === '' ? { key } : { key, passphrase });
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`Failed to load private key from ${from}, Cause: ${cause}`, { path: 'private_key' });
  }
  if (!leaf.checkPrivateKey(parsed)) {
    throw new ConfigError(`Failed to load private key from ${from}, Cause: error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH`, {
      path: 'private_key', hint: 'the key belongs to another certificate',
    });
  }
}

function groupOf(leaf: X509Certificate, from: string): number {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = leaf.publicKey;
  if (type === 'ec') {
    const group = GROUPS.get(details?.namedCurve ?? '');
    if (group !== undefined) return group;
    throw new ConfigError(`Failed to load certificate chain from ${from}, only P-256, P-384 or P-521 ECDSA certificates are supported`, { path: 'certificate_chain' });
  }
  if (type === 'rsa' && (details?.modulusLength ?? 0) < MIN_RSA_BITS) {
    throw new ConfigError(`Failed to load certificate chain from ${from}, only RSA certificates with 2048-bit or larger keys are supported`, { path: 'certificate_chain' });
  }
  return 0;
}

/** Only DNS names stand for names of servers; the common name where there is no alternative name at all (RFC 6125 section 6.4.4). */
function namesOf(leaf: X509Certificate): string[] {
  const names = subjectAltNames(leaf);
  const dns = names.length > 0 ? names.filter((each) => each.kind === 'DNS').map((each) => each.value) : commonName(leaf);
  return dns.map((name) => (name.startsWith('*.') ? name.slice(1) : name).toLowerCase());
}

function commonName(leaf: X509Certificate): string[] {
  const subject: string | undefined = leaf.subject;
  const line = subject?.split('\n').find((each) => each.startsWith('CN='));
  return line === undefined ? [] : [line.slice(3)];
}

export interface SubjectAltName {
  readonly kind: 'DNS' | 'URI' | 'email' | 'IP Address' | 'other';
  readonly value: string;
}

/** The subject alternative names in order. OpenSSL's text: `DNS:a, URI:spiffe://x, IP Address:1.2.3.4`, quoted as JSON where a value could confuse. */
export function subjectAltNames(certificate: X509Certificate): SubjectAltName[] {
  const text = certificate.subjectAltName ?? '';
  const names: SubjectAltName[] = [];
  for (let rest = text; rest !== ''; ) {
    const match = /^([^:]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/.exec(rest);
    if (match === null) break;
    const [whole, kind, raw] = match;
    const value = raw.startsWith('"') ? String(JSON.parse(raw)) : raw;
    names.push({ kind: KINDS.has(kind) ? (kind as SubjectAltName['kind']) : 'other', value });
    rest = rest.slice(whole.length);
  }
  return names;
}

const KINDS: ReadonlySet<string> = new Set(['DNS', 'URI', 'email', 'IP Address']);
