import type { AdminResponse } from '../../contract/admin.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { DownstreamWatermarkCallbacks, StreamDecoderFilter, StreamDecoderFilterCallbacks } from '../../contract/http-filter.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../contract/status.ts';
import { DATA_STOP_ITERATION_AND_BUFFER, HEADERS_STOP_ITERATION, TRAILERS_STOP_ITERATION } from '../../contract/status.ts';
import type { AdminRouter } from './router.ts';

const DETAILS = 'admin_filter_response';

/** The one filter of the admin listener: collects the request, asks the router, sends the page. */
export class AdminFilter implements StreamDecoderFilter, DownstreamWatermarkCallbacks {
  private readonly router: AdminRouter;
  private callbacks: StreamDecoderFilterCallbacks | null;
  private headers: HeaderMap | null;
  private destroyed: boolean;
  /** Nested: how often the downstream has said that it cannot take more. */
  private above: number;
  private resume: (() => void) | null;

  constructor(router: AdminRouter) {
    this.router = router;
    this.callbacks = null;
    this.headers = null;
    this.destroyed = false;
    this.above = 0;
    this.resume = null;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.callbacks = callbacks;
    callbacks.addDownstreamWatermarkCallbacks(this);
  }

  onDestroy(): void {
    this.destroyed = true;
    this.callbacks?.removeDownstreamWatermarkCallbacks(this);
    this.resume?.();
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    this.headers = headers;
    if (endStream) this.answer();
    return HEADERS_STOP_ITERATION;
  }

  decodeData(_data: Buffer, endStream: boolean): FilterDataStatus {
    // Buffered by the connection manager up to its limit, then 413. The last piece is there too when answer looks: next turn.
    if (endStream) this.callbacks?.dispatcher.post(() => this.answer());
    return DATA_STOP_ITERATION_AND_BUFFER;
  }

  decodeTrailers(_trailers: HeaderMap): FilterTrailersStatus {
    this.answer();
    return TRAILERS_STOP_ITERATION;
  }

  onAboveWriteBufferHighWatermark(): void {
    this.above++;
  }

  onBelowWriteBufferLowWatermark(): void {
    this.above--;
    if (this.above > 0) return;
    const resume = this.resume;
    this.resume = null;
    resume?.();
  }

  private answer(): void {
    const { callbacks, headers } = this;
    if (callbacks === null || headers === null || this.destroyed) return;
    const body = callbacks.decodingBuffer()?.toString('latin1') ?? '';
    const response = this.router.dispatch(headers.get(':method') ?? '', headers.get(':path') ?? '', headers, body);
    callbacks.encodeHeaders(responseHeaders(response), false, DETAILS);
    if (typeof response.body === 'string') callbacks.encodeData(Buffer.from(response.body, 'utf8'), true);
    else void this.send(callbacks, response.body);
  }

  /** Sends a body that comes in pieces, no faster than the client takes them. */
  private async send(callbacks: StreamDecoderFilterCallbacks, body: AsyncIterable<string> | Promise<string>): Promise<void> {
    const encode = (data: Buffer, end: boolean): void => {
      callbacks.dispatcher.runInTurn(() => {
        if (!this.destroyed) callbacks.encodeData(data, end);
      }, undefined);
    };
    try {
      if (body instanceof Promise) {
        encode(Buffer.from(await body, 'utf8'), true);
        return;
      }
      for await (const piece of body) {
        if (this.destroyed) return;
        encode(Buffer.from(piece, 'utf8'), false);
        if (this.above > 0) await new Promise<void>((resolve) => (this.resume = resolve));
      }
      encode(Buffer.alloc(0), true);
    } catch (error) {
      // The head is out: all that is left is to say so at the end.
      encode(Buffer.from(`\nerror: ${error instanceof Error ? error.message : String(error)}\n`, 'utf8'), true);
    }
  }
}

function responseHeaders(response: AdminResponse): HeaderMap {
  return HeaderMap.of(
    [':status', String(response.status)],
    ...(response.headers ?? []),
    ['content-type', response.contentType ?? 'text/plain; charset=UTF-8'],
    ['cache-control', 'no-cache, max-age=0'],
    ['x-content-type-options', 'nosniff'],
  );
}
