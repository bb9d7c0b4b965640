import { bug } from '../../base/bug.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import {
  DATA_CONTINUE, HEADERS_CONTINUE_AND_DONT_END_STREAM, HEADERS_STOP_ITERATION, TRAILERS_STOP_ITERATION,
} from '../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../contract/status.ts';
import { PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { DecoderEntry } from './decoder-entry.ts';
import { ITERATE, STOPPED } from './filter-entry.ts';
import { FilterManagerReplies } from './filter-manager-replies.ts';
import { DECODE_DATA, DECODE_HEADERS, DECODE_TRAILERS, END_OF_STREAM, startIndex } from './filter-manager-state.ts';
import { NO_GRPC_STATUS } from './local-reply.ts';

/**
 * The request's way: from the codec through the decoder filters, first to last. The last one, the terminal filter, takes it all. After
 * every call a filter may have answered, reset or ended the stream: `decoderAborted` says so.
 */
export abstract class FilterManagerDecoding extends FilterManagerReplies {
  protected decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.observedDecodeEnd = endStream;
    this.decodeHeadersFrom(null, headers, endStream);
  }

  protected decodeData(data: Buffer, endStream: boolean): void {
    this.observedDecodeEnd = endStream;
    this.decodeDataFrom(null, data, endStream, false);
  }

  /**
   * Filters before the router see the end of an HTTP/1 body apart from its last bytes, as Envoy's codec gives it: limits count the bytes first.
   * With the router alone there is no difference to see.
   */
  protected get endComesApart(): boolean {
    return this.decoders.length > 1 && this.streamInfo.protocol < PROTOCOL_HTTP2;
  }

  protected decodeTrailers(trailers: HeaderMap): void {
    this.observedDecodeEnd = true;
    this.requestTrailers = trailers;
    this.decodeTrailersFrom(null, trailers, false);
  }

  decodeHeadersFrom(from: DecoderEntry | null, headers: HeaderMap, end: boolean): void {
    const decoders = this.decoders;
    const last = decoders.length - 1;
    let endStream = end;
    /** The first filter that added a body to a request without one: the body goes on from there. */
    let bodyFrom = -1;
    let terminalSawEnd = false;
    for (let i = from === null ? 0 : from.index + 1; i <= last; i++) {
      const entry = decoders[i];
      entry.endStream = endStream && bodyFrom < 0;
      const status = this.callDecodeHeaders(entry, headers);
      const goOn = entry.afterHeaders(status);
      if (status === HEADERS_CONTINUE_AND_DONT_END_STREAM) endStream = false;
      if (goOn && this.decoderAborted && !this.destroyed) bug('filter continued after a local reply', entry.name);
      if (entry.endStream && !this.destroyed) entry.filter.decodeComplete?.();
      if ((this.decoderAborted || !goOn) && i < last) {
        this.maybeContinueDecoding(bodyFrom);
        return;
      }
      if (endStream && entry.body !== null && bodyFrom < 0) bodyFrom = i;
      terminalSawEnd = i === last && entry.endStream && bodyFrom < 0;
    }
    this.maybeContinueDecoding(bodyFrom);
    if (endStream) this.disarmRequestTimeout();
    if (terminalSawEnd) this.endDecode();
  }

  protected callDecodeHeaders(entry: DecoderEntry, headers: HeaderMap): FilterHeadersStatus {
    const state = entry.endStream ? DECODE_HEADERS | END_OF_STREAM : DECODE_HEADERS;
    this.callState |= state;
    const status = entry.filter.decodeHeaders(headers, entry.endStream);
    this.callState &= ~state;
    if (!this.decoderAborted) return status;
    this.executePreparedLocalReply();
    return HEADERS_STOP_ITERATION;
  }

  /** A body was added to a request that came without: it goes on from the filter that added it. */
  protected maybeContinueDecoding(index: number): void {
    if (index < 0 || this.decoderAborted) return;
    const entry = this.decoders[index];
    entry.state = STOPPED;
    // Added with the body.
    if (this.requestTrailers !== null) entry.holdTrailers(false);
    entry.continueDecoding();
  }

  decodeDataFrom(from: DecoderEntry | null, bytes: Buffer, end: boolean, fromCurrent: boolean): void {
    this.resetIdleTimer();
    if (this.decoderAborted) return;
    const decoders = this.decoders;
    const last = decoders.length - 1;
    const hadTrailers = this.requestTrailers !== null;
    let data = bytes;
    let endStream = end;
    let trailersFrom = -1;
    let terminalSawEnd = false;
    for (let i = startIndex(from, fromCurrent); i <= last; i++) {
      const entry = decoders[i];
      if (entry.stoppedAll) {
        entry.holdStopped(data, endStream);
        return;
      }
      // The end was decoded by this filter already: data added upon that is not its business.
      if (entry.endStream) return;
      const status = this.callDecodeData(entry, data, endStream);
      if (this.decoderAborted) {
        this.executePreparedLocalReply();
        return;
      }
      if (entry.replaced !== null) data = entry.takeReplaced(data, entry.replaced);
      if (status === DATA_CONTINUE && entry.body !== null && entry.state === ITERATE) data = entry.withAdded(data);
      if (!hadTrailers && this.requestTrailers !== null && trailersFrom < 0) {
        endStream = false;
        trailersFrom = i;
        // What the filter has held leaves before them.
        if (status !== DATA_CONTINUE || entry.state === STOPPED) entry.holdTrailers(false);
      }
      terminalSawEnd = endStream && i === last;
      if (!entry.afterData(status, data) && i < last) {
        // Trailers that this very filter added wait with its data.
        if (trailersFrom === i) return;
        break;
      }
    }
    if (trailersFrom >= 0 && this.requestTrailers !== null) this.decodeTrailersFrom(decoders[trailersFrom], this.requestTrailers, false);
    if (endStream) this.disarmRequestTimeout();
    if (terminalSawEnd) this.endDecode();
  }

  protected callDecodeData(entry: DecoderEntry, data: Buffer, endStream: boolean): FilterDataStatus {
    const state = endStream ? DECODE_DATA | END_OF_STREAM : DECODE_DATA;
    entry.endStream = endStream && this.requestTrailers === null;
    this.callState |= state;
    const status = entry.filter.decodeData(data, entry.endStream);
    if (entry.endStream && !this.destroyed) entry.filter.decodeComplete?.();
    this.callState &= ~state;
    return status;
  }

  decodeTrailersFrom(from: DecoderEntry | null, trailers: HeaderMap, fromCurrent: boolean): void {
    if (this.decoderAborted) return;
    const decoders = this.decoders;
    const last = decoders.length - 1;
    for (let i = startIndex(from, fromCurrent); i <= last; i++) {
      const entry = decoders[i];
      if (entry.stoppedAll) {
        entry.holdTrailers(true);
        return;
      }
      const status = this.callDecodeTrailers(entry, trailers);
      if (!entry.afterTrailers(status) && i < last) return;
      if (this.decoderAborted && i < last) return;
    }
    this.disarmRequestTimeout();
    this.endDecode();
  }

  protected callDecodeTrailers(entry: DecoderEntry, trailers: HeaderMap): FilterTrailersStatus {
    this.callState |= DECODE_TRAILERS;
    const status = entry.filter.decodeTrailers(trailers);
    if (!this.destroyed) entry.filter.decodeComplete?.();
    entry.endStream = true;
    this.callState &= ~DECODE_TRAILERS;
    if (!this.decoderAborted) return status;
    this.executePreparedLocalReply();
    return TRAILERS_STOP_ITERATION;
  }

  /** What is beside the message passes the filters by. */
  protected decodeMetadataAtTerminal(metadata: ReadonlyMap<string, string>): void {
    if (!this.decoderAborted) this.decoders.at(-1)?.filter.decodeMetadata?.(metadata);
  }

  addDecodedData(entry: DecoderEntry, data: Uint8Array, streaming: boolean): void {
    if (this.destroyed) return;
    const state = this.callState;
    if (state === 0 || (state & (DECODE_HEADERS | DECODE_DATA)) !== 0 || ((state & DECODE_TRAILERS) !== 0 && entry.state !== ITERATE)) {
      entry.addData(data, streaming);
    } else if ((state & DECODE_TRAILERS) !== 0) {
      this.decodeDataFrom(entry, Buffer.from(data), false, false);
    } else {
      bug('invalid request data', entry.name);
      this.replyLocally(502, 'Filter error', null, NO_GRPC_STATUS, 'filter_added_invalid_request_data');
    }
  }

  addDecodedTrailers(): HeaderMap {
    if ((this.callState & END_OF_STREAM) === 0) bug('trailers added before the end of the request');
    this.requestTrailers ??= new HeaderMap();
    return this.requestTrailers;
  }
}
