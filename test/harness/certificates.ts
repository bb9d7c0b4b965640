import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { PemConverter, X509CertificateGenerator, BasicConstraintsExtension, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, SubjectAlternativeNameExtension, SubjectKeyIdentifierExtension } from '@peculiar/x509';
import type { Extension, GeneralNameType, X509Certificate } from '@peculiar/x509';

/** Certificates made at test time, so that none ever expires in a checkout. */

export interface Identity {
  /** PEM of the certificate and of the chain above it, without the root. */
  readonly certificate: string;
  readonly key: string;
  readonly x509: X509Certificate;
}

export interface Authority extends Identity {
  issue(request?: CertificateRequest): Promise<Identity>;
  /** An authority below this one. */
  intermediate(name: string): Promise<Authority>;
}

export interface CertificateRequest {
  /** Default `CN=test`. */
  readonly subject?: string;
  readonly names?: readonly { readonly type: GeneralNameType; readonly value: string }[];
  readonly key?: 'ec' | 'ec384' | 'rsa';
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extensions?: readonly Extension[];
}

type KeyKind = NonNullable<CertificateRequest['key']>;
type KeyPair = webcrypto.CryptoKeyPair;

const ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ec384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
} as const;

const DAY = 86_400_000;
let serial = 1;

/** A root of its own. */
export async function authority(name = 'CN=test root', kind: KeyKind = 'ec'): Promise<Authority> {
  const keys = await generate(kind);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(), name, keys, signingAlgorithm: ALGORITHMS[kind], ...validity({}),
    extensions: [...caExtensions(), await SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return authorityOf(certificate, keys, kind, '');
}

function authorityOf(x509: X509Certificate, keys: KeyPair, kind: KeyKind, chain: string): Authority {
  const sign = async (subject: string, request: CertificateRequest, extensions: readonly Extension[]): Promise<{ x509: X509Certificate; keys: KeyPair }> => {
    const own = await generate(request.key ?? 'ec');
    const made = await X509CertificateGenerator.create({
      serialNumber: nextSerial(), subject, issuer: x509.subject, signingKey: keys.privateKey, signingAlgorithm: ALGORITHMS[kind], publicKey: own.publicKey,
      ...validity(request), extensions: [...extensions],
    });
    return { x509: made, keys: own };
  };
  const pem = `${x509.toString('pem')}\n`;
  return {
    certificate: pem + chain, key: '', x509,
    async issue(request = {}): Promise<Identity> {
      const names = request.names ?? [{ type: 'dns', value: 'localhost' }, { type: 'ip', value: '127.0.0.1' }];
      const made = await sign(request.subject ?? 'CN=test', request, [
        new BasicConstraintsExtension(false), new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']),
        ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...names])]), ...(request.extensions ?? []),
      ]);
      const above = x509.subject === x509.issuer ? '' : pem + chain;
      return { certificate: `${made.x509.toString('pem')}\n${above}`, key: await privatePem(made.keys), x509: made.x509 };
    },
    async intermediate(name): Promise<Authority> {
      const made = await sign(name, { key: kind }, caExtensions());
      return authorityOf(made.x509, made.keys, kind, x509.subject === x509.issuer ? '' : pem + chain);
    },
  };
}

function caExtensions(): Extension[] {
  return [new BasicConstraintsExtension(true, undefined, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)];
}

function validity(request: CertificateRequest): { notBefore: Date; notAfter: Date } {
  return { notBefore: request.notBefore ?? new Date(Date.now() - DAY), notAfter: request.notAfter ?? new Date(Date.now() + 30 * DAY) };
}

async function generate(kind: KeyKind): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHMS[kind], true, ['sign', 'verify']);
}

async function privatePem(keys: KeyPair): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')}\n`;
}

function nextSerial(): string {
  return (serial++).toString(16).padStart(4, '0');
}
