import {
  HEADER_NAMES,
  HEADER_NAME_COUNT,
  ID_CONNECTION,
  ID_CONTENT_LENGTH,
  ID_HOST,
  ID_TRANSFER_ENCODING,
  ID_UPGRADE,
  IN_REQUEST,
  IN_RESPONSE,
  SINGLE_IN,
} from '../../base/header-names.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { PreserveCaseFormatter } from './key-format.ts';
import { UNDERSCORES_ALLOW, UNDERSCORES_DROP_HEADER } from './settings.ts';
import type { Http1Settings } from './settings.ts';

/** What a head is the head of. */
export const HEAD_REQUEST = 0;
export const HEAD_RESPONSE = 1;
export const HEAD_TRAILERS = 2;
export type HeadKind = 0 | 1 | 2;

/** Results of `addField`. */
export const FIELD_OK = 0;
export const FIELD_TOO_MANY = 1;
export const FIELD_UNDERSCORE = 2;
export type FieldResult = 0 | 1 | 2;

/** `contentLength` of a head without one, and of one whose value is no number. */
export const LENGTH_NONE = -1;
export const LENGTH_INVALID = -2;

/** Index of `:authority`, `:path` and `:method` while a request head is built. */
const AUTHORITY_SLOT = 0;

/**
 * What a parser has learnt of one head. One object a connection, begun anew for each message; the header map in it is new for
 * each message, since it goes to the stream.
 */
export class MessageHead {
  headers: HeaderMap;
  kind: HeadKind;
  method: string;
  target: string;
  /** Code of a response's status line. */
  status: number;
  isHttp11: boolean;
  /** Request line without a version: HTTP/0.9. */
  isVersionless: boolean;
  /** Bytes of body that content-length promises, LENGTH_NONE or LENGTH_INVALID. */
  contentLength: number;
  /** The last transfer-encoding line is exactly `chunked`. */
  isChunked: boolean;
  hasTransferEncoding: boolean;
  hasContentLength: boolean;
  hasConnection: boolean;
  hasUpgrade: boolean;
  hasHost: boolean;
  /** Lines counted against the limit. */
  fieldCount: number;
  /** Bytes of names and values and three a line, as Envoy meters header bytes. */
  fieldBytes: number;
  formatter: PreserveCaseFormatter | null;
  readonly forwardReasonPhrase: boolean;
  droppedUnderscores: number;
  private readonly settings: Http1Settings;
  /** Generation in which an id was last seen; says in one read whether a name is there twice. */
  private readonly seen: Int32Array;
  private generation: number;
  /** Bit of SINGLE_IN for this kind of message. */
  private singleBit: number;
  private readonly trailerBit: number;

  /** `trailerBit`: the bit of SINGLE_IN that trailers on this side go by, 0 = none. */
  constructor(settings: Http1Settings, trailerBit = 0) {
    this.headers = new HeaderMap();
    this.kind = HEAD_REQUEST;
    this.method = '';
    this.target = '';
    this.status = 0;
    this.isHttp11 = true;
    this.isVersionless = false;
    this.contentLength = LENGTH_NONE;
    this.isChunked = false;
    this.hasTransferEncoding = false;
    this.hasContentLength = false;
    this.hasConnection = false;
    this.hasUpgrade = false;
    this.hasHost = false;
    this.fieldCount = 0;
    this.fieldBytes = 0;
    this.formatter = null;
    this.forwardReasonPhrase = settings.forwardReasonPhrase;
    this.droppedUnderscores = 0;
    this.settings = settings;
    this.seen = new Int32Array(HEADER_NAME_COUNT);
    this.generation = 0;
    this.singleBit = IN_REQUEST;
    this.trailerBit = trailerBit;
  }

  /** Forgets the last message. */
  begin(kind: HeadKind): void {
    this.kind = kind;
    this.singleBit = kind === HEAD_REQUEST ? IN_REQUEST : kind === HEAD_RESPONSE ? IN_RESPONSE : this.trailerBit;
    this.method = '';
    this.target = '';
    this.status = 0;
    this.isHttp11 = true;
    this.isVersionless = false;
    this.beginFields();
  }

  /** Forgets fields, not the first line: a parser that starts over. */
  beginFields(): void {
    const headers = new HeaderMap();
    this.headers = headers;
    this.contentLength = LENGTH_NONE;
    this.isChunked = false;
    this.hasTransferEncoding = false;
    this.hasContentLength = false;
    this.hasConnection = false;
    this.hasUpgrade = false;
    this.hasHost = false;
    this.fieldCount = 0;
    this.fieldBytes = 0;
    this.droppedUnderscores = 0;
    this.generation++;
    this.formatter = PreserveCaseFormatter.fromSettings(this.settings);
    headers.keyFormatter = this.formatter;
    if (this.kind === HEAD_REQUEST) {
      headers.add(':authority', '');
      headers.add(':path', '');
      headers.add(':method', '');
    } else if (this.kind === HEAD_RESPONSE) headers.add(':status', '');
  }

  /**
   * Adds one field. `id` is the name's or -1, `original` the name as written (only looked at by stateful formatters).
   * The caller has checked name and value.
   */
  addField(id: number, name: string, value: string, original: string): FieldResult {
    this.fieldBytes += name.length + value.length + 3;
    if (id >= 0 && (SINGLE_IN[id] & this.singleBit) !== 0) this.addSingle(id, value);
    else {
      if (id < 0 && this.settings.headersWithUnderscoresAction !== UNDERSCORES_ALLOW && name.includes('_')) {
        if (this.settings.headersWithUnderscoresAction !== UNDERSCORES_DROP_HEADER) return FIELD_UNDERSCORE;
        this.droppedUnderscores++;
        return FIELD_OK;
      }
      this.headers.add(name, value);
      this.fieldCount++;
    }
    if (this.formatter !== null) this.formatter.remember(name, original);
    return this.fieldCount > this.settings.maxHeadersCount ? FIELD_TOO_MANY : FIELD_OK;
  }

  /** Adds a field whose name has one entry a message. */
  private addSingle(id: number, value: string): void {
    if (this.seen[id] === this.generation) {
      this.headers.append(id === ID_HOST && this.kind === HEAD_REQUEST ? ':authority' : HEADER_NAMES[id], value);
      return;
    }
    this.seen[id] = this.generation;
    this.fieldCount++;
    if (id <= ID_UPGRADE && this.kind !== HEAD_TRAILERS) {
      if (id === ID_CONTENT_LENGTH) this.hasContentLength = true;
      else if (id === ID_TRANSFER_ENCODING) this.hasTransferEncoding = true;
      else if (id === ID_CONNECTION) this.hasConnection = true;
      else if (id === ID_UPGRADE) this.hasUpgrade = true;
      else if (id === ID_HOST && this.kind === HEAD_REQUEST) {
        this.hasHost = true;
        this.headers.setValueAt(AUTHORITY_SLOT, value);
        return;
      }
    }
    this.headers.add(HEADER_NAMES[id], value);
  }

  /** Sets or replaces `:authority` of a request. */
  setAuthority(value: string): void {
    this.hasHost = true;
    this.headers.setValueAt(AUTHORITY_SLOT, value);
  }

  /** Puts the pseudo-headers of a request into place; without host and path their entries go. */
  finishRequest(path: string | null): void {
    const headers = this.headers;
    headers.setValueAt(2, this.method);
    if (path === null) headers.removeAt(1);
    else headers.setValueAt(1, path);
    if (!this.hasHost) headers.removeAt(AUTHORITY_SLOT);
  }

  finishResponse(status: string): void {
    this.headers.setValueAt(0, status);
  }
}
