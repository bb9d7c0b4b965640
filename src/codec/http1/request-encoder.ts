import { TOKEN_LOWER } from '../../base/header-names.ts';
import { latin1 } from '../../base/latin1.ts';
import type { RequestEncoder, ResponseDecoder } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { BytesMeter } from '../../contract/stream-info.ts';
import { isUpgrade } from './connection-header.ts';
import { VALUE_BYTE } from './field-scanner.ts';
import { CRLF, writeField, writeFields } from './head-writer.ts';
import { KEY_FORMAT_PROPER_CASE } from './settings.ts';
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
    const first = method + ' ' + target + ' HTTP/1.1\r\n';
    const isPlain = headers.keyFormatter === null && settings.headerKeyFormat !== KEY_FORMAT_PROPER_CASE;
    const fields = isPlain ? writeRememberedFields(first, headers, this.bytesMeter) : writeFields(first, headers, settings.headerKeyFormat, this.bytesMeter);
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
    if (isSameName && fineValues[i] === value) {
      // The very same string: whoever compares again need not look at its characters.
      headers.setValueAt(i, fineValues[i]);
      if (fineLines[i] === '' && ++timesFine[i] === LINE_AFTER) fineLines[i] = flatLine(name, value);
      continue;
    }
    const isPseudo = name.charCodeAt(0) === COLON;
    if (!isSameName && !isToken(name, isPseudo ? 1 : 0)) return 'invalid header name: ' + JSON.stringify(name).slice(1, -1);
    if (!isValue(value)) return 'invalid header value for: ' + name;
    if (isPseudo && name !== ':authority' && hasSpace(value)) return 'invalid header value for: ' + name;
    if (!isRemembered || value.length > LONGEST_REMEMBERED) continue;
    fineNames[i] = name;
    fineValues[i] = value;
    fineLines[i] = '';
    timesFine[i] = 0;
  }
  return null;
}

/** As writeFields of names as they are, with lines that were written before: a sum of strings leaves each of its steps behind. */
function writeRememberedFields(head: string, headers: HeaderMap, meter: BytesMeter): string {
  const size = headers.size;
  let out = head;
  let bytes = 0;
  for (let i = 0; i < size; i++) {
    const name = headers.nameAt(i);
    if ((name.charCodeAt(0) === COLON && name !== ':authority') || name === 'transfer-encoding') continue;
    const value = headers.valueAt(i);
    if (i < REMEMBERED && fineLines[i] !== '' && fineNames[i] === name && fineValues[i] === value) {
      out += fineLines[i];
      bytes += fineLines[i].length;
      continue;
    }
    const key = name === ':authority' ? 'host' : name;
    out += key + ': ' + value + CRLF;
    bytes += key.length + value.length + 4;
  }
  meter.headerBytesSent += bytes;
  return out;
}

/** In one piece, for it is used again and again. */
function flatLine(name: string, value: string): string {
  const line = Buffer.from((name === ':authority' ? 'host' : name) + ': ' + value + CRLF, 'latin1');
  return latin1(line, 0, line.length);
}

const COLON = 0x3a;

/** Fields that are remembered, and how long their values may be. */
const REMEMBERED = 24;
const LONGEST_REMEMBERED = 128;
/** What was found fine last, by its place in the request: most requests of a thread differ in a field or two. */
const fineNames: string[] = new Array<string>(REMEMBERED).fill('');
const fineValues: string[] = new Array<string>(REMEMBERED).fill('');
const timesFine = new Uint8Array(REMEMBERED);
const LINE_AFTER = 8;
/** The lines that they make, or empty: a line is made of what has come LINE_AFTER times running, for where fields change it would cost more than it saves. */
const fineLines: string[] = new Array<string>(REMEMBERED).fill('');

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
