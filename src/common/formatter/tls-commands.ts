import type { CertificateInfo, SslConnectionInfo } from '../../contract/network.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { sslRetention } from '../ssl-retention.ts';
import { COMMAND_ONLY, PARAMS_OPTIONAL } from './command.ts';
import type { Command, CommandTable } from './command.ts';
import { NumberOperator, TextOperator } from './operator.ts';
import { timeOperator } from './time-commands.ts';

/** The TLS connection that a command is about. */
type Side = (info: StreamInfo) => SslConnectionInfo | null;

const downstream: Side = (info) => info.downstreamSsl;
const upstream: Side = (info) => info.upstream?.ssl ?? null;

/** What outlives the connection for it. */
type Retained = keyof typeof sslRetention | null;

function ofConnection(side: Side, retained: Retained, read: (ssl: SslConnectionInfo) => string): Command {
  return {
    syntax: COMMAND_ONLY,
    create: () => {
      if (retained !== null) sslRetention[retained] = true;
      return new TextOperator(({ streamInfo }) => {
        const ssl = side(streamInfo);
        return ssl === null ? null : read(ssl) || null;
      });
    },
  };
}

/** Of a certificate of the peer's chain; 0 = its own, 1 = its issuer as sent. */
function ofPeer(side: Side, read: (certificate: CertificateInfo) => string, at = 0): Command {
  return ofConnection(side, 'peerCertificate', (ssl) => (at < ssl.peerChain.length ? read(ssl.peerChain[at]) : ''));
}

function ofChain(side: Side, read: (certificate: CertificateInfo) => string): Command {
  return ofConnection(side, 'peerCertificate', (ssl) => ssl.peerChain.map(read).join(','));
}

function ofLocal(side: Side, read: (certificate: CertificateInfo) => string): Command {
  return ofConnection(side, null, (ssl) => (ssl.localCertificate === null ? '' : read(ssl.localCertificate)));
}

function peerTime(side: Side, read: (certificate: CertificateInfo) => number): Command {
  return {
    syntax: PARAMS_OPTIONAL,
    create: (format) => {
      sslRetention.peerCertificate = true;
      return timeOperator(format, false, ({ streamInfo }) => {
        const chain = side(streamInfo)?.peerChain;
        return chain === undefined || chain.length === 0 ? NaN : read(chain[0]);
      });
    },
  };
}

/** What both sides have, below `DOWNSTREAM_` and `UPSTREAM_`. */
function shared(prefix: string, side: Side): [string, Command][] {
  const table: Record<string, Command> = {
    TLS_VERSION: ofConnection(side, null, (ssl) => ssl.tlsVersion),
    TLS_CIPHER: ofConnection(side, null, (ssl) => ssl.cipherName),
    TLS_SESSION_ID: ofConnection(side, 'sessionId', (ssl) => ssl.sessionId),
    TLS_GROUP: ofConnection(side, 'group', (ssl) => ssl.group),
    PEER_SUBJECT: ofPeer(side, (each) => each.subject),
    PEER_ISSUER: ofPeer(side, (each) => each.issuer),
    PEER_CERT: ofPeer(side, (each) => each.urlEncodedPem),
    PEER_CERT_V_START: peerTime(side, (each) => each.validFrom),
    PEER_CERT_V_END: peerTime(side, (each) => each.validTo),
    PEER_URI_SAN: ofPeer(side, (each) => each.uriSans.join(',')),
    PEER_DNS_SAN: ofPeer(side, (each) => each.dnsSans.join(',')),
    PEER_IP_SAN: ofPeer(side, (each) => each.ipSans.join(',')),
    LOCAL_URI_SAN: ofLocal(side, (each) => each.uriSans.join(',')),
    LOCAL_DNS_SAN: ofLocal(side, (each) => each.dnsSans.join(',')),
    LOCAL_IP_SAN: ofLocal(side, (each) => each.ipSans.join(',')),
  };
  return Object.entries(table).map(([name, command]) => [prefix + name, command]);
}

/** Commands over TLS connections and their certificates. */
export const TLS_COMMANDS: CommandTable = {
  ...Object.fromEntries([...shared('DOWNSTREAM_', downstream), ...shared('UPSTREAM_', upstream)]),
  DOWNSTREAM_PEER_EMAIL_SAN: ofPeer(downstream, (each) => each.emailSans.join(',')),
  DOWNSTREAM_PEER_OTHERNAME_SAN: ofPeer(downstream, (each) => each.otherNameSans.join(',')),
  DOWNSTREAM_LOCAL_EMAIL_SAN: ofLocal(downstream, (each) => each.emailSans.join(',')),
  DOWNSTREAM_LOCAL_OTHERNAME_SAN: ofLocal(downstream, (each) => each.otherNameSans.join(',')),
  DOWNSTREAM_LOCAL_SUBJECT: ofLocal(downstream, (each) => each.subject),
  DOWNSTREAM_PEER_SERIAL: ofPeer(downstream, (each) => each.serialNumber),
  DOWNSTREAM_PEER_FINGERPRINT_256: ofPeer(downstream, (each) => each.sha256),
  DOWNSTREAM_PEER_FINGERPRINT_1: ofPeer(downstream, (each) => each.sha1),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256: ofChain(downstream, (each) => each.sha256),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1: ofChain(downstream, (each) => each.sha1),
  DOWNSTREAM_PEER_CHAIN_SERIALS: ofChain(downstream, (each) => each.serialNumber),
  DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256: ofPeer(downstream, (each) => each.sha256, 1),
  DOWNSTREAM_PEER_ISSUER_SERIAL: ofPeer(downstream, (each) => each.serialNumber, 1),
  UPSTREAM_SERVER_NAME: ofConnection(upstream, null, (ssl) => ssl.requestedServerName),
  /** Of the connection, on the clock of the stream: before its first byte, so zero or less on all streams of HTTP. */
  DOWNSTREAM_HANDSHAKE_DURATION: {
    syntax: COMMAND_ONLY,
    create: () => new NumberOperator(({ streamInfo }) => (streamInfo.downstreamSsl?.handshakeComplete ?? NaN) - streamInfo.startTime),
  },
};
