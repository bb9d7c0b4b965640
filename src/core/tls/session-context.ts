import { crypto } from '../../base/crypto.ts';
import type { OwnCertificate } from './certificate.ts';
import type { CommonTls } from './common-context.ts';

/** OpenSSL takes as much (SSL_MAX_SID_CTX_LENGTH). */
const CONTEXT_LENGTH = 32;
/** Node's: name, HMAC key, AES-128 key. */
const TICKET_KEY_BYTES = 48;

/**
 * What a session belongs to: certificates by their names, how clients are judged, the names of the filter chain. A session of one context is not resumed at
 * another, where its client could not have come in, though both have the same ticket keys. A renewed certificate keeps its sessions.
 */
export function sessionContext(common: CommonTls, serverNames: readonly string[], requireCertificate: boolean): string {
  const parts = [common.certificates.map(nameOf), common.validator?.identity ?? '', serverNames, requireCertificate];
  return crypto().createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, CONTEXT_LENGTH);
}

function nameOf({ info }: OwnCertificate): readonly unknown[] {
  return [info.subject, info.issuer, info.dnsSans, info.uriSans, info.ipSans];
}

/** The ticket key of a context without configured ones: every worker of the process comes to the same. */
export function sharedTicketKey(secret: Uint8Array, context: string): Buffer {
  return crypto().createHmac('sha512', secret).update(context).digest().subarray(0, TICKET_KEY_BYTES);
}
