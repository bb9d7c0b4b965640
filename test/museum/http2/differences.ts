import type { Verdict } from './case.ts';

export interface Difference {
  readonly why: string;
  /** What nuncio does, where it is not what Envoy does. */
  readonly verdict: Partial<Verdict>;
}

/** Where nuncio differs from Envoy on purpose, by case. A GOAWAY where Envoy closes without a word is no entry: see differences.md. */
export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'stream id: PRIORITY on stream 0': {
    why: 'RFC 9113 section 6.3: a connection error (h2spec http2/6.3.1)',
    verdict: { goaway: 'PROTOCOL_ERROR', ended: 'fin', stats: { 'http.museum.downstream_cx_protocol_error': 1, 'http2.nghttp2_downstream_connections': 1 } },
  },
  'stream id: PRIORITY that depends on itself': {
    why: 'RFC 7540 section 5.3.1: an error (h2spec http2/5.3.1); Envoy ignores it',
    verdict: { goaway: 'PROTOCOL_ERROR', ended: 'fin', stats: { 'http.museum.downstream_cx_protocol_error': 1, 'http2.nghttp2_downstream_connections': 1 } },
  },
  'stream id: HEADERS behind RST_STREAM': {
    why: 'RFC 9113 section 5.1: a connection error of type STREAM_CLOSED (h2spec http2/5.1); Envoy ignores it',
    verdict: { goaway: 'STREAM_CLOSED', ended: 'fin', stats: { 'http.museum.downstream_cx_protocol_error': 1, 'http.museum.downstream_rq_rx_reset': 1, 'http2.nghttp2_downstream_connections': 1, 'http2.rx_reset': 1 } },
  },
  'stream id: DATA behind RST_STREAM': {
    why: 'RFC 9113 section 5.1: an error of type STREAM_CLOSED (h2spec http2/5.1); Envoy ignores it',
    verdict: { goaway: 'STREAM_CLOSED', ended: 'fin', stats: { 'http.museum.downstream_cx_protocol_error': 1, 'http.museum.downstream_rq_rx_reset': 1, 'http2.nghttp2_downstream_connections': 1, 'http2.rx_reset': 1 } },
  },
  'stream id: HEADERS on a lower stream': {
    why: 'RFC 9113 section 5.1.1: a connection error (h2spec http2/5.1.1); Envoy ignores it',
    verdict: { goaway: 'STREAM_CLOSED', ended: 'fin', stats: { 'http.museum.downstream_cx_protocol_error': 1, 'http.museum.downstream_rq_rx_reset': 1, 'http2.nghttp2_downstream_connections': 1 }, log: ['0 DPE codec_error:The_user_callback_function_failed / ×1'] },
  },
  'desync-5: whitespace around values': {
    why: 'RFC 9113 section 8.2.1: such a value is malformed; nuncio passes it on without the whitespace, so that HTTP/1 behind reads the same',
    verdict: { origin: ['GET / HTTP/1.1\r\nhost: a\r\nx: a\r\n\r\n ×1'] },
  },
  'CVE-2025-8671: MadeYouReset by a stream that depends on itself': {
    why: 'as above: the first such frame ends the connection',
    verdict: { goaway: 'PROTOCOL_ERROR', ended: 'fin', stats: { 'http.museum.downstream_cx_protocol_error': 1, 'http.museum.downstream_rq_rx_reset': 1, 'http2.nghttp2_downstream_connections': 1 }, log: ['0 DPE http2.unknown.nghttp2.error / ×1'], origin: ['GET / HTTP/1.1\r\nhost: a\r\n\r\n ×1'] },
  },
  'window: overflow on a stream': {
    why: 'RFC 9113 section 6.9.1: a stream error of type FLOW_CONTROL_ERROR (h2spec http2/6.9.1); Envoy ends the connection',
    verdict: { ended: 'open', streams: ['reset FLOW_CONTROL_ERROR ×1'], stats: { 'http.museum.downstream_rq_rx_reset': 1, 'http2.nghttp2_downstream_connections': 1, 'http2.tx_reset': 1 }, log: ['0 DR http2.remote_reset / ×1'], origin: ['GET / HTTP/1.1\r\nhost: a\r\n\r\n ×1'] },
  },
  'window: INITIAL_WINDOW_SIZE that makes a window overflow': {
    why: 'RFC 9113 section 6.9.2: a connection error of type FLOW_CONTROL_ERROR; Envoy ends the stream',
    verdict: { goaway: 'FLOW_CONTROL_ERROR', ended: 'fin', streams: [], stats: { 'http.museum.downstream_cx_protocol_error': 1, 'http.museum.downstream_rq_rx_reset': 1, 'http2.nghttp2_downstream_connections': 1 }, log: ['0 DPE codec_error:The_user_callback_function_failed / ×1'], origin: ['GET / HTTP/1.1\r\nhost: a\r\n\r\n ×1'] },
  },
};
