import { HELLO_INCOMPLETE, parseClientHello } from '../../../../codec/client-hello/client-hello.ts';
import type { ClientHello } from '../../../../codec/client-hello/client-hello.ts';
import type { ListenerFilter, ListenerFilterBuffer, ListenerFilterCallbacks, ListenerFilterStatus } from '../../../../contract/listener-filter.ts';
import { LISTENER_FILTER_CONTINUE, LISTENER_FILTER_STOP_ITERATION } from '../../../../contract/listener-filter.ts';
import type { TlsInspectorSettings } from './config.ts';
import { ja3, ja4 } from './fingerprints.ts';
import type { TlsInspectorStats } from './stats.ts';

const METADATA = 'envoy.filters.listener.tls_inspector';
const RECORD_HEADER = 5;
const RECORD_ALERT = 21;
const ALERT_WARNING = 1;
const RECORD_HANDSHAKE = 22;
const MESSAGE_CLIENT_HELLO = 1;
/** BoringSSL's limit on the message itself. */
const MAX_MESSAGE = 16_384;
const TLS_1_0 = 0x0301;
const TLS_1_3 = 0x0304;

/** Reads the ClientHello of a connection, if it begins with one, and consumes nothing. */
export class TlsInspectorFilter implements ListenerFilter {
  maxReadBytes: number;
  private readonly settings: TlsInspectorSettings;
  private readonly stats: TlsInspectorStats;
  private callbacks: ListenerFilterCallbacks | null;

  constructor(settings: TlsInspectorSettings, stats: TlsInspectorStats) {
    this.maxReadBytes = settings.initialReadBytes;
    this.settings = settings;
    this.stats = stats;
    this.callbacks = null;
  }

  onAccept(callbacks: ListenerFilterCallbacks): ListenerFilterStatus {
    this.callbacks = callbacks;
    return LISTENER_FILTER_STOP_ITERATION;
  }

  onData(buffer: ListenerFilterBuffer): ListenerFilterStatus {
    const { bytes } = buffer;
    const { callbacks } = this;
    if (callbacks === null) return LISTENER_FILTER_STOP_ITERATION;
    // A TLS library reads a whole record header before it says anything.
    const hello = bytes.length < RECORD_HEADER ? HELLO_INCOMPLETE : parseClientHello(bytes);
    if ((hello === HELLO_INCOMPLETE && !isTooLong(bytes)) || isNoise(bytes)) return this.wait(callbacks, bytes.length);
    if (typeof hello === 'object') return this.found(callbacks, hello, helloSize(bytes));
    if (isCloseNotify(bytes)) {
      this.stats.bytesProcessed.record(bytes.length);
      callbacks.close();
      return LISTENER_FILTER_STOP_ITERATION;
    }
    this.stats.bytesProcessed.record(RECORD_HEADER);
    return this.notFound(callbacks, bytes);
  }

  onClose(): void {}

  private wait(callbacks: ListenerFilterCallbacks, read: number): ListenerFilterStatus {
    const { maxHelloBytes } = this.settings;
    if (read >= maxHelloBytes) {
      this.stats.clientHelloTooLarge.inc();
      this.stats.bytesProcessed.record(read);
      setReason(callbacks, 'ClientHelloTooLarge');
      callbacks.close();
    } else if (read >= this.maxReadBytes) this.maxReadBytes = Math.min(2 * read, maxHelloBytes);
    return LISTENER_FILTER_STOP_ITERATION;
  }

  private found(callbacks: ListenerFilterCallbacks, hello: ClientHello, size: number): ListenerFilterStatus {
    const { stats, settings } = this;
    stats.bytesProcessed.record(size);
    const { streamInfo } = callbacks;
    if (settings.ja3) streamInfo.ja3Hash = ja3(hello);
    if (settings.ja4) streamInfo.ja4Hash = ja4(hello);
    const hasAlpn = hello.alpn.length > 0 && !hello.alpn.includes('');
    if (hasAlpn) callbacks.applicationProtocols = hello.alpn;
    if (hello.serverName !== '') streamInfo.requestedServerName = hello.serverName;
    (hello.serverName === '' ? stats.sniNotFound : stats.sniFound).inc();
    if (hello.legacyVersion < TLS_1_0 || hello.legacyVersion > TLS_1_3) {
      stats.tlsNotFound.inc();
      setReason(callbacks, 'ClientHelloInvalidTlsVersion');
      streamInfo.downstreamTransportFailureReason = failure('error:10000085:SSL routines:OPENSSL_internal:CONNECTION_REJECTED');
      callbacks.close();
      return LISTENER_FILTER_STOP_ITERATION;
    }
    stats.tlsFound.inc();
    (hasAlpn ? stats.alpnFound : stats.alpnNotFound).inc();
    callbacks.transportProtocol = 'tls';
    return LISTENER_FILTER_CONTINUE;
  }

  /** Not TLS, or TLS that cannot be read: it goes on as a plain connection, unless told otherwise. */
  private notFound(callbacks: ListenerFilterCallbacks, bytes: Buffer): ListenerFilterStatus {
    const { closeOnErrors, maxHelloBytes } = this.settings;
    callbacks.streamInfo.downstreamTransportFailureReason = failure(errorText(bytes));
    if (closeOnErrors && bytes.length >= maxHelloBytes) {
      setReason(callbacks, 'ClientHelloTooLarge');
      this.stats.clientHelloTooLarge.inc();
    } else {
      setReason(callbacks, 'ClientHelloNotDetected');
      this.stats.tlsNotFound.inc();
    }
    if (!closeOnErrors) return LISTENER_FILTER_CONTINUE;
    callbacks.close();
    return LISTENER_FILTER_STOP_ITERATION;
  }
}

function setReason(callbacks: ListenerFilterCallbacks, reason: string): void {
  const metadata = (callbacks.streamInfo.dynamicMetadata ??= new Map<string, Record<string, unknown>>());
  metadata.set(METADATA, { ...metadata.get(METADATA), failure_reason: reason });
}

/** What a connection says that TLS itself ends (RFC 8446 section 6.1), here as its first word. */
function isCloseNotify(bytes: Buffer): boolean {
  return bytes.length >= RECORD_HEADER + 2 && bytes[0] === RECORD_ALERT && bytes[1] === 3 && bytes.readUInt16BE(3) === 2 && bytes[RECORD_HEADER + 1] === 0;
}

/** Empty records and warnings: a TLS library passes over them and waits. */
function isNoise(bytes: Buffer): boolean {
  if (bytes.length < RECORD_HEADER || bytes[1] !== 3) return false;
  if (bytes[0] === RECORD_ALERT) return bytes.length < RECORD_HEADER + 2 || (bytes[RECORD_HEADER] === ALERT_WARNING && bytes[RECORD_HEADER + 1] !== 0);
  return bytes[0] === RECORD_HANDSHAKE && bytes.readUInt16BE(3) === 0;
}

/** A ClientHello whose first record is complete and says that the message is longer than any may be. */
function isTooLong(bytes: Buffer): boolean {
  if (bytes.length < RECORD_HEADER + 4 || bytes[0] !== RECORD_HANDSHAKE || bytes[RECORD_HEADER] !== MESSAGE_CLIENT_HELLO) return false;
  return bytes.length >= RECORD_HEADER + bytes.readUInt16BE(3) && bytes.readUIntBE(RECORD_HEADER + 1, 3) > MAX_MESSAGE;
}

/** Bytes of the records that a complete ClientHello takes. */
function helloSize(bytes: Buffer): number {
  let size = 0;
  let left = bytes.readUIntBE(RECORD_HEADER + 1, 3) + 4;
  while (left > 0) {
    const length = bytes.readUInt16BE(size + 3);
    size += RECORD_HEADER + length;
    left -= length;
  }
  return size;
}

function failure(text: string): string {
  return `TLS_error|${text}:TLS_error_end`;
}

/** Names of BoringSSL for alerts that a client may begin with; their error numbers are 1000 more. */
const ALERTS: ReadonlyMap<number, string> = new Map([
  [10, 'SSLV3_ALERT_UNEXPECTED_MESSAGE'], [20, 'SSLV3_ALERT_BAD_RECORD_MAC'], [40, 'SSLV3_ALERT_HANDSHAKE_FAILURE'],
  [42, 'SSLV3_ALERT_BAD_CERTIFICATE'], [46, 'SSLV3_ALERT_CERTIFICATE_UNKNOWN'], [47, 'SSLV3_ALERT_ILLEGAL_PARAMETER'],
  [48, 'TLSV1_ALERT_UNKNOWN_CA'], [50, 'TLSV1_ALERT_DECODE_ERROR'], [70, 'TLSV1_ALERT_PROTOCOL_VERSION'], [80, 'TLSV1_ALERT_INTERNAL_ERROR'],
  [90, 'TLSV1_ALERT_USER_CANCELLED'],
]);

function alertText(description: number): string {
  const number = (0x10000000 + 1_000 + description).toString(16);
  return `error:${number}:SSL routines:OPENSSL_internal:${ALERTS.get(description) ?? `reason(${1_000 + description})`}`;
}

/** BoringSSL's words for what stands where a ClientHello should. */
function errorText(bytes: Buffer): string {
  const start = bytes.toString('latin1', 0, 5);
  if (/^(GET |POST |HEAD |PUT )/.test(start)) return 'error:1000009c:SSL routines:OPENSSL_internal:HTTP_REQUEST';
  if (start === 'CONNE') return 'error:1000009b:SSL routines:OPENSSL_internal:HTTPS_PROXY_REQUEST';
  if (bytes[1] !== 3) return 'error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER';
  if (isTooLong(bytes)) return 'error:10000096:SSL routines:OPENSSL_internal:EXCESSIVE_MESSAGE_SIZE';
  if (bytes[0] === RECORD_ALERT) return alertText(bytes[RECORD_HEADER + 1]);
  if (bytes[0] !== RECORD_HANDSHAKE) return 'error:100000e1:SSL routines:OPENSSL_internal:UNEXPECTED_RECORD';
  if (bytes[RECORD_HEADER] !== MESSAGE_CLIENT_HELLO) return 'error:100000df:SSL routines:OPENSSL_internal:UNEXPECTED_MESSAGE';
  return 'error:10000083:SSL routines:OPENSSL_internal:CLIENTHELLO_PARSE_FAILED';
}
