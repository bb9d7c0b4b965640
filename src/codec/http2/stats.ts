/** What the codec counts below `http2.` (Envoy's ALL_HTTP2_CODEC_STATS); contract Counters and Gauges fit. */
export interface Http2Counter {
  inc(): void;
  add(amount: number): void;
}

export interface Http2Gauge {
  inc(): void;
  dec(): void;
  add(amount: number): void;
  sub(amount: number): void;
}

/** Property names are the stat names in camel case. */
export interface Http2CodecStats {
  /** Envoy has a counter of its own since 1.39; no limit of its own leads here. */
  readonly cookiesTotalBytesTooLarge: Http2Counter;
  readonly droppedHeadersWithUnderscores: Http2Counter;
  readonly goawaySent: Http2Counter;
  /** The bytes of a message's headers exceed the limit; `headerOverflow` counts too many of them. */
  readonly headerListSizeTooLarge: Http2Counter;
  readonly headerOverflow: Http2Counter;
  readonly headersCbNoStream: Http2Counter;
  readonly inboundEmptyFramesFlood: Http2Counter;
  readonly inboundPriorityFramesFlood: Http2Counter;
  readonly inboundWindowUpdateFramesFlood: Http2Counter;
  /** Counted by the keep-alive timer's owner. */
  readonly keepaliveTimeout: Http2Counter;
  readonly metadataEmptyFrames: Http2Counter;
  /** Connections by the library that serves them in Envoy, of which `nghttp2` is the default; this codec counts itself as that one. */
  readonly nghttp2DownstreamConnections: Http2Counter;
  readonly nghttp2UpstreamConnections: Http2Counter;
  readonly oghttp2DownstreamConnections: Http2Counter;
  readonly oghttp2UpstreamConnections: Http2Counter;
  readonly outboundControlFlood: Http2Counter;
  readonly outboundFlood: Http2Counter;
  readonly requestsRejectedWithUnderscoresInHeaders: Http2Counter;
  readonly rxMessagingError: Http2Counter;
  readonly rxReset: Http2Counter;
  readonly streamRefusedErrors: Http2Counter;
  readonly trailers: Http2Counter;
  /** Counted by the flush timer's owner. */
  readonly txFlushTimeout: Http2Counter;
  readonly txReset: Http2Counter;
  readonly streamsActive: Http2Gauge;
  /** Body bytes in streams' send buffers. */
  readonly pendingSendBytes: Http2Gauge;
  readonly deferredStreamClose: Http2Gauge;
  readonly outboundFramesActive: Http2Gauge;
  readonly outboundControlFramesActive: Http2Gauge;
}

/** Counter names relative to the owner's scope, by property. */
export const HTTP2_COUNTERS: Readonly<Record<string, string>> = Object.freeze({
  cookiesTotalBytesTooLarge: 'http2.cookies_total_bytes_too_large',
  droppedHeadersWithUnderscores: 'http2.dropped_headers_with_underscores',
  goawaySent: 'http2.goaway_sent',
  headerListSizeTooLarge: 'http2.header_list_size_too_large',
  headerOverflow: 'http2.header_overflow',
  headersCbNoStream: 'http2.headers_cb_no_stream',
  inboundEmptyFramesFlood: 'http2.inbound_empty_frames_flood',
  inboundPriorityFramesFlood: 'http2.inbound_priority_frames_flood',
  inboundWindowUpdateFramesFlood: 'http2.inbound_window_update_frames_flood',
  keepaliveTimeout: 'http2.keepalive_timeout',
  metadataEmptyFrames: 'http2.metadata_empty_frames',
  nghttp2DownstreamConnections: 'http2.nghttp2_downstream_connections',
  nghttp2UpstreamConnections: 'http2.nghttp2_upstream_connections',
  oghttp2DownstreamConnections: 'http2.oghttp2_downstream_connections',
  oghttp2UpstreamConnections: 'http2.oghttp2_upstream_connections',
  outboundControlFlood: 'http2.outbound_control_flood',
  outboundFlood: 'http2.outbound_flood',
  requestsRejectedWithUnderscoresInHeaders: 'http2.requests_rejected_with_underscores_in_headers',
  rxMessagingError: 'http2.rx_messaging_error',
  rxReset: 'http2.rx_reset',
  streamRefusedErrors: 'http2.stream_refused_errors',
  trailers: 'http2.trailers',
  txFlushTimeout: 'http2.tx_flush_timeout',
  txReset: 'http2.tx_reset',
});

/** Gauge names relative to the owner's scope, by property. */
export const HTTP2_GAUGES: Readonly<Record<string, string>> = Object.freeze({
  streamsActive: 'http2.streams_active',
  pendingSendBytes: 'http2.pending_send_bytes',
  deferredStreamClose: 'http2.deferred_stream_close',
  outboundFramesActive: 'http2.outbound_frames_active',
  outboundControlFramesActive: 'http2.outbound_control_frames_active',
});
