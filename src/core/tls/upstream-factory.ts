import * as tls from 'node:tls';
import type { UpstreamTlsContext } from '#api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import { refuseFields } from '../../common/not-yet.ts';
import type { Address } from '../../contract/address.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { Scope } from '../../contract/stats.ts';
import type { Transport } from '../../contract/transport.ts';
import type { ConnectingSocket, UpstreamTransportSocketFactory } from '../../contract/transport-socket.ts';
import type { ClientTlsConfig } from './client-transport.ts';
import { TlsClientTransport } from './client-transport.ts';
import type { CommonTls } from './common-context.ts';
import { countSecretUpdates, readCommonTls, tellCertificates } from './common-context.ts';
import type { TlsConnectionInfo } from './connection-info.ts';
import { failureText, isTlsError, verifyFailureText } from './failure-text.ts';
import { SslStats } from './ssl-stats.ts';
import type { TlsEngineFactory, TlsFailure, TlsParameters } from './tls-engine.ts';
import { tlsEngine } from './tls-engines.ts';

const DEFAULT_SESSION_KEYS = 1;
const TLS13 = 'TLSv1.3';

/** TLS of a cluster: one context, sessions kept for the next connection. */
export class UpstreamTlsFactory implements UpstreamTransportSocketFactory {
  readonly secure = true;
  readonly supportsAlpn = true;
  readonly engine: TlsEngineFactory;
  readonly common: CommonTls;
  readonly context: tls.SecureContext;
  readonly stats: SslStats;
  readonly sessions: SessionCache;
  readonly serverName: string;
  readonly autoHostSni: boolean;
  readonly autoSniSanValidation: boolean;

  constructor(message: UpstreamTlsContext, scope: Scope, context: Pick<FactoryContext, 'secrets' | 'certificates' | 'accessLogFiles'>) {
    refuseFields(message, 'UpstreamTlsContext', { allowRenegotiation: 'allow_renegotiation' });
    if (message.sni.includes('\0')) throw new ConfigError('SNI names containing NULL-byte are not allowed', { path: 'sni' });
    const common = message.commonTlsContext;
    this.engine = tlsEngine();
    this.common = common === undefined ? noCommon() : configAt('common_tls_context', () => readCommonTls(common, false, context));
    if ((common?.tlsCertificates.length ?? 0) + (common?.tlsCertificateSdsSecretConfigs.length ?? 0) > 1) {
      throw new ConfigError('Multiple TLS certificates are not supported for client contexts', { path: 'common_tls_context.tls_certificates' });
    }
    if (message.autoSniSanValidation && this.common.validator?.verifiesChain !== true) {
      throw new ConfigError("'auto_sni_san_validation' was configured without configuring a trusted CA", { path: 'auto_sni_san_validation' });
    }
    this.context = tls.createSecureContext({ ...this.common.options, ...this.common.certificates[0]?.material });
    this.stats = new SslStats(scope);
    tellCertificates(this.common, scope.prefix, context.certificates);
    countSecretUpdates(scope.scope('client_ssl_socket_factory'));
    this.sessions = new SessionCache(message.maxSessionKeys ?? DEFAULT_SESSION_KEYS);
    this.serverName = message.sni;
    this.autoHostSni = message.autoHostSni;
    this.autoSniSanValidation = message.autoSniSanValidation;
  }

  wrap(transport: Transport, connecting: ConnectingSocket): Transport {
    return new TlsClientTransport(transport, connecting, new UpstreamHandshake(this, connecting));
  }
}

function noCommon(): CommonTls {
  return { certificates: [], validator: null, keyLog: null, alpn: [], options: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } };
}

/** One connection's handshake. */
class UpstreamHandshake implements ClientTlsConfig {
  readonly engine: TlsEngineFactory;
  private readonly factory: UpstreamTlsFactory;
  private readonly connecting: ConnectingSocket;
  private readonly serverName: string;

  constructor(factory: UpstreamTlsFactory, connecting: ConnectingSocket) {
    this.engine = factory.engine;
    this.factory = factory;
    this.connecting = connecting;
    const asked = connecting.options?.serverName ?? '';
    const ofHost = factory.autoHostSni ? connecting.host.hostname : '';
    this.serverName = asked || ofHost || factory.serverName;
  }

  parameters(): TlsParameters {
    const { factory } = this;
    const { options } = this.connecting;
    const configured = options !== null && options.alpnOverride.length > 0 ? options.alpnOverride : factory.common.alpn;
    return {
      isServer: false,
      context: factory.context,
      ownCertificate: factory.common.certificates[0]?.info ?? null,
      requestCertificate: true,
      alpn: configured.length > 0 ? configured : (options?.alpnFallback ?? []),
      serverName: this.serverName,
      session: factory.sessions.take(),
      keepSessions: factory.sessions.limit > 0,
      ocspResponse: null,
      keyLog: factory.common.keyLog !== null,
    };
  }

  onHandshake(info: TlsConnectionInfo): string {
    const { factory } = this;
    const { state } = info;
    if (state === null) return '';
    const { validator } = factory.common;
    // A resumed session was judged when it began.
    if (validator !== null && !state.isSessionReused()) {
      const names = this.connecting.options?.subjectAltNames ?? [];
      const problem = validator.verify(info, factory.stats, { names, serverName: factory.autoSniSanValidation ? this.serverName : '' });
      if (problem !== '') return verifyFailureText(problem);
    }
    if (state.isSessionReused()) info.peerValidated = validator !== null;
    factory.stats.onHandshake(state);
    factory.sessions.reusable = state.protocol() !== TLS13;
    return '';
  }

  onFailure(failure: TlsFailure): string {
    if (isTlsError(failure)) this.factory.stats.connectionError.inc();
    return failureText(failure);
  }

  onPeerGone(): string {
    return '';
  }

  onSession(session: Buffer): void {
    this.factory.sessions.put(session);
  }

  onKeyLog(line: Buffer, local: Address, remote: Address): void {
    this.factory.common.keyLog?.write(line, local, remote);
  }
}

/** Sessions of one context, the newest first. Those of TLS 1.3 are used once (RFC 8446 appendix C.4), older ones as often as they are good. */
export class SessionCache {
  readonly limit: number;
  reusable: boolean;
  private readonly sessions: Buffer[];

  constructor(limit: number) {
    this.limit = limit;
    this.reusable = false;
    this.sessions = [];
  }

  put(session: Buffer): void {
    if (this.limit === 0) return;
    this.sessions.unshift(session);
    if (this.sessions.length > this.limit) this.sessions.length = this.limit;
  }

  take(): Buffer | null {
    if (this.reusable) return this.sessions[0] ?? null;
    return this.sessions.shift() ?? null;
  }
}
