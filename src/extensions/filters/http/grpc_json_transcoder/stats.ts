import type { Gauge, Scope } from '../../../../contract/stats.ts';

/** Bytes that the filter holds, over all requests. */
export interface TranscoderStats {
  readonly requestBufferBytes: Gauge;
  readonly responseBufferBytes: Gauge;
}

export function transcoderStats(scope: Scope, prefix: string): TranscoderStats {
  return {
    requestBufferBytes: scope.gauge(`${prefix}transcoder_request_buffer_bytes`),
    responseBufferBytes: scope.gauge(`${prefix}transcoder_response_buffer_bytes`),
  };
}

/** Keeps a gauge at what one stream holds. */
export class HeldBytes {
  private readonly gauge: Gauge;
  private held: number;

  constructor(gauge: Gauge) {
    this.gauge = gauge;
    this.held = 0;
  }

  set(bytes: number): void {
    if (bytes > this.held) this.gauge.add(bytes - this.held);
    else if (bytes < this.held) this.gauge.sub(this.held - bytes);
    this.held = bytes;
  }
}
