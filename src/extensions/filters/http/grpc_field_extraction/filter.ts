import { GRPC_FRAME_HEADER_BYTES } from '../../../../codec/grpc/frame.ts';
import { isGrpcRequest } from '../../../../common/grpc/content-type.ts';
import { GRPC_FAILED_PRECONDITION, GRPC_INVALID_ARGUMENT, GRPC_STATUS_SNAKE, grpcToHttpStatus } from '../../../../common/grpc/status.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilter, StreamDecoderFilterCallbacks } from '../../../../contract/http-filter.ts';
import { DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE } from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import type { FieldExtractionSettings, RequestField } from './config.ts';

export const NAMESPACE = 'envoy.filters.http.grpc_field_extraction';
const DETAILS = 'grpc_field_extraction';
const CONVERSION_FAILED = 'REQUEST_BUFFER_CONVERSION_FAIL';

/**
 * Holds a gRPC request until its first message is whole, and writes fields of it to the dynamic metadata. The bytes pass unchanged.
 */
export class FieldExtractionFilter implements StreamDecoderFilter {
  private readonly settings: FieldExtractionSettings;
  private callbacks: StreamDecoderFilterCallbacks | null;
  /** Set while the first message is awaited. */
  private fields: readonly RequestField[] | null;
  private held: Buffer;

  constructor(settings: FieldExtractionSettings) {
    this.settings = settings;
    this.callbacks = null;
    this.fields = null;
    this.held = EMPTY;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.callbacks = callbacks;
  }

  onDestroy(): void {
    this.callbacks = null;
    this.fields = null;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    if (!isGrpcRequest(headers)) return HEADERS_CONTINUE;
    const path = headers.get(':path') ?? '';
    const slash = path.indexOf('/', 1);
    if (!path.startsWith('/') || slash < 0 || path.includes('/', slash + 1)) {
      this.reject(GRPC_INVALID_ARGUMENT, `:path \`${path}\` should be in form of \`/package.service/method\``, 'BAD_REQUEST');
      return HEADERS_STOP_ITERATION;
    }
    const fields = this.settings.get(`${path.slice(1, slash)}.${path.slice(slash + 1)}`);
    if (fields === undefined) return HEADERS_CONTINUE;
    // Envoy waits for ever for the message of a request that has ended.
    if (endStream) this.rejectNoMessage();
    else this.fields = fields;
    return HEADERS_STOP_ITERATION;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const { fields, callbacks } = this;
    if (fields === null || callbacks === null) return DATA_CONTINUE;
    // Copied: the bytes are held, or go on with those before them.
    this.held = Buffer.concat([this.held, data]);
    if (this.held.length > callbacks.bufferLimit) {
      return this.reject(GRPC_FAILED_PRECONDITION, 'Rejected because internal buffer limits are exceeded.', CONVERSION_FAILED);
    }
    const fault = this.frameFault(endStream);
    if (fault !== null) return this.reject(GRPC_INVALID_ARGUMENT, fault, CONVERSION_FAILED);
    const size = messageSize(this.held);
    if (size < 0) return endStream ? this.rejectNoMessage() : DATA_STOP_ITERATION_NO_BUFFER;
    if (!this.extract(fields, callbacks, this.held.subarray(GRPC_FRAME_HEADER_BYTES, GRPC_FRAME_HEADER_BYTES + size))) {
      return DATA_STOP_ITERATION_NO_BUFFER;
    }
    callbacks.replaceData(this.held);
    this.fields = null;
    this.held = EMPTY;
    return DATA_CONTINUE;
  }

  /** Why the frames that have come cannot be, or null. All are looked at, not the first only, as Envoy does. */
  private frameFault(endStream: boolean): string | null {
    let at = 0;
    while (this.held.length - at >= GRPC_FRAME_HEADER_BYTES) {
      const flag = this.held[at];
      if (flag !== 0) return `Unsupported gRPC frame 'Compressed-Flag'${flag}`;
      const end = at + GRPC_FRAME_HEADER_BYTES + this.held.readUInt32BE(at + 1);
      if (end > this.held.length) break;
      at = end;
    }
    return endStream && at < this.held.length ? 'Did not receive enough data for gRPC message parsing.' : null;
  }

  private extract(fields: readonly RequestField[], callbacks: StreamDecoderFilterCallbacks, message: Buffer): boolean {
    const extracted: Record<string, unknown> = {};
    for (const { path, extractor } of fields) {
      const values = extractor.extract(message);
      if ('code' in values) {
        this.reject(values.code, values.message, 'REQUEST_FIELD_EXTRACTION_FAILED');
        return false;
      }
      extracted[path] = [...values];
    }
    const { streamInfo } = callbacks;
    streamInfo.dynamicMetadata ??= new Map();
    if (fields.length > 0) streamInfo.dynamicMetadata.set(NAMESPACE, { ...streamInfo.dynamicMetadata.get(NAMESPACE), ...extracted });
    return true;
  }

  decodeTrailers(): FilterTrailersStatus {
    return TRAILERS_CONTINUE;
  }

  private rejectNoMessage(): FilterDataStatus {
    return this.reject(GRPC_INVALID_ARGUMENT, 'did not receive enough data to form a message.', 'REQUEST_OUT_OF_DATA');
  }

  private reject(status: number, message: string, detail: string): FilterDataStatus {
    this.fields = null;
    const details = `${DETAILS}_${GRPC_STATUS_SNAKE[status] ?? ''}{${detail}}`;
    this.callbacks?.sendLocalReply(grpcToHttpStatus(status), message, null, status, details);
    return DATA_STOP_ITERATION_NO_BUFFER;
  }
}

const EMPTY = Buffer.alloc(0);

/** Length of the first message if it is whole, else -1. */
function messageSize(bytes: Buffer): number {
  if (bytes.length < GRPC_FRAME_HEADER_BYTES) return -1;
  const size = bytes.readUInt32BE(1);
  return bytes.length - GRPC_FRAME_HEADER_BYTES >= size ? size : -1;
}
