import { TOKEN_LOWER } from '../../base/header-names.ts';
import type { RequestEncoder, ResponseDecoder } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { isUpgrade } from './connection-header.ts';
import { VALUE_BYTE } from './field-scanner.ts';
import { CRLF, writeField, writeFields } from './head-writer.ts';
import { Http1StreamEncoder } from './stream-encoder.ts';
import type { StreamOwner } from './stream-encoder.ts';

/** What a request encoder asks of its connection besides the rest. */
export interface RequestOwner extends StreamOwner {
  /** CONNECT and tunnels: the end of output is the half close of the connection. */
  endWrite(): void;
}

/**
 * Writes one request on a client connection. Who upgrades, or says CONNECT, MUST keep payload back until the answer allows it: here it goes at once.
 */
export class Http1RequestEncoder extends Http1StreamEncoder implements RequestEncoder {
  readonly decoder: ResponseDecoder;
  isHead: boolean;
  isConnect: boolean;
  isUpgradeRequest: boolean;
  private isTunnel: boolean;
  private readonly requestOwner: RequestOwner;

  constructor(owner: RequestOwner, decoder: ResponseDecoder) {
    super(owner);
    this.decoder = decoder;
    this.isHead = false;
    this.isConnect = false;
    this.isUpgradeRequest = false;
    this.isTunnel = false;
    this.requestOwner = owner;
  }

  enableTcpTunneling(): void {
    this.isTunnel = true;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): string | null {
    if (this.isFinished || this.encodeComplete) return null;
    const invalid = checkRequest(headers);
    if (invalid !== null) return invalid;
    const settings = this.owner.settings;
    const method = headers.get(':method') ?? '';
    const path = headers.get(':path') ?? '';
    this.isHead = method === 'HEAD';
    this.isConnect = method === 'CONNECT';
    this.isUpgradeRequest = isUpgrade(headers);
    let target = this.isConnect ? (headers.get(':authority') ?? '') : path;
    if (settings.sendFullyQualifiedUrl && !this.isConnect) {
      const scheme = headers.get(':scheme');
      const authority = headers.get(':authority');
      if (scheme === undefined) return 'missing required header: :scheme';
      if (authority === undefined) return 'missing required header: :authority';
      target = scheme + '://' + authority + path;
    }
    const fields = writeFields(method + ' ' + target + ' HTTP/1.1\r\n', headers, settings.headerKeyFormat, this.bytesMeter);
    this.writeHead(this.frame(fields, headers, method, endStream) + CRLF, endStream);
    return null;
  }

  private frame(fields: string, headers: HeaderMap, method: string, endStream: boolean): string {
    const keyFormat = this.owner.settings.headerKeyFormat;
    if (this.isConnect || this.isUpgradeRequest || headers.has('content-length')) {
      this.chunked = false;
      return fields;
    }
    if (!endStream) return writeField(fields, 'transfer-encoding', 'chunked', headers, keyFormat, this.bytesMeter);
    this.chunked = false;
    if (method === 'GET' || method === 'HEAD' || method === 'DELETE' || method === 'TRACE') return fields;
    return writeField(fields, 'content-length', '0', headers, keyFormat, this.bytesMeter);
  }

  protected override completeEncode(): void {
    if (this.isConnect || this.isTunnel) this.requestOwner.endWrite();
    super.completeEncode();
  }
}

/** Why a request cannot be written, or null: a missing pseudo-header, or a byte that would make another request of it. */
export function checkRequest(headers: HeaderMap): string | null {
  const method = headers.get(':method');
  if (method === undefined) return 'missing required header: :method';
  if (method === 'CONNECT') {
    if (!headers.has(':authority')) return 'missing required header: :authority';
    const hasPath = headers.has(':path');
    if (hasPath !== headers.has(':protocol')) return hasPath ? 'missing required header: :protocol' : 'missing required header: :path';
  } else if (!headers.has(':path')) return 'missing required header: :path';
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    const value = headers.valueAt(i);
    const isRemembered = i < REMEMBERED;
    const isSameName = isRemembered && fineNames[i] === name;
    if (isSameName && fineValues[i] === value) continue;
    const isPseudo = name.charCodeAt(0) === 0x3a;
    if (!isSameName && !isToken(name, isPseudo ? 1 : 0)) return 'invalid header name: ' + JSON.stringify(name).slice(1, -1);
    if (!isValue(value)) return 'invalid header value for: ' + name;
    if (isPseudo && name !== ':authority' && hasSpace(value)) return 'invalid header value for: ' + name;
    if (!isRemembered || value.length > LONGEST_REMEMBERED) continue;
    fineNames[i] = name;
    fineValues[i] = value;
  }
  return null;
}

/** Fields that are remembered, and how long their values may be. */
const REMEMBERED = 24;
const LONGEST_REMEMBERED = 128;
/** What was found fine last, by its place in the request: most requests of a thread differ in a field or two. */
const fineNames: string[] = new Array<string>(REMEMBERED).fill('');
const fineValues: string[] = new Array<string>(REMEMBERED).fill('');

function isToken(name: string, from: number): boolean {
  for (let i = from; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c > 0xff || TOKEN_LOWER[c] === 0) return false;
  }
  return name.length > from;
}

function isValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c > 0xff || VALUE_BYTE[c] === 0) return false;
  }
  return true;
}

function hasSpace(value: string): boolean {
  return value.includes(' ') || value.includes('\t');
}
