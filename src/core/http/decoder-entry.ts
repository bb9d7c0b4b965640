import type { HeaderMap } from '../../contract/header-map.ts';
import type { DownstreamWatermarkCallbacks, StreamDecoderFilter, StreamDecoderFilterCallbacks } from '../../contract/http-filter.ts';
import { asBuffer } from './as-buffer.ts';
import { FilterEntry } from './filter-entry.ts';
import type { FilterManager } from './filter-manager.ts';

/** A decoder filter of one stream. */
export class DecoderEntry extends FilterEntry implements StreamDecoderFilterCallbacks {
  readonly filter: StreamDecoderFilter;

  constructor(manager: FilterManager, name: string, index: number, filter: StreamDecoderFilter) {
    super(manager, name, index);
    this.filter = filter;
  }

  protected override canContinue(): boolean {
    return !this.manager.decoderAborted;
  }

  protected override do1xxHeaders(): boolean {
    return true;
  }

  protected override doHeaders(endStream: boolean): void {
    const headers = this.manager.requestHeaders;
    if (headers !== null) this.manager.decodeHeadersFrom(this, headers, endStream);
  }

  protected override doData(data: Buffer, endStream: boolean, fromCurrent: boolean): void {
    this.manager.decodeDataFrom(this, data, endStream, fromCurrent);
  }

  protected override doTrailers(fromCurrent: boolean): void {
    const trailers = this.manager.requestTrailers;
    if (trailers !== null) this.manager.decodeTrailersFrom(this, trailers, fromCurrent);
  }

  protected override bodyTooLarge(): void {
    this.manager.requestTooLarge();
  }

  protected override pauseSource(): void {
    this.manager.pauseDownstreamReading();
  }

  protected override resumeSource(): void {
    this.manager.resumeDownstreamReading();
  }

  continueDecoding(): void {
    this.continueIteration();
  }

  decodingBuffer(): Buffer | null {
    return this.body?.bytes() ?? null;
  }

  addDecodedData(data: Uint8Array, streaming: boolean): void {
    this.manager.addDecodedData(this, data, streaming);
  }

  injectDecodedDataToFilterChain(data: Uint8Array, endStream: boolean): void {
    if (!this.canContinue()) return;
    if (!this.headersContinued) {
      this.headersContinued = true;
      this.doHeaders(false);
    }
    this.manager.decodeDataFrom(this, asBuffer(data), endStream, false);
  }

  addDecodedTrailers(): HeaderMap {
    return this.manager.addDecodedTrailers();
  }

  encode1xxHeaders(headers: HeaderMap): void {
    this.manager.encode1xxByFilter(headers);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean, details: string): void {
    this.manager.encodeHeadersByFilter(this, headers, endStream, details);
  }

  encodeData(data: Buffer, endStream: boolean): void {
    this.manager.encodeDataByFilter(this, data, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.manager.encodeTrailersByFilter(this, trailers);
  }

  encodeMetadata(metadata: ReadonlyMap<string, string>): void {
    this.manager.encodeMetadataToCodec(metadata);
  }

  onDecoderFilterAboveWriteBufferHighWatermark(): void {
    this.manager.pauseDownstreamReading();
  }

  onDecoderFilterBelowWriteBufferLowWatermark(): void {
    this.manager.resumeDownstreamReading();
  }

  addDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.manager.addWatermarkCallbacks(callbacks);
  }

  removeDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.manager.removeWatermarkCallbacks(callbacks);
  }

  recreateStream(headers: HeaderMap): boolean {
    return this.manager.recreateByFilter(headers, this.body);
  }

  upgradeAccepted(): void {
    this.manager.upgradeAccepted();
  }
}
