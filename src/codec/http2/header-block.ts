import { HEADER_NAME_COUNT, headerNameId, ID_CONNECTION, ID_CONTENT_LENGTH, ID_HOST, ID_TRANSFER_ENCODING, ID_UPGRADE, IN_REQUEST, IN_RESPONSE, IN_RESPONSE_TRAILERS, SINGLE_IN } from '../../base/header-names.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { hasObsText, isAuthority, isMethod, isPath, isScheme, parseContentLength, parseStatus, trimBlanks } from './field-rules.ts';
import type { HeaderSink } from './hpack/index.ts';
import {
  FIELD_AUTHORITY,
  FIELD_BAD_NAME,
  FIELD_BAD_VALUE,
  FIELD_ID_MASK,
  FIELD_METHOD,
  FIELD_OTHER,
  FIELD_PADDED_VALUE,
  FIELD_PATH,
  FIELD_PROTOCOL,
  FIELD_PSEUDO,
  FIELD_SCHEME,
  FIELD_STATUS,
  FIELD_UNDERSCORE,
} from './hpack/index.ts';
import { UNDERSCORES_ALLOW, UNDERSCORES_DROP_HEADER } from './settings.ts';
import type { HeadersWithUnderscoresAction } from './settings.ts';

/** What a header block is. */
export const BLOCK_REQUEST = 0;
export const BLOCK_REQUEST_TRAILERS = 1;
export const BLOCK_RESPONSE = 2;
export const BLOCK_RESPONSE_TRAILERS = 3;
export type BlockKind = 0 | 1 | 2 | 3;

/** Result of a block: fine, or why its stream (or connection) ends. */
export const BLOCK_OK = 0;
/** A field is forbidden or malformed (`http2.invalid.header.field`). */
export const BLOCK_INVALID_FIELD = 1;
/** The fields together are no message (`http2.violation.of.messaging.rule`). */
export const BLOCK_MALFORMED = 2;
/** More fields than allowed. */
export const BLOCK_TOO_MANY = 3;
/** More bytes of names and values than allowed. */
export const BLOCK_TOO_LARGE = 4;
/** A name with an underscore where those are refused. */
export const BLOCK_UNDERSCORE = 5;
export type BlockResult = 0 | 1 | 2 | 3 | 4 | 5;

const HAS_AUTHORITY = 0x1;
const HAS_METHOD = 0x2;
const HAS_PATH = 0x4;
const HAS_SCHEME = 0x8;
const HAS_PROTOCOL = 0x10;
const HAS_STATUS = 0x20;
const HAS_HOST = 0x40;
const PATH_REGULAR = 0x80;
const PATH_ASTERISK = 0x100;
const METHOD_CONNECT = 0x200;
const METHOD_OPTIONS = 0x400;
const METHOD_HEAD = 0x800;
const SCHEME_HTTP = 0x1000;
const REQUIRED_IN_REQUEST: number = HAS_METHOD | HAS_PATH | HAS_SCHEME;

const ID_TE = headerNameId('te');
const ID_COOKIE = headerNameId('cookie');
const ID_KEEP_ALIVE = headerNameId('keep-alive');
const ID_PROXY_CONNECTION = headerNameId('proxy-connection');
const SINGLE_BITS: readonly number[] = [IN_REQUEST, IN_REQUEST, IN_RESPONSE, IN_RESPONSE_TRAILERS];

/** For each name that has one entry in a message: the number of the block that had it last. Blocks of a thread are decoded one after the other. */
const lastBlock = new Float64Array(HEADER_NAME_COUNT);
let blockNumber = 0;

export interface HeaderLimits {
  readonly maxHeadersBytes: number;
  readonly maxHeadersCount: number;
  readonly headersWithUnderscoresAction: HeadersWithUnderscoresAction;
}

/**
 * Takes the fields of one header block, checks them by RFC 9113 section 8 as strictly as Envoy does, and builds the map that goes on. One a
 * connection; a block ends before the next begins. Which id a name has, and whether its bytes are fine, the decoder has worked out.
 *
 * Hot: see docs/internals/hot-path.md.
 */
export class HeaderBlock implements HeaderSink {
  headers: HeaderMap;
  result: BlockResult;
  /** Of the message; -1 = not said. Taken over from the initial block by the owner. */
  contentLength: number;
  /** Responses: the status, or -1. */
  status: number;
  /** Names left out for their underscores. */
  droppedUnderscores: number;
  private readonly limits: HeaderLimits;
  private readonly allowProtocol: boolean;
  private readonly disallowObsText: boolean;
  private kind: BlockKind;
  private flags: number;
  private regularSeen: boolean;
  private isConnectResponse: boolean;
  private fieldCount: number;
  private byteCount: number;
  private cookies: string;
  private hasCookies: boolean;
  private lastAuthority: string;

  constructor(limits: HeaderLimits, allowProtocol: boolean, disallowObsText: boolean) {
    this.headers = new HeaderMap();
    this.result = BLOCK_OK;
    this.contentLength = -1;
    this.status = -1;
    this.droppedUnderscores = 0;
    this.limits = limits;
    this.allowProtocol = allowProtocol;
    this.disallowObsText = disallowObsText;
    this.kind = BLOCK_REQUEST;
    this.flags = 0;
    this.regularSeen = false;
    this.isConnectResponse = false;
    this.fieldCount = 0;
    this.byteCount = 0;
    this.cookies = '';
    this.hasCookies = false;
    this.lastAuthority = '';
  }

  /** `contentLength`: what the message has said before (trailers), else -1. */
  begin(kind: BlockKind, contentLength: number, isConnectResponse: boolean): void {
    blockNumber++;
    this.headers = new HeaderMap();
    this.result = BLOCK_OK;
    this.contentLength = contentLength;
    this.status = -1;
    this.droppedUnderscores = 0;
    this.kind = kind;
    this.flags = 0;
    this.regularSeen = false;
    this.isConnectResponse = isConnectResponse;
    this.fieldCount = 0;
    this.byteCount = 0;
    this.cookies = '';
    this.hasCookies = false;
  }

  get isHeadRequest(): boolean {
    return (this.flags & METHOD_HEAD) !== 0;
  }

  onHeader(name: string, value: string, tag: number): boolean {
    const id = tag & FIELD_ID_MASK;
    const kept = (tag & FIELD_PADDED_VALUE) === 0 ? value : trimBlanks(value);
    if ((tag & (FIELD_BAD_NAME | FIELD_BAD_VALUE)) !== 0 || (this.disallowObsText && hasObsText(kept))) return this.refuse(BLOCK_INVALID_FIELD);
    if (id >= FIELD_PSEUDO && id !== FIELD_OTHER) {
      if (!this.takePseudo(id, kept)) return this.refuse(BLOCK_INVALID_FIELD);
      return this.add(name, kept);
    }
    this.regularSeen = true;
    if (id < HEADER_NAME_COUNT) return this.takeKnown(id, name, kept);
    if ((tag & FIELD_UNDERSCORE) !== 0 && this.limits.headersWithUnderscoresAction !== UNDERSCORES_ALLOW) return this.takeUnderscore();
    return this.add(name, kept);
  }

  private refuse(result: BlockResult): false {
    this.result = result;
    return false;
  }

  /** False = forbidden here, twice, or malformed. */
  private takePseudo(id: number, value: string): boolean {
    if (this.regularSeen || value === '') return false;
    if (this.kind === BLOCK_RESPONSE) {
      if (id !== FIELD_STATUS || !this.once(HAS_STATUS)) return false;
      this.status = parseStatus(value);
      return this.status >= 100 && this.status !== 101;
    }
    if (this.kind !== BLOCK_REQUEST) return false;
    switch (id) {
      case FIELD_METHOD:
        if (value === 'CONNECT') this.flags |= METHOD_CONNECT;
        else if (value === 'OPTIONS') this.flags |= METHOD_OPTIONS;
        else if (value === 'HEAD') this.flags |= METHOD_HEAD;
        return isMethod(value) && this.once(HAS_METHOD);
      case FIELD_PATH:
        if (value.charCodeAt(0) === 0x2f) this.flags |= PATH_REGULAR;
        else if (value === '*') this.flags |= PATH_ASTERISK;
        return isPath(value) && this.once(HAS_PATH);
      case FIELD_AUTHORITY:
        return this.isKnownAuthority(value) && this.once(HAS_AUTHORITY);
      case FIELD_SCHEME:
        if (isHttpScheme(value) || isHttpScheme(value.toLowerCase())) this.flags |= SCHEME_HTTP;
        return isScheme(value) && this.once(HAS_SCHEME);
      case FIELD_PROTOCOL:
        return this.allowProtocol && this.once(HAS_PROTOCOL);
      default:
        return false;
    }
  }

  /** A connection's requests mostly name one host, and the decoder's table gives the same string for it. */
  private isKnownAuthority(value: string): boolean {
    if (value === this.lastAuthority) return true;
    if (!isAuthority(value)) return false;
    this.lastAuthority = value;
    return true;
  }

  private once(flag: number): boolean {
    if ((this.flags & flag) !== 0) return false;
    this.flags |= flag;
    return true;
  }

  /** A name of base/header-names.ts. */
  private takeKnown(id: number, name: string, value: string): boolean {
    switch (id) {
      case ID_COOKIE:
        return this.addCookie(value);
      case ID_HOST:
        if (this.kind > BLOCK_REQUEST_TRAILERS) break;
        return this.takeHost(value);
      case ID_CONTENT_LENGTH:
        if (!this.takeContentLength(value)) return this.result === BLOCK_OK;
        break;
      case ID_CONNECTION:
      case ID_KEEP_ALIVE:
      case ID_PROXY_CONNECTION:
      case ID_TRANSFER_ENCODING:
      case ID_UPGRADE:
        return this.refuse(BLOCK_INVALID_FIELD);
      case ID_TE:
        if (value !== 'trailers' && value.toLowerCase() !== 'trailers') return this.refuse(BLOCK_INVALID_FIELD);
        break;
      default:
    }
    if ((SINGLE_IN[id] & SINGLE_BITS[this.kind]) === 0) return this.add(name, value);
    if (lastBlock[id] !== blockNumber) {
      lastBlock[id] = blockNumber;
      return this.add(name, value);
    }
    // One entry more or less it is not: only its bytes count.
    this.headers.append(name, value);
    return this.countBytes(value.length + 1);
  }

  /** `host` stands in for a missing `:authority`, and is left out beside one. */
  private takeHost(value: string): boolean {
    if (value === '' || !isAuthority(value) || !this.once(HAS_HOST)) return this.refuse(BLOCK_INVALID_FIELD);
    if (this.kind === BLOCK_REQUEST && (this.flags & HAS_AUTHORITY) === 0) return this.add(':authority', value);
    // What is left out costs as much to read (CVE-2026-73550).
    return this.countBytes('host'.length + value.length);
  }

  /** False: refused (see `result`), or to be left out. */
  private takeContentLength(value: string): boolean {
    if (this.kind >= BLOCK_RESPONSE) {
      if (this.status === 204) {
        if (this.contentLength !== -1 || value !== '0') return this.refuse(BLOCK_INVALID_FIELD);
        this.contentLength = 0;
        return false;
      }
      if (this.status >= 100 && this.status < 200) return this.refuse(BLOCK_INVALID_FIELD);
      if (this.isConnectResponse && this.status >= 200 && this.status < 300) return false;
    }
    if (this.contentLength !== -1) return this.refuse(BLOCK_INVALID_FIELD);
    this.contentLength = parseContentLength(value);
    return this.contentLength >= 0 || this.refuse(BLOCK_INVALID_FIELD);
  }

  private takeUnderscore(): boolean {
    if (this.limits.headersWithUnderscoresAction !== UNDERSCORES_DROP_HEADER) return this.refuse(BLOCK_UNDERSCORE);
    this.droppedUnderscores++;
    return true;
  }

  /** Crumbs of a cookie are one header again (section 8.2.3); each counts. */
  private addCookie(value: string): boolean {
    this.cookies = this.hasCookies ? this.cookies + '; ' + value : value;
    this.hasCookies = true;
    return this.count('cookie', value);
  }

  private add(name: string, value: string): boolean {
    this.headers.add(name, value);
    return this.count(name, value);
  }

  private count(name: string, value: string): boolean {
    if (!this.countBytes(name.length + value.length)) return false;
    if (++this.fieldCount > this.limits.maxHeadersCount) return this.refuse(BLOCK_TOO_MANY);
    return true;
  }

  private countBytes(length: number): boolean {
    this.byteCount += length;
    return this.byteCount <= this.limits.maxHeadersBytes || this.refuse(BLOCK_TOO_LARGE);
  }

  /** All fields are here: are they a message? `result` says. */
  finish(endStream: boolean): void {
    if (this.result !== BLOCK_OK) return;
    if (this.hasCookies) this.headers.add('cookie', this.cookies);
    if (this.kind === BLOCK_REQUEST) {
      if (!this.isRequest()) this.result = BLOCK_MALFORMED;
    } else if (this.kind === BLOCK_RESPONSE) {
      if ((this.flags & HAS_STATUS) === 0) this.result = BLOCK_MALFORMED;
    } else if (!endStream) this.result = BLOCK_MALFORMED;
  }

  private isRequest(): boolean {
    const flags = this.flags;
    if ((flags & (METHOD_CONNECT | HAS_PROTOCOL)) === METHOD_CONNECT) {
      this.contentLength = -1;
      return (flags & (HAS_SCHEME | HAS_PATH)) === 0 && (flags & HAS_AUTHORITY) !== 0;
    }
    if ((flags & REQUIRED_IN_REQUEST) !== REQUIRED_IN_REQUEST || (flags & (HAS_AUTHORITY | HAS_HOST)) === 0) return false;
    if ((flags & HAS_PROTOCOL) !== 0 && (flags & (METHOD_CONNECT | HAS_AUTHORITY)) !== (METHOD_CONNECT | HAS_AUTHORITY)) return false;
    if ((flags & SCHEME_HTTP) === 0 || (flags & PATH_REGULAR) !== 0) return true;
    return (flags & (METHOD_OPTIONS | PATH_ASTERISK)) === (METHOD_OPTIONS | PATH_ASTERISK);
  }
}

function isHttpScheme(value: string): boolean {
  return value === 'http' || value === 'https';
}
