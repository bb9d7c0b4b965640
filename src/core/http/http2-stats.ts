import { HTTP2_COUNTERS, HTTP2_GAUGES } from '../../codec/http2/index.ts';
import type { Http2CodecStats } from '../../codec/http2/index.ts';
import type { Counter, Gauge, Scope } from '../../contract/stats.ts';

/** `http2.` of the process or of a cluster, below `scope`. Made with the first connection, as in Envoy. */
export function bindHttp2Stats(scope: Scope): Http2CodecStats {
  const handles: Record<string, Counter | Gauge> = {};
  for (const [property, name] of Object.entries(HTTP2_COUNTERS)) handles[property] = scope.counter(name);
  for (const [property, name] of Object.entries(HTTP2_GAUGES)) handles[property] = scope.gauge(name);
  if (!isComplete(handles)) throw new Error('a statistic of the HTTP/2 codec has no name');
  return handles;
}

function isComplete(handles: object): handles is Http2CodecStats {
  return 'keepaliveTimeout' in handles && 'txFlushTimeout' in handles && 'streamsActive' in handles;
}
