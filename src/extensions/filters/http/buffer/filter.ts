import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilter, StreamDecoderFilterCallbacks } from '../../../../contract/http-filter.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import type { BufferSettings } from './config.ts';

/**
 * Holds a request until its body is complete. The filter manager keeps the bytes, and answers 413 when they pass the limit. A request
 * without content-length gets one.
 */
export class BufferFilter implements StreamDecoderFilter {
  private settings: BufferSettings;
  private callbacks: StreamDecoderFilterCallbacks | null;
  /** Set while the filter is at work on this request. */
  private requestHeaders: HeaderMap | null;
  private contentLength: number;

  constructor(settings: BufferSettings) {
    this.settings = settings;
    this.callbacks = null;
    this.requestHeaders = null;
    this.contentLength = 0;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    if (endStream || this.callbacks === null) return HEADERS_CONTINUE;
    const route = this.callbacks.mostSpecificPerFilterConfig();
    // createPerRoute is the only maker of this filter's route configurations.
    if (route !== null) this.settings = route as BufferSettings;
    if (this.settings.disabled) return HEADERS_CONTINUE;
    this.callbacks.setBufferLimit(this.settings.maxRequestBytes);
    this.requestHeaders = headers;
    return HEADERS_STOP_ITERATION;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    this.contentLength += data.length;
    if (endStream || this.settings.disabled) {
      this.maybeAddContentLength();
      return DATA_CONTINUE;
    }
    return DATA_STOP_ITERATION_AND_BUFFER;
  }

  decodeTrailers(): FilterTrailersStatus {
    this.maybeAddContentLength();
    return TRAILERS_CONTINUE;
  }

  onDestroy(): void {
    this.requestHeaders = null;
    this.callbacks = null;
  }

  private maybeAddContentLength(): void {
    const headers = this.requestHeaders;
    if (headers === null || headers.has('content-length')) return;
    headers.set('content-length', String(this.contentLength));
  }
}
