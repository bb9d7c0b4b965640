import type { HeaderMap } from '../../contract/header-map.ts';
import type { StreamEncoderFilter, StreamEncoderFilterCallbacks } from '../../contract/http-filter.ts';
import { asBuffer } from './as-buffer.ts';
import { FilterEntry } from './filter-entry.ts';
import type { FilterManager } from './filter-manager.ts';

/** An encoder filter of one stream. */
export class EncoderEntry extends FilterEntry implements StreamEncoderFilterCallbacks {
  readonly filter: StreamEncoderFilter;
  continued1xx: boolean;

  constructor(manager: FilterManager, name: string, index: number, filter: StreamEncoderFilter) {
    super(manager, name, index);
    this.filter = filter;
    this.continued1xx = false;
  }

  protected override canContinue(): boolean {
    return !this.manager.encoderComplete && !this.manager.encoderAborted;
  }

  /** Held informational headers go first; false when there is no final response yet to go on with. */
  protected override do1xxHeaders(): boolean {
    const manager = this.manager;
    if (this.continued1xx || manager.informationalHeaders === null) return true;
    this.continued1xx = true;
    manager.encode1xxFrom(this, manager.informationalHeaders);
    return manager.responseHeaders !== null && this.canContinue();
  }

  protected override doHeaders(endStream: boolean): void {
    const headers = this.manager.responseHeaders;
    if (headers !== null) this.manager.encodeHeadersFrom(this, headers, endStream);
  }

  protected override doData(data: Buffer, endStream: boolean, fromCurrent: boolean): void {
    this.manager.encodeDataFrom(this, data, endStream, fromCurrent);
  }

  protected override doTrailers(fromCurrent: boolean): void {
    const trailers = this.manager.responseTrailers;
    if (trailers !== null) this.manager.encodeTrailersFrom(this, trailers, fromCurrent);
  }

  protected override bodyTooLarge(): void {
    this.manager.responseTooLarge();
  }

  protected override pauseSource(): void {
    this.manager.callHighWatermarkCallbacks();
  }

  protected override resumeSource(): void {
    this.manager.callLowWatermarkCallbacks();
  }

  continueEncoding(): void {
    this.continueIteration();
  }

  encodingBuffer(): Buffer | null {
    return this.body?.bytes() ?? null;
  }

  addEncodedData(data: Uint8Array, streaming: boolean): void {
    this.manager.addEncodedData(this, data, streaming);
  }

  injectEncodedDataToFilterChain(data: Uint8Array, endStream: boolean): void {
    if (!this.canContinue()) return;
    if (!this.headersContinued) {
      this.headersContinued = true;
      this.doHeaders(false);
    }
    this.manager.encodeDataFrom(this, asBuffer(data), endStream, false);
  }

  addEncodedTrailers(): HeaderMap {
    return this.manager.addEncodedTrailers();
  }

  onEncoderFilterAboveWriteBufferHighWatermark(): void {
    this.manager.callHighWatermarkCallbacks();
  }

  onEncoderFilterBelowWriteBufferLowWatermark(): void {
    this.manager.callLowWatermarkCallbacks();
  }
}
