import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { jsonString } from '../../../../common/transcoding/json-string.ts';
import { GRPC_NO_STATUS, GRPC_UNKNOWN, grpcStatusIn } from '../../../../common/grpc/status.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';

/** Names of errors in Connect's JSON (https://connectrpc.com/docs/protocol#error-codes); index = gRPC status. */
const CODES: readonly string[] = [
  'code_0', 'canceled', 'unknown', 'invalid_argument', 'deadline_exceeded', 'not_found', 'already_exists', 'permission_denied',
  'resource_exhausted', 'failed_precondition', 'aborted', 'out_of_range', 'unimplemented', 'internal', 'unavailable', 'data_loss',
  'unauthenticated',
];
/** HTTP status of a unary error; index = gRPC status. */
const HTTP: readonly number[] = [500, 408, 500, 400, 408, 404, 409, 403, 429, 412, 409, 400, 404, 500, 503, 500, 401];

export function connectHttpStatus(grpcStatus: number): number {
  return HTTP[grpcStatus] ?? 500;
}

/** The status of a response that is over; one that says nothing has failed. */
export function finalStatus(trailers: HeaderMap): number {
  const status = grpcStatusIn(trailers);
  return status === GRPC_NO_STATUS ? GRPC_UNKNOWN : status;
}

/** Connect's error object for what gRPC says in trailers (or headers, when there are only those). A byte string. */
export function connectErrorJson(status: number, trailers: HeaderMap): string {
  const parts = [`"code":"${CODES[status] ?? `code_${status}`}"`];
  const message = trailers.get('grpc-message') ?? '';
  if (message !== '') parts.push(`"message":${text(message)}`);
  const details = errorDetails(trailers.get('grpc-status-details-bin') ?? '');
  if (details.length > 0) parts.push(`"details":[${details.join(',')}]`);
  return `{${parts.join(',')}}`;
}

/** The end-of-stream message: the error if there was one, and the trailers if they are wanted, without gRPC's own. A byte string. */
export function endOfStreamJson(trailers: HeaderMap, withMetadata: boolean): string {
  const parts: string[] = [];
  const status = finalStatus(trailers);
  if (status !== 0) parts.push(`"error":${connectErrorJson(status, trailers)}`);
  const metadata = withMetadata ? metadataJson(trailers) : '';
  if (metadata !== '') parts.push(`"metadata":{${metadata}}`);
  return `{${parts.join(',')}}`;
}

function metadataJson(trailers: HeaderMap): string {
  const byName = new Map<string, string[]>();
  for (let i = 0; i < trailers.size; i++) {
    const name = trailers.nameAt(i);
    if (name.startsWith('grpc-')) continue;
    const values = byName.get(name);
    if (values === undefined) byName.set(name, [text(trailers.valueAt(i))]);
    else values.push(text(trailers.valueAt(i)));
  }
  return [...byName].map(([name, values]) => `${text(name)}:[${values.join(',')}]`).join(',');
}

function text(bytes: string): string {
  return jsonString(Buffer.from(bytes, 'latin1'));
}

const STATUS_DETAILS = 3;
const ANY_TYPE_URL = 1;
const ANY_VALUE = 2;

/** `details` of the google.rpc.Status in the header (base64, padded or not), as JSON objects; none when it cannot be read. */
function errorDetails(header: string): string[] {
  if (header === '') return [];
  const bytes = Buffer.from(header, 'base64');
  // Node reads whatever it can; only what comes out again as it went in is base64.
  if (withoutPadding(bytes.toString('base64')) !== withoutPadding(header)) return [];
  try {
    return readStatus(new BinaryReader(bytes));
  } catch {
    // Not a message: the upstream's own fault, and the rest of the error still tells what happened.
    return [];
  }
}

function withoutPadding(base64: string): string {
  if (!base64.endsWith('=')) return base64;
  return base64.slice(0, base64.endsWith('==') ? -2 : -1);
}

function readStatus(reader: BinaryReader): string[] {
  const details: string[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === STATUS_DETAILS && type === WireType.LengthDelimited) details.push(readAny(new BinaryReader(reader.bytes())));
    else reader.skip(type, field);
  }
  return details;
}

function readAny(reader: BinaryReader): string {
  let type = '""';
  let value = '';
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === ANY_TYPE_URL && wire === WireType.LengthDelimited) type = jsonString(Buffer.from(reader.bytes()));
    else if (field === ANY_VALUE && wire === WireType.LengthDelimited) value = Buffer.from(reader.bytes()).toString('base64');
    else reader.skip(wire, field);
  }
  return `{"type":${type},"value":"${value}"}`;
}
