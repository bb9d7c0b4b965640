import { latin1 } from '../../../../base/latin1.ts';
import { probeRequestLine } from '../../../../codec/http1/index.ts';
import type { ListenerFilter, ListenerFilterBuffer, ListenerFilterCallbacks, ListenerFilterStatus } from '../../../../contract/listener-filter.ts';
import { LISTENER_FILTER_CONTINUE, LISTENER_FILTER_STOP_ITERATION } from '../../../../contract/listener-filter.ts';
import type { HttpInspectorStats } from './stats.ts';

const INITIAL_BYTES = 8 * 1_024;
/** Bytes of a request line that are waited for. */
const MAX_BYTES = 64 * 1_024;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const HTTP10: readonly string[] = ['http/1.0'];
const HTTP11: readonly string[] = ['http/1.1'];
const H2C: readonly string[] = ['h2c'];
const CR = 13;
const LF = 10;

/** Looks at the first line of an unencrypted connection for HTTP and its version; consumes nothing. */
export class HttpInspectorFilter implements ListenerFilter {
  maxReadBytes: number;
  private readonly stats: HttpInspectorStats;
  private callbacks: ListenerFilterCallbacks | null;

  constructor(stats: HttpInspectorStats) {
    this.maxReadBytes = INITIAL_BYTES;
    this.stats = stats;
    this.callbacks = null;
  }

  onAccept(callbacks: ListenerFilterCallbacks): ListenerFilterStatus {
    const { transportProtocol } = callbacks;
    if (transportProtocol !== '' && transportProtocol !== 'raw_buffer') return LISTENER_FILTER_CONTINUE;
    this.callbacks = callbacks;
    return LISTENER_FILTER_STOP_ITERATION;
  }

  onData(buffer: ListenerFilterBuffer): ListenerFilterStatus {
    const { bytes } = buffer;
    const { callbacks, stats } = this;
    if (callbacks === null) return LISTENER_FILTER_CONTINUE;
    const length = Math.min(bytes.length, PREFACE.length);
    if (bytes.compare(PREFACE, 0, length, 0, length) === 0) {
      if (length < PREFACE.length) return LISTENER_FILTER_STOP_ITERATION;
      stats.http2Found.inc();
      callbacks.applicationProtocols = H2C;
      return LISTENER_FILTER_CONTINUE;
    }
    if (bytes[0] === CR || bytes[0] === LF) {
      stats.httpNotFound.inc();
      return LISTENER_FILTER_CONTINUE;
    }
    const end = bytes.indexOf(LF);
    return end < 0 ? this.wait(callbacks, bytes.length) : this.judge(callbacks, latin1(bytes, 0, end));
  }

  onClose(): void {}

  private wait(callbacks: ListenerFilterCallbacks, read: number): ListenerFilterStatus {
    if (read >= MAX_BYTES) {
      this.stats.readError.inc();
      callbacks.close();
    } else if (read >= this.maxReadBytes) this.maxReadBytes = Math.min(2 * this.maxReadBytes, MAX_BYTES);
    return LISTENER_FILTER_STOP_ITERATION;
  }

  private judge(callbacks: ListenerFilterCallbacks, line: string): ListenerFilterStatus {
    const { stats } = this;
    const version = probeRequestLine(line);
    if (version === '') stats.httpNotFound.inc();
    else if (version === '1.1') {
      stats.http11Found.inc();
      callbacks.applicationProtocols = HTTP11;
    } else {
      stats.http10Found.inc();
      callbacks.applicationProtocols = HTTP10;
    }
    return LISTENER_FILTER_CONTINUE;
  }
}
