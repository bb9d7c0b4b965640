import type { Transport } from '../../contract/transport.ts';
import { HandleTransport } from '../network/io/handle-transport.ts';
import type { TlsHandle, WrapTls } from './tls-bindings.ts';
import type { TlsEvents, TlsParameters, TlsState, TlsTransportEngine } from './tls-engine.ts';
import { alpnWire, chainOf, OpenSslState, sessionIdOf } from './tls-state.ts';

/** TLSWrap over the handle of a connection: clear bytes come and go as those of a plain handle do. */
export class HandleTlsEngine extends HandleTransport implements TlsTransportEngine {
  readonly state: TlsState;
  private readonly tls: TlsHandle;
  private readonly parameters: TlsParameters;
  private readonly tlsEvents: TlsEvents;
  private established: boolean;

  constructor(wrap: WrapTls, raw: HandleTransport, parameters: TlsParameters, events: TlsEvents) {
    raw.handOver();
    const tls = wrap(raw.handle, nativeContext(parameters), parameters.isServer, false);
    super(tls, raw.thread, raw.dispatcher, raw.socket);
    this.tls = tls;
    this.parameters = parameters;
    this.tlsEvents = events;
    this.established = false;
    this.state = new OpenSslState(tls, {
      peerChain: () => chainOf(tls.getPeerX509Certificate(), (each) => each.raw(), (each) => each.getIssuerCert()),
      verifyError: () => tls.verifyError()?.code ?? '',
      alpn: () => tls.getALPNNegotiatedProtocol() || '',
      serverName: () => tls.getServername() || '',
      sessionId: () => sessionIdOf(tls.getSession()),
      export: (length, label, context) => tls.exportKeyingMaterial(length, label, context),
    });
  }

  start(received: Buffer): void {
    const { tls, parameters } = this;
    tls.onhandshakestart = ignore;
    tls.onhandshakedone = () => this.onDone();
    tls.onerror = (error) => this.onFailure(error);
    if (parameters.keyLog) {
      tls.onkeylog = (line) => this.tlsEvents.onTlsKeyLog(line);
      tls.enableKeylogCallback();
    }
    if (parameters.alpn.length > 0) tls.setALPNProtocols(alpnWire(parameters.alpn));
    if (parameters.isServer) this.prepareServer();
    else this.prepareClient();
    this.readStart();
    if (!parameters.isServer) tls.start();
    if (received.length > 0 && !this.closed) tls.receive(received);
  }

  notifyClose(): void {
    if (!this.closed && this.established) this.shutdown();
  }

  /** Not on OpenSSL's stack: the close may come out of a callback of its. */
  protected override get afterClose(): () => void {
    return () => this.tls.destroySSL();
  }

  private prepareServer(): void {
    const { tls, parameters } = this;
    if (parameters.requestCertificate) tls.setVerifyMode(true, false);
    const { ocspResponse } = parameters;
    if (ocspResponse === null) return;
    tls.oncertcb = (info) => {
      if (info.OCSPRequest) tls.setOCSPResponse(ocspResponse);
      tls.certCbDone();
    };
    tls.enableCertCb();
  }

  private prepareClient(): void {
    const { tls, parameters } = this;
    tls.setVerifyMode(true, false);
    tls.onocspresponse = ignore;
    if (parameters.serverName !== '') tls.setServername(parameters.serverName);
    if (parameters.session !== null) tls.setSession(parameters.session);
    if (!parameters.keepSessions) return;
    tls.onnewsession = (_id, session) => this.tlsEvents.onTlsSession(session);
    tls.enableSessionCallbacks();
  }

  /** TLS 1.3 says it again for messages after the handshake. */
  private onDone(): void {
    if (this.established || this.closed) return;
    this.established = true;
    this.dispatcher.runInTurn(tellHandshake, this.tlsEvents);
  }

  private onFailure(error: Error & { readonly code?: string; readonly reason?: string }): void {
    if (this.closed) return;
    const failure = { code: error.code ?? '', reason: error.reason ?? '', message: error.message };
    this.dispatcher.runInTurn(() => this.tlsEvents.onTlsFailure(failure), undefined);
  }
}

/** The engine for `raw`, or null when it stands on no handle. */
export function handleTlsEngine(wrap: WrapTls, raw: Transport, parameters: TlsParameters, events: TlsEvents): HandleTlsEngine | null {
  return raw instanceof HandleTransport ? new HandleTlsEngine(wrap, raw, parameters, events) : null;
}

/** The native object behind Node's SecureContext. */
function nativeContext(parameters: TlsParameters): unknown {
  return (parameters.context as { readonly context?: unknown }).context;
}

function tellHandshake(events: TlsEvents): void {
  events.onTlsHandshake();
}

function ignore(): void {}
