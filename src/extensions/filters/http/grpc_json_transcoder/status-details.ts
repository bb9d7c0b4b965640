import { isUtf8 } from 'node:buffer';
import { decodeGrpcMessage } from '../../../../common/grpc/message.ts';
import { JsonPrinter } from '../../../../common/transcoding/json-printer.ts';
import { WIRE_DELIMITED, WIRE_VARINT, WireReader } from '../../../../common/transcoding/wire-reader.ts';
import { WireWriter } from '../../../../common/transcoding/wire-writer.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { TranscoderSettings } from './config.ts';

export const GRPC_STATUS_DETAILS_BIN = 'grpc-status-details-bin';

// Fields of google.rpc.Status.
const CODE = 1;
const MESSAGE = 2;
const DETAILS = 3;

/**
 * The google.rpc.Status of a failed call as JSON, a byte string: from `grpc-status-details-bin`, else made of the status and message.
 * Null when it cannot be printed, as when a detail's type is not in the descriptors.
 */
export function statusJson(settings: TranscoderSettings, trailers: HeaderMap, grpcStatus: number): string | null {
  const type = settings.pool.message('google.rpc.Status');
  if (type === undefined) return null;
  const details = decodeDetails(trailers.get(GRPC_STATUS_DETAILS_BIN));
  const printer = new JsonPrinter(settings.pool, settings.translate.print);
  return printer.print(type, details ?? makeStatus(grpcStatus, trailers.get('grpc-message')));
}

function makeStatus(code: number, message: string | undefined): Buffer {
  const out = new WireWriter();
  out.tag(CODE, WIRE_VARINT);
  out.varint64(code);
  const text = message === undefined ? '' : decodeGrpcMessage(message);
  if (text !== '') {
    out.tag(MESSAGE, WIRE_DELIMITED);
    out.text(text);
  }
  return out.written(0, out.length);
}

const BASE64 = /^[A-Za-z0-9+/]*$/;

/** The bytes of the header if they are a google.rpc.Status; padding may be left out. */
function decodeDetails(header: string | undefined): Buffer | null {
  if (header === undefined) return null;
  const text = header.endsWith('==') ? header.slice(0, -2) : header.endsWith('=') ? header.slice(0, -1) : header;
  if (!BASE64.test(text) || text.length % 4 === 1) return null;
  const bytes = Buffer.from(text, 'base64');
  // Bits behind the last byte must be zero.
  if (bytes.length === 0 || bytes.toString('base64').replaceAll('=', '') !== text) return null;
  return isStatus(bytes) ? bytes : null;
}

function isStatus(bytes: Buffer): boolean {
  const reader = new WireReader(bytes, Infinity, 1);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const number = tag >>> 3;
    if ((tag & 7) === WIRE_VARINT) reader.varint64();
    else if ((tag & 7) === WIRE_DELIMITED) {
      const value = reader.take(reader.varint32());
      if (number === MESSAGE && !isUtf8(value)) return false;
      if (number === DETAILS && !isAny(value)) return false;
    } else return false;
    if (reader.failed) return false;
  }
  return reader.pos === bytes.length;
}

function isAny(bytes: Buffer): boolean {
  const reader = new WireReader(bytes, Infinity, 1);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if ((tag & 7) !== WIRE_DELIMITED) return false;
    reader.take(reader.varint32());
    if (reader.failed) return false;
  }
  return reader.pos === bytes.length;
}
