import { jsonString } from '../../common/formatter/json-text.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { CertificateInfo, Connection, SslConnectionInfo } from '../../contract/network.ts';
import { CLIENT_CERT_ALWAYS_FORWARD_ONLY, CLIENT_CERT_APPEND_FORWARD, CLIENT_CERT_FORWARD_ONLY, CLIENT_CERT_SANITIZE } from './conn-manager-config.ts';
import type { ForwardClientCert } from './conn-manager-config.ts';

/** `set_current_client_cert_details` */
export interface ClientCertDetails {
  readonly cert: boolean;
  readonly chain: boolean;
  readonly subject: boolean;
  readonly uri: boolean;
  readonly dns: boolean;
  readonly issuer: boolean;
  /** JSON objects in a list instead of `key=value;…`. */
  readonly json: boolean;
}

export const NO_CLIENT_CERT_DETAILS: ClientCertDetails = { cert: false, chain: false, subject: false, uri: false, dns: false, issuer: false, json: false };

const NAME = 'x-forwarded-client-cert';

/**
 * Does with `x-forwarded-client-cert` what the configuration says: a peer that has shown no certificate is not believed, unless it says always. For
 * requests that have the header, and for all on TLS when the mode is not SANITIZE.
 */
export function forwardClientCert(headers: HeaderMap, connection: Connection, mode: ForwardClientCert, details: ClientCertDetails): void {
  if (mode === CLIENT_CERT_ALWAYS_FORWARD_ONLY) return;
  const { ssl } = connection;
  if (mode === CLIENT_CERT_SANITIZE || ssl === null || !ssl.peerPresented) {
    headers.remove(NAME);
    return;
  }
  if (mode === CLIENT_CERT_FORWARD_ONLY) return;
  const [peer] = ssl.peerChain;
  const before = mode === CLIENT_CERT_APPEND_FORWARD ? (headers.getJoined(NAME) ?? '') : '';
  headers.set(NAME, before === '' ? alone(ssl, peer, details) : appended(before, ssl, peer, details));
}

function alone(ssl: SslConnectionInfo, peer: CertificateInfo, details: ClientCertDetails): string {
  return details.json ? `[${jsonElement(ssl, peer, details)}]` : textElement(ssl, peer, details);
}

/** Behind a header that is no JSON list the new element is text, whatever is configured. */
function appended(before: string, ssl: SslConnectionInfo, peer: CertificateInfo, details: ClientCertDetails): string {
  if (details.json && before.startsWith('[') && before.endsWith(']')) return `${before.slice(0, -1)},${jsonElement(ssl, peer, details)}]`;
  return `${before},${textElement(ssl, peer, details)}`;
}

function textElement(ssl: SslConnectionInfo, peer: CertificateInfo, details: ClientCertDetails): string {
  const parts = (ssl.localCertificate?.uriSans ?? []).map((uri) => `By=${uri}`);
  parts.push(`Hash=${peer.sha256}`);
  if (details.cert) parts.push(`Cert="${peer.urlEncodedPem}"`);
  if (details.chain) parts.push(`Chain="${ssl.peerChain.map((each) => each.urlEncodedPem).join('')}"`);
  if (details.subject) parts.push(`Subject="${peer.subject}"`);
  if (details.uri && peer.uriSans.length === 0) parts.push('URI=');
  else if (details.uri) parts.push(...peer.uriSans.map((uri) => `URI=${uri}`));
  if (details.dns) parts.push(...peer.dnsSans.map((dns) => `DNS=${dns}`));
  if (details.issuer) parts.push(`Issuer="${peer.issuer}"`);
  return parts.join(';');
}

/** Unlike the text it leaves out what is empty. */
function jsonElement(ssl: SslConnectionInfo, peer: CertificateInfo, details: ClientCertDetails): string {
  const parts: string[] = [];
  addList(parts, 'by', ssl.localCertificate?.uriSans ?? []);
  addText(parts, 'hash', peer.sha256);
  if (details.cert) addText(parts, 'cert', peer.pem);
  if (details.chain) addList(parts, 'chain', ssl.peerChain.map((each) => each.pem));
  if (details.subject) addText(parts, 'subject', peer.subject);
  if (details.uri) addList(parts, 'uri', peer.uriSans);
  if (details.dns) addList(parts, 'dns', peer.dnsSans);
  if (details.issuer) addText(parts, 'issuer', peer.issuer);
  return `{${parts.join(',')}}`;
}

function addText(parts: string[], key: string, value: string): void {
  if (value !== '') parts.push(`"${key}":${jsonString(value)}`);
}

function addList(parts: string[], key: string, values: readonly string[]): void {
  if (values.length > 0) parts.push(`"${key}":[${values.map(jsonString).join(',')}]`);
}
