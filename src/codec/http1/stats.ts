/** The codec's counters below `http1.` (Envoy's ALL_HTTP1_CODEC_STATS); contract Counters fit. */
export interface Http1Counter {
  inc(): void;
}

export interface Http1CodecStats {
  readonly droppedHeadersWithUnderscores: Http1Counter;
  readonly metadataNotSupportedError: Http1Counter;
  readonly requestsRejectedWithUnderscoresInHeaders: Http1Counter;
  readonly responseFlood: Http1Counter;
}
