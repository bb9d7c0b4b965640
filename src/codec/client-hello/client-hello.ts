import { latin1 } from '../../base/latin1.ts';
import { ByteReader } from './byte-reader.ts';

/**
 * The first message of a TLS client (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), read without taking part in the handshake: server
 * names, protocols and what else decides about chains, certificates and fingerprints.
 */
export interface ClientHello {
  /** `legacy_version`: 0x0303 in TLS 1.2 and 1.3. */
  readonly legacyVersion: number;
  /** Of the extension; the legacy version alone where it is missing. */
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  /** Types in the order in which they came. */
  readonly extensions: readonly number[];
  /** Lower case; empty = none. */
  readonly serverName: string;
  /** Byte strings. */
  readonly alpn: readonly string[];
  readonly groups: readonly number[];
  readonly pointFormats: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  /** Asks for a stapled OCSP answer (RFC 6066 section 8). */
  readonly wantsOcsp: boolean;
  /** Ticket of TLS 1.2 (RFC 5077) or first identity of TLS 1.3, whose first 16 bytes name the key; null = none. A view of the input. */
  readonly ticket: Buffer | null;
}

/** More bytes are needed. */
export const HELLO_INCOMPLETE = 0;
/** Not TLS, or not a ClientHello. */
export const HELLO_INVALID = 1;
export type HelloResult = ClientHello | typeof HELLO_INCOMPLETE | typeof HELLO_INVALID;

const RECORD_HANDSHAKE = 22;
const MESSAGE_CLIENT_HELLO = 1;
const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
/** RFC 8446 section 5.1, with what TLS 1.2 allows for expansion. */
const MAX_RECORD = 16_384 + 2_048;

const EXT_SERVER_NAME = 0;
const EXT_STATUS_REQUEST = 5;
const EXT_GROUPS = 10;
const EXT_POINT_FORMATS = 11;
const EXT_SIGNATURE_ALGORITHMS = 13;
const EXT_ALPN = 16;
const EXT_TICKET = 35;
const EXT_PRE_SHARED_KEY = 41;
const EXT_VERSIONS = 43;

/** Reads the ClientHello at the beginning of `data`. It may be cut over several records; they are joined then. */
export function parseClientHello(data: Buffer): HelloResult {
  const message = joinRecords(data);
  return typeof message === 'number' ? message : parseMessage(message);
}

/** The handshake message without record headers; a view where it lies in one record. */
function joinRecords(data: Buffer): Buffer | typeof HELLO_INCOMPLETE | typeof HELLO_INVALID {
  const parts: Buffer[] = [];
  let have = 0;
  let need = MESSAGE_HEADER;
  for (let at = 0; have < need; ) {
    const left = data.length - at;
    if (left > 0 && data[at] !== RECORD_HANDSHAKE) return HELLO_INVALID;
    if (left > 1 && data[at + 1] !== 3) return HELLO_INVALID;
    if (left < RECORD_HEADER) return HELLO_INCOMPLETE;
    const length = data.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_RECORD) return HELLO_INVALID;
    const part = data.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    if (have === 0 && part.length > 0 && part[0] !== MESSAGE_CLIENT_HELLO) return HELLO_INVALID;
    parts.push(part);
    have += part.length;
    if (need === MESSAGE_HEADER && have >= MESSAGE_HEADER) need += messageLength(parts);
    if (have < need && part.length < length) return HELLO_INCOMPLETE;
    at += RECORD_HEADER + length;
  }
  const joined = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  return joined.subarray(MESSAGE_HEADER, need);
}

function messageLength(parts: readonly Buffer[]): number {
  const head = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  return head.readUIntBE(1, 3);
}

/** Collects what the extensions say. */
class Hello {
  legacyVersion = 0;
  versions: readonly number[] = [];
  cipherSuites: readonly number[] = [];
  extensions: number[] = [];
  serverName = '';
  alpn: string[] = [];
  groups: readonly number[] = [];
  pointFormats: readonly number[] = [];
  signatureAlgorithms: readonly number[] = [];
  wantsOcsp = false;
  ticket: Buffer | null = null;
}

function parseMessage(message: Buffer): ClientHello | typeof HELLO_INVALID {
  const reader = new ByteReader(message);
  const hello = new Hello();
  hello.legacyVersion = reader.number(2);
  reader.slice(32);
  reader.piece(1);
  hello.cipherSuites = reader.piece(2).numbers();
  reader.piece(1);
  hello.versions = [hello.legacyVersion];
  if (reader.failed || hello.legacyVersion >> 8 !== 3) return HELLO_INVALID;
  if (reader.left === 0) return hello;
  const extensions = reader.piece(2);
  while (extensions.left > 0 && !extensions.failed) {
    const type = extensions.number(2);
    const body = extensions.piece(2);
    if (extensions.failed || hello.extensions.includes(type)) return HELLO_INVALID;
    hello.extensions.push(type);
    readExtension(type, body, hello);
    if (body.failed) return HELLO_INVALID;
  }
  return reader.failed || extensions.failed ? HELLO_INVALID : hello;
}

function readExtension(type: number, body: ByteReader, hello: Hello): void {
  switch (type) {
    case EXT_SERVER_NAME: readServerName(body, hello); break;
    case EXT_STATUS_REQUEST: hello.wantsOcsp = body.number(1) === 1; break;
    case EXT_GROUPS: hello.groups = body.piece(2).numbers(); break;
    case EXT_POINT_FORMATS: hello.pointFormats = [...body.slice(body.number(1))]; break;
    case EXT_SIGNATURE_ALGORITHMS: hello.signatureAlgorithms = body.piece(2).numbers(); break;
    case EXT_ALPN: readAlpn(body.piece(2), hello); break;
    case EXT_TICKET: if (body.left > 0) hello.ticket = body.slice(body.left); break;
    case EXT_PRE_SHARED_KEY: readIdentity(body.piece(2), hello); break;
    case EXT_VERSIONS: hello.versions = body.piece(1).numbers(); break;
    default:
  }
}

/** RFC 6066 section 3: one entry of type host_name. */
function readServerName(body: ByteReader, hello: Hello): void {
  const list = body.piece(2);
  while (list.left > 0 && !list.failed) {
    const type = list.number(1);
    const length = list.number(2);
    const name = list.slice(length);
    if (type === 0 && hello.serverName === '') hello.serverName = latin1(name, 0, name.length).toLowerCase();
  }
}

function readAlpn(list: ByteReader, hello: Hello): void {
  while (list.left > 0 && !list.failed) {
    const name = list.slice(list.number(1));
    hello.alpn.push(latin1(name, 0, name.length));
  }
}

function readIdentity(identities: ByteReader, hello: Hello): void {
  if (identities.left > 0) hello.ticket = identities.slice(identities.number(2));
}
