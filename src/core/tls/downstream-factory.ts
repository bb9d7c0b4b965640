import { constants } from 'node:crypto';
import * as tls from 'node:tls';
import type { TlsSessionTicketKeys } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { DownstreamTlsContext } from '#api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import type { ClientHello } from '../../codec/client-hello/client-hello.ts';
import { readDataSourceBytes } from '../../common/data-source.ts';
import { refuseFields } from '../../common/not-yet.ts';
import type { Address } from '../../contract/address.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import { durationMs } from '../../contract/message.ts';
import type { Transport } from '../../contract/transport.ts';
import type { AcceptedSocket, DownstreamTransportSocketFactory } from '../../contract/transport-socket.ts';
import type { OwnCertificate } from './certificate.ts';
import { CertificateSelector } from './certificate-selector.ts';
import type { CommonTls } from './common-context.ts';
import { countSecretUpdates, readCommonTls, tellCertificates } from './common-context.ts';
import type { TlsConnectionInfo } from './connection-info.ts';
import { failureText, isTlsError, noCertificateText, verifyFailureText } from './failure-text.ts';
import { NamedSecrets } from './secrets.ts';
import type { ServerTlsConfig } from './server-transport.ts';
import { TlsServerTransport } from './server-transport.ts';
import { sessionContext, sharedTicketKey } from './session-context.ts';
import { SslStats } from './ssl-stats.ts';
import type { TlsEngineFactory, TlsFailure, TlsParameters } from './tls-engine.ts';
import { tlsEngine } from './tls-engines.ts';
import { NO_EXPECTED_NAMES } from './validator.ts';

/** Bytes of an Envoy session ticket key: name, HMAC key, AES-256 key. */
const TICKET_KEY_BYTES = 80;
const KEY_NAME_BYTES = 16;
const NO_ALPN: readonly string[] = [];

/** One context for each certificate and ticket key. */
interface CertificateContexts {
  readonly certificate: OwnCertificate;
  /** Index = ticket key; the first encrypts new tickets. */
  readonly contexts: readonly tls.SecureContext[];
}

/** TLS of a filter chain: contexts made once, one chosen for each client. */
export class DownstreamTlsFactory implements DownstreamTransportSocketFactory, ServerTlsConfig {
  readonly secure = true;
  readonly engine: TlsEngineFactory;
  private readonly common: CommonTls;
  private readonly stats: SslStats;
  private readonly requireCertificate: boolean;
  private readonly requestCertificate: boolean;
  private readonly ticketKeyNames: readonly Buffer[];
  private readonly selector: CertificateSelector<CertificateContexts>;

  /** `serverNames`: of the filter chain's match. */
  constructor(message: DownstreamTlsContext, serverNames: readonly string[], context: FactoryContext) {
    refuseUnsupported(message);
    const common = message.commonTlsContext;
    if (common === undefined || common.tlsCertificates.length + common.tlsCertificateSdsSecretConfigs.length === 0) {
      throw new ConfigError('No TLS certificates found for server context', { path: 'common_tls_context.tls_certificates' });
    }
    if (common.tlsCertificates.length > 0 && common.tlsCertificateSdsSecretConfigs.length > 0) {
      throw new ConfigError('SDS and non-SDS TLS certificates may not be mixed in server contexts', { path: 'common_tls_context' });
    }
    this.engine = tlsEngine();
    this.common = configAt('common_tls_context', () => readCommonTls(common, true, context));
    tellCertificates(this.common, context.listenerScope.prefix, context.certificates);
    countSecretUpdates(context.listenerScope.scope('server_ssl_socket_factory'));
    this.stats = new SslStats(context.listenerScope);
    this.requireCertificate = message.requireClientCertificate ?? false;
    this.requestCertificate = this.requireCertificate || this.common.validator !== null;
    const keys = readTicketKeys(message, new NamedSecrets(context.secrets));
    this.ticketKeyNames = keys.map((key) => key.subarray(0, KEY_NAME_BYTES));
    const session = sessionContext(this.common, serverNames, this.requireCertificate);
    const sharedKey = keys.length > 0 || context.ticketSecret === undefined ? null : sharedTicketKey(context.ticketSecret, session);
    const options = serverOptions(message, this.common, session, sharedKey);
    const certificates = this.common.certificates.map((certificate) => ({ certificate, contexts: contextsFor(certificate, options, keys) }));
    this.selector = new CertificateSelector(certificates, message.fullScanCertsOnSniMismatch ?? false);
  }

  wrap(transport: Transport, accepted: AcceptedSocket): Transport {
    return new TlsServerTransport(transport, accepted, this);
  }

  parametersFor(hello: ClientHello | null): TlsParameters {
    const { contexts, certificate } = this.selector.select(hello);
    return {
      isServer: true,
      context: contexts[this.ticketKeyIndex(hello)],
      ownCertificate: certificate.info,
      requestCertificate: this.requestCertificate,
      // Without a common protocol Envoy goes on without one; OpenSSL would refuse.
      alpn: hello !== null && this.common.alpn.some((each) => hello.alpn.includes(each)) ? this.common.alpn : NO_ALPN,
      serverName: '',
      session: null,
      keepSessions: false,
      ocspResponse: null,
      keyLog: this.common.keyLog !== null,
    };
  }

  onHandshake(info: TlsConnectionInfo): string {
    const { stats } = this;
    const { validator } = this.common;
    const { state } = info;
    if (state === null) return '';
    if (state.peerChain().length === 0) {
      if (this.requireCertificate || validator?.demandsCertificate === true) {
        stats.failVerifyNoCert.inc();
        return noCertificateText();
      }
    } else if (validator !== null) {
      const problem = validator.verify(info, stats, NO_EXPECTED_NAMES);
      if (problem !== '') return verifyFailureText(problem);
    }
    stats.onHandshake(state);
    return '';
  }

  onFailure(failure: TlsFailure): string {
    if (isTlsError(failure)) this.stats.connectionError.inc();
    return failureText(failure);
  }

  onPeerGone(): string {
    return '';
  }

  onSession(): void {}

  onKeyLog(line: Buffer, local: Address, remote: Address): void {
    this.common.keyLog?.write(line, local, remote);
  }

  /** A ticket names the key that it was made with. */
  private ticketKeyIndex(hello: ClientHello | null): number {
    const ticket = hello?.ticket ?? null;
    if (ticket === null || this.ticketKeyNames.length < 2) return 0;
    const index = this.ticketKeyNames.findIndex((name) => name.equals(ticket.subarray(0, KEY_NAME_BYTES)));
    return index < 0 ? 0 : index;
  }
}

function refuseUnsupported(message: DownstreamTlsContext): void {
  refuseFields(message, 'DownstreamTlsContext', { requireSni: 'require_sni', ocspStaplePolicy: 'ocsp_staple_policy' });
}

function readTicketKeys(message: DownstreamTlsContext, secrets: NamedSecrets): Buffer[] {
  const choice = message.sessionTicketKeysType;
  if (choice.case === 'sessionTicketKeys') return configAt('session_ticket_keys', () => ticketKeys(choice.value));
  if (choice.case === 'sessionTicketKeysSdsSecretConfig') return configAt('session_ticket_keys_sds_secret_config', () => ticketKeys(secrets.sessionTicketKeys(choice.value)));
  return [];
}

function ticketKeys(message: TlsSessionTicketKeys): Buffer[] {
  return message.keys.map((source, i) =>
    configAt(`keys[${i}]`, () => {
      const key = readDataSourceBytes(source, { allowEmpty: false });
      if (key.length === TICKET_KEY_BYTES) return key;
      throw new ConfigError(`Incorrect TLS session ticket key length. Length ${key.length}, expected length ${TICKET_KEY_BYTES}.`);
    }),
  );
}

function serverOptions(message: DownstreamTlsContext, common: CommonTls, session: string, ticketKeys: Buffer | null): tls.SecureContextOptions {
  const choice = message.sessionTicketKeysType;
  let options = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION;
  if (choice.case === 'disableStatelessSessionResumption' && choice.value) options |= constants.SSL_OP_NO_TICKET;
  return {
    ...common.options,
    secureOptions: options,
    honorCipherOrder: !message.preferClientCiphers,
    ...(message.sessionTimeout === undefined ? {} : { sessionTimeout: Math.floor(durationMs(message.sessionTimeout, 0) / 1_000) }),
    sessionIdContext: session,
    ...(ticketKeys === null ? {} : { ticketKeys }),
  };
}

function contextsFor(certificate: OwnCertificate, options: tls.SecureContextOptions, keys: readonly Buffer[]): tls.SecureContext[] {
  const all = { ...options, ...certificate.material };
  if (keys.length === 0) return [tls.createSecureContext(all)];
  return keys.map((key) => tls.createSecureContext({ ...all, ticketKeys: nodeTicketKey(key) }));
}

/** Node's keys are shorter (48 bytes: name, HMAC key, AES-128 key), so tickets are good at every nuncio with the key, and at no Envoy. */
function nodeTicketKey(key: Buffer): Buffer {
  return Buffer.concat([key.subarray(0, 32), key.subarray(48, 64)]);
}
