import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { BodyBuffer } from './body-buffer.ts';
import { FilterManagerEncoding } from './filter-manager-encoding.ts';
import { DECODING, ENCODING } from './filter-manager-state.ts';
import { prepareLocalReply } from './local-reply.ts';
import type { LocalReplyModifier, PreparedLocalReply } from './local-reply.ts';

/** Answers that come from this side instead of the upstream, and the two other ways out: a reset, and the same request once more. */
export abstract class FilterManagerReplies extends FilterManagerEncoding {
  /**
   * Answers the request from here: through the encoder filters when no response has begun, straight to the codec when filters hold one
   * back, by reset when headers have left. From inside a decoder call the reply is prepared now and sent when that call returns, so
   * that the filter is not re-entered.
   */
  override replyLocally(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number, details: string): void {
    if (this.destroyed || this.underOnLocalReply) return;
    if ((this.callState & DECODING) !== 0) this.decoderAborted = true;
    else if ((this.callState & ENCODING) !== 0) this.encoderAborted = true;
    if (this.halfCloseEnabled) this.decoderAborted = true;
    this.streamInfo.responseCodeDetails = details;
    this.notifyLocalReply(status, details);
    if (this.destroyed) return;
    if (this.responseHeaders === null && (this.informationalHeaders === null || (this.callState & ENCODING) === 0)) {
      this.replyThroughFilters(status, body, modify, grpcStatus);
    } else if (!this.headersEncoded) {
      this.replyDirectly(status, body, modify, grpcStatus);
    } else {
      this.resetStream(RESET_LOCAL_RESET, '');
    }
  }

  protected notifyLocalReply(status: number, details: string): void {
    this.underOnLocalReply = true;
    this.onLocalReply(status);
    const filters = this.filters;
    for (let i = 0; i < filters.length && !this.destroyed; i++) filters[i].onLocalReply?.(status, details);
    this.underOnLocalReply = false;
  }

  protected replyThroughFilters(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number): void {
    if (this.prepared !== null) return;
    // The route's response header changes apply to local replies too.
    const route = this.route();
    this.createFilterChain(route);
    this.prepared = this.prepareReply(status, body, modify, grpcStatus);
    if ((this.callState & DECODING) === 0) this.executePreparedLocalReply();
  }

  protected prepareReply(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number): PreparedLocalReply {
    return prepareLocalReply(this.localReply, this, this.isGrpcRequest, this.isHeadRequest, status, body, modify, grpcStatus);
  }

  protected executePreparedLocalReply(): void {
    const reply = this.prepared;
    if (reply === null || this.destroyed) return;
    this.prepared = null;
    this.replied = true;
    this.responseHeaders = reply.headers;
    this.encodeHeadersFrom(null, reply.headers, reply.body === null);
    if (reply.body !== null && !this.destroyed) this.encodeDataFrom(null, reply.body, true, false);
  }

  /** Filters hold a response back, or informational headers are stopped: this reply passes them by. */
  protected replyDirectly(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number): void {
    const reply = this.prepareReply(status, body, modify, grpcStatus);
    this.responseHeaders = reply.headers;
    this.headersEncoded = true;
    this.observedEncodeEnd = true;
    this.encoderAborted = true;
    this.decoderAborted = true;
    this.encodeHeadersToCodec(reply.headers, reply.body === null);
    if (this.destroyed) return;
    if (reply.body !== null) this.encodeDataToCodec(reply.body, true);
    if (!this.destroyed) this.endEncode();
  }

  resetStreamByFilter(reason: StreamResetReason, failure: string): void {
    if (this.destroyed) return;
    if ((this.callState & DECODING) !== 0) this.decoderAborted = true;
    else if ((this.callState & ENCODING) !== 0) this.encoderAborted = true;
    this.resetStream(reason, failure);
  }

  /** Whether the stream could be started again with the present request headers. */
  recreateByFilter(headers: HeaderMap, body: BodyBuffer | null): boolean {
    if (!this.observedDecodeEnd || this.destroyed) return false;
    this.decoderAborted = true;
    this.encoderAborted = true;
    this.streamInfo.responseCodeDetails = 'internal_redirect';
    this.recreateStream(headers, body === null || body.length === 0 ? null : body.bytes());
    return true;
  }
}
