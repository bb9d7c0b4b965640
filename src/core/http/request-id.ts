import type { Random } from '../../base/random.ts';
import type { HeaderMap } from '../../contract/header-map.ts';

/** Why a request is traced (Envoy's Tracing::Reason). */
export const TRACE_NOT_TRACEABLE = 0;
export const TRACE_SAMPLING = 1;
export const TRACE_SERVICE_FORCED = 2;
export const TRACE_CLIENT_FORCED = 3;
export type TraceReason = 0 | 1 | 2 | 3;

/** Place of the UUID version nibble, which carries the trace reason. */
const TRACE_AT = 14;
const UUID_LENGTH = 36;
const NIBBLES: readonly string[] = ['4', '9', 'a', 'b'];

/** `x-request-id` (Envoy's RequestIDExtension): UUID version 4 with the trace reason packed into the version nibble. */
export class UuidRequestId {
  private readonly random: Random;
  private readonly packTraceReason: boolean;
  readonly useForTraceSampling: boolean;

  constructor(random: Random, packTraceReason: boolean, useForTraceSampling: boolean) {
    this.random = random;
    this.packTraceReason = packTraceReason;
    this.useForTraceSampling = useForTraceSampling;
  }

  /** Makes an id where there is none, or where an edge request brings one that is not to be kept. */
  set(headers: HeaderMap, edgeRequest: boolean, keepExternal: boolean): void {
    const at = headers.indexOf('x-request-id');
    if (at < 0) headers.add('x-request-id', this.random.uuid());
    else if (headers.valueAt(at) === '') headers.set('x-request-id', this.random.uuid());
    else if (edgeRequest) {
      if (!keepExternal) headers.set('x-request-id', this.random.uuid());
      else this.setTraceReason(headers, TRACE_NOT_TRACEABLE);
    }
  }

  setInResponse(response: HeaderMap, request: HeaderMap): void {
    const id = request.get('x-request-id');
    if (id !== undefined) response.set('x-request-id', id);
  }

  traceReason(headers: HeaderMap): TraceReason {
    const id = this.packTraceReason ? headers.get('x-request-id') : undefined;
    if (id === undefined || id.length !== UUID_LENGTH) return TRACE_NOT_TRACEABLE;
    switch (id[TRACE_AT]) {
      case '9': return TRACE_SAMPLING;
      case 'a': return TRACE_SERVICE_FORCED;
      case 'b': return TRACE_CLIENT_FORCED;
      default: return TRACE_NOT_TRACEABLE;
    }
  }

  setTraceReason(headers: HeaderMap, reason: TraceReason): void {
    const id = this.packTraceReason ? headers.get('x-request-id') : undefined;
    if (id === undefined || id.length !== UUID_LENGTH) return;
    headers.set('x-request-id', id.slice(0, TRACE_AT) + NIBBLES[reason] + id.slice(TRACE_AT + 1));
  }
}
