import { bug } from '../../base/bug.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_CONTINUE_AND_DONT_END_STREAM, HEADERS_STOP_ITERATION,
} from '../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus } from '../../contract/status.ts';
import { PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { DecoderEntry } from './decoder-entry.ts';
import type { EncoderEntry } from './encoder-entry.ts';
import { ITERATE, STOPPED } from './filter-entry.ts';
import {
  ENCODE_1XX, ENCODE_DATA, ENCODE_HEADERS, ENCODE_TRAILERS, END_OF_STREAM, FilterManagerState, startIndex,
} from './filter-manager-state.ts';
import { NO_GRPC_STATUS, responseStatus } from './local-reply.ts';

const EMPTY = Buffer.alloc(0);

/**
 * The response's way: from the terminal filter (the `…ByFilter` methods) through the encoder filters, last of the configuration first, to the codec.
 * A pass begins at the first filter or behind the one that continues, and ends at a filter that stops or at the codec.
 */
export abstract class FilterManagerEncoding extends FilterManagerState {
  /** Informational headers from the terminal filter. Swallowed unless they are to be proxied. */
  encode1xxByFilter(headers: HeaderMap): void {
    if (!this.proxy100Continue || this.destroyed || this.replied) return;
    this.informationalHeaders = headers;
    this.encode1xxFrom(null, headers);
  }

  encode1xxFrom(from: EncoderEntry | null, headers: HeaderMap): void {
    this.resetIdleTimer();
    const encoders = this.encoders;
    for (let i = from === null ? 0 : from.index + 1; i < encoders.length; i++) {
      const entry = encoders[i];
      this.callState |= ENCODE_1XX;
      const status = entry.filter.encode1xxHeaders?.(headers) ?? HEADERS_CONTINUE;
      this.callState &= ~ENCODE_1XX;
      if (this.encoderAborted) return;
      if (status !== HEADERS_CONTINUE) {
        entry.state = STOPPED;
        return;
      }
      entry.continued1xx = true;
    }
    this.encode1xxToCodec(headers);
  }

  encodeHeadersByFilter(entry: DecoderEntry, headers: HeaderMap, endStream: boolean, details: string): void {
    if (this.destroyed || this.replied) return;
    this.abortDecodingIfNotTerminal(entry, endStream);
    this.streamInfo.responseCodeDetails = details;
    this.responseHeaders = headers;
    this.encodeHeadersFrom(null, headers, endStream);
  }

  encodeDataByFilter(entry: DecoderEntry, data: Buffer, endStream: boolean): void {
    if (this.destroyed || this.replied) return;
    this.abortDecodingIfNotTerminal(entry, endStream);
    const apart = endStream && data.length > 0 && this.encoders.length > 0 && !this.upstreamIsHttp2;
    this.encodeDataFrom(null, data, endStream && !apart, false);
    if (apart && !this.destroyed && !this.replied) this.encodeDataFrom(null, EMPTY, true, false);
  }

  /** HTTP/2 says the end with the last bytes, HTTP/1 after them, and filters see the difference. */
  private get upstreamIsHttp2(): boolean {
    const upstream = this.streamInfo.upstream;
    return upstream !== null && upstream.protocol >= PROTOCOL_HTTP2;
  }

  encodeTrailersByFilter(entry: DecoderEntry, trailers: HeaderMap): void {
    if (this.destroyed || this.replied) return;
    this.abortDecodingIfNotTerminal(entry, true);
    this.responseTrailers = trailers;
    this.encodeTrailersFrom(null, trailers, false);
  }

  protected abortDecodingIfNotTerminal(entry: DecoderEntry, endStream: boolean): void {
    if (endStream && entry.index !== this.decoders.length - 1 && !this.decoderComplete) this.decoderAborted = true;
  }

  /** Where to begin, and the note that the response has ended: nothing of the request is wanted after that. */
  protected encodeStart(from: EncoderEntry | null, endStream: boolean, fromCurrent: boolean): number {
    if (from === null && endStream) {
      this.observedEncodeEnd = true;
      if (!this.halfCloseEnabled) this.decoderAborted = true;
    }
    return startIndex(from, fromCurrent);
  }

  encodeHeadersFrom(from: EncoderEntry | null, headers: HeaderMap, end: boolean): void {
    this.resetIdleTimer();
    this.disarmRequestTimeout();
    const encoders = this.encoders;
    let endStream = end;
    let bodyFrom = -1;
    for (let i = this.encodeStart(from, end, false); i < encoders.length; i++) {
      const entry = encoders[i];
      entry.endStream = endStream && bodyFrom < 0;
      const status = this.callEncodeHeaders(entry, headers);
      const goOn = entry.afterHeaders(status);
      if (status === HEADERS_CONTINUE_AND_DONT_END_STREAM) endStream = false;
      if (entry.endStream && !this.destroyed) entry.filter.encodeComplete?.();
      if (!goOn) {
        if (!entry.endStream) this.maybeContinueEncoding(bodyFrom);
        return;
      }
      if (endStream && entry.body !== null && bodyFrom < 0) bodyFrom = i;
    }
    if (responseStatus(headers) < 0) {
      const missing = 'missing required header: :status';
      this.replyLocally(502, missing, null, NO_GRPC_STATUS, `filter_removed_required_response_headers{${missing.replaceAll(' ', '_')}}`);
      return;
    }
    const codecEnd = endStream && bodyFrom < 0;
    this.headersEncoded = true;
    this.encodeHeadersToCodec(headers, codecEnd);
    if (this.destroyed) return;
    if (codecEnd) this.endEncode();
    else this.maybeContinueEncoding(bodyFrom);
  }

  protected callEncodeHeaders(entry: EncoderEntry, headers: HeaderMap): FilterHeadersStatus {
    const state = entry.endStream ? ENCODE_HEADERS | END_OF_STREAM : ENCODE_HEADERS;
    this.callState |= state;
    const status = entry.filter.encodeHeaders(headers, entry.endStream);
    this.callState &= ~state;
    return this.encoderAborted ? HEADERS_STOP_ITERATION : status;
  }

  protected maybeContinueEncoding(index: number): void {
    if (index < 0 || this.encoderAborted) return;
    const entry = this.encoders[index];
    entry.state = STOPPED;
    // Added with the body.
    if (this.responseTrailers !== null) entry.holdTrailers(false);
    entry.continueEncoding();
  }

  encodeDataFrom(from: EncoderEntry | null, bytes: Buffer, endStream: boolean, fromCurrent: boolean): void {
    this.resetIdleTimer();
    if (this.encoderAborted) return;
    const encoders = this.encoders;
    const hadTrailers = this.responseTrailers !== null;
    let data = bytes;
    let trailersFrom = -1;
    for (let i = this.encodeStart(from, endStream, fromCurrent); i < encoders.length; i++) {
      const entry = encoders[i];
      if (entry.stoppedAll) {
        entry.holdStopped(data, endStream);
        return;
      }
      if (entry.endStream) return;
      const status = this.callEncodeData(entry, data, endStream);
      if (this.destroyed) return;
      if (entry.replaced !== null) data = entry.takeReplaced(data, entry.replaced);
      if (status === DATA_CONTINUE && entry.body !== null && entry.state === ITERATE) data = entry.withAdded(data);
      if (!hadTrailers && this.responseTrailers !== null && trailersFrom < 0) {
        trailersFrom = i;
        // What the filter has held leaves before them.
        if (status !== DATA_CONTINUE || entry.state === STOPPED) entry.holdTrailers(false);
      }
      if (!entry.afterData(status, data)) {
        if (trailersFrom >= 0 && trailersFrom < i && this.responseTrailers !== null) this.encodeTrailersFrom(encoders[trailersFrom], this.responseTrailers, false);
        return;
      }
    }
    const codecEnd = endStream && trailersFrom < 0;
    this.encodeDataToCodec(data, codecEnd);
    if (this.destroyed) return;
    if (codecEnd) this.endEncode();
    if (trailersFrom >= 0 && this.responseTrailers !== null) this.encodeTrailersFrom(encoders[trailersFrom], this.responseTrailers, false);
  }

  protected callEncodeData(entry: EncoderEntry, data: Buffer, endStream: boolean): FilterDataStatus {
    const state = endStream ? ENCODE_DATA | END_OF_STREAM : ENCODE_DATA;
    entry.endStream = endStream && this.responseTrailers === null;
    this.callState |= state;
    const status = entry.filter.encodeData(data, entry.endStream);
    if (entry.endStream && !this.destroyed) entry.filter.encodeComplete?.();
    this.callState &= ~state;
    return this.encoderAborted ? DATA_STOP_ITERATION_NO_BUFFER : status;
  }

  encodeTrailersFrom(from: EncoderEntry | null, trailers: HeaderMap, fromCurrent: boolean): void {
    this.resetIdleTimer();
    if (this.encoderAborted) return;
    const encoders = this.encoders;
    for (let i = this.encodeStart(from, true, fromCurrent); i < encoders.length; i++) {
      const entry = encoders[i];
      if (entry.stoppedAll) {
        entry.holdTrailers(true);
        return;
      }
      this.callState |= ENCODE_TRAILERS;
      const status = entry.filter.encodeTrailers(trailers);
      if (!this.destroyed) entry.filter.encodeComplete?.();
      entry.endStream = true;
      this.callState &= ~ENCODE_TRAILERS;
      if (this.encoderAborted || !entry.afterTrailers(status)) return;
    }
    this.encodeTrailersToCodec(trailers);
    if (!this.destroyed) this.endEncode();
  }

  protected endEncode(): void {
    if (this.encoderComplete) {
      bug('response ended twice');
      return;
    }
    this.encoderComplete = true;
    if (this.halfCloseEnabled) this.endIfBothEnded();
    else this.endStreamNow();
  }

  /** The terminal filter has taken the end of the request. */
  protected endDecode(): void {
    this.decoderComplete = true;
    if (this.halfCloseEnabled && !this.decoderAborted) this.endIfBothEnded();
  }

  /**
   * With half close: the stream is over when both directions are, or when the response is and nobody wants the rest of the request. That is so
   * after a local reply, after an error of the upstream's, and where a filter holds back a request that the client has ended.
   */
  private endIfBothEnded(): void {
    if (!this.decoderComplete) {
      const status = this.responseHeaders === null ? -1 : responseStatus(this.responseHeaders);
      if (status >= 300 || (this.encoderComplete && this.observedDecodeEnd)) this.decoderAborted = true;
    }
    if (this.encoderComplete && (this.decoderComplete || this.decoderAborted)) this.endStreamNow();
  }

  addEncodedData(entry: EncoderEntry, data: Uint8Array, streaming: boolean): void {
    if (this.destroyed) return;
    const state = this.callState;
    if (state === 0 || (state & (ENCODE_HEADERS | ENCODE_DATA)) !== 0 || ((state & ENCODE_TRAILERS) !== 0 && entry.state !== ITERATE)) {
      entry.addData(data, streaming);
    } else if ((state & ENCODE_TRAILERS) !== 0) {
      this.encodeDataFrom(entry, Buffer.from(data), false, false);
    } else {
      bug('invalid response data', entry.name);
      this.replyLocally(502, 'Filter error', null, NO_GRPC_STATUS, 'filter_added_invalid_response_data');
    }
  }

  addEncodedTrailers(): HeaderMap {
    if ((this.callState & END_OF_STREAM) === 0) bug('trailers added before the end of the response');
    this.responseTrailers ??= new HeaderMap();
    return this.responseTrailers;
  }
}
