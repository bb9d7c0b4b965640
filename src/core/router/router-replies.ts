import type { HeaderMap } from '../../contract/header-map.ts';
import type { DirectResponseEntry } from '../../contract/route.ts';
import { HEADERS_STOP_ITERATION } from '../../contract/status.ts';
import type { FilterHeadersStatus } from '../../contract/status.ts';
import { NO_GRPC_STATUS } from '../http/local-reply.ts';
import { finalizeRequest } from './request-headers.ts';
import { RESCUE } from './rescue.ts';
import type { Rescue } from './rescue.ts';
import { RouterCharging } from './router-charging.ts';

/** Answers that the router gives itself: what is said is in rescue.ts, here is how. */
export abstract class RouterReplies extends RouterCharging {
  /** Answers before any attempt; `status` 0 = that of `rescue`. */
  protected refuse(rescue: Rescue, status: number): FilterHeadersStatus {
    if (rescue.flag >= 0) this.callbacks.streamInfo.setResponseFlag(rescue.flag);
    this.replyWith(rescue, status === 0 ? rescue.status : status);
    return HEADERS_STOP_ITERATION;
  }

  protected replyDirectly(direct: DirectResponseEntry): void {
    const { callbacks, headers } = this;
    finalizeRequest(direct, headers, callbacks.streamInfo, this.config.suppressEnvoyHeaders);
    const modify = (reply: HeaderMap): void => {
      const location = direct.newUri(headers);
      const redirects = direct.status === 201 || (direct.status >= 300 && direct.status < 400);
      if (location !== '' && redirects) reply.set('location', location);
      // The plain type is every local reply's default and comes after content-length, as in Envoy.
      if (direct.contentType !== '' && direct.contentType !== 'text/plain') reply.set('content-type', direct.contentType);
      direct.finalizeResponseHeaders(headers, reply, callbacks.streamInfo);
    };
    callbacks.sendLocalReply(direct.status, direct.body(headers, callbacks.streamInfo), modify, NO_GRPC_STATUS, 'direct_response');
  }

  protected replyOverloaded(rescue: Rescue, overloaded: boolean): void {
    const callbacks = this.callbacks;
    if (rescue.flag >= 0) callbacks.streamInfo.setResponseFlag(rescue.flag);
    const announce = overloaded && !this.config.suppressEnvoyHeaders;
    const modify = (reply: HeaderMap): void => {
      if (announce) reply.add('x-envoy-overloaded', 'true');
      this.modifyResponse(reply);
    };
    callbacks.sendLocalReply(rescue.status, rescue.body, modify, NO_GRPC_STATUS, rescue.details);
  }

  /** The last attempt has failed: nothing more is tried. Resets the stream when the response has begun. */
  protected abort(rescue: Rescue, overflow: boolean): void {
    if (rescue.flag >= 0) this.callbacks.streamInfo.setResponseFlag(rescue.flag);
    const final = this.bufferOverflowed ? RESCUE.retryBufferExceeded : rescue;
    this.cleanup();
    this.replyOverloaded(final, overflow);
  }

  protected timeoutRescue(rescue: Rescue): Rescue {
    return this.timeoutStatus === 504 ? rescue : { status: this.timeoutStatus, flag: rescue.flag, details: rescue.details, body: '' };
  }

  /** Answers with the status and body of `rescue`; response flags are the caller's business. */
  protected replyWith(rescue: Rescue, status: number): void {
    this.callbacks.sendLocalReply(status, rescue.body, (reply) => this.modifyResponse(reply), NO_GRPC_STATUS, rescue.details);
  }

  protected modifyResponse(headers: HeaderMap): void {
    if (this.attemptCount === 0 || this.route?.virtualHost.includeAttemptCountInResponse !== true) return;
    headers.set('x-envoy-attempt-count', String(this.attemptCount));
  }
}
