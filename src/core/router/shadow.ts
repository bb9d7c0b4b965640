import { portStart } from '../../common/http/host-header.ts';
import type { AsyncOngoingRequest, AsyncRequestCallbacks, AsyncRequestOptions, AsyncWatermarkCallbacks } from '../../contract/async-client.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { ShadowPolicy } from '../../contract/route.ts';
import type { RouterFilter } from './router.ts';

/** The answer of a mirror is counted by the router that carries it, and dropped. */
const NOBODY: AsyncRequestCallbacks = { onSuccess: () => {}, onFailure: () => {} };

/**
 * The mirrors of one request (`request_mirror_policies`): requests of the proxy's own that stream along, and nothing of them shows to the
 * client. A mirror that is slow to take the body slows the request down, as in Envoy: neither may grow.
 */
export class Shadows implements AsyncWatermarkCallbacks {
  private readonly router: RouterFilter;
  private readonly streams: AsyncOngoingRequest[];

  private constructor(router: RouterFilter) {
    this.router = router;
    this.streams = [];
  }

  /** Starts a mirror for each policy that wants this request; null when none is left to be fed. */
  static start(router: RouterFilter, policies: readonly ShadowPolicy[], endStream: boolean): Shadows | null {
    // A tunnel's bytes are no request to repeat.
    if (router.headers.get(':method') === 'CONNECT') return null;
    const shadows = new Shadows(router);
    for (const policy of policies) shadows.startOne(policy, endStream);
    return shadows.streams.length === 0 ? null : shadows;
  }

  sendData(data: Buffer, endStream: boolean): void {
    const { streams } = this;
    for (let i = 0; i < streams.length; i++) {
      if (endStream) streams[i].setWatermarkCallbacks(null);
      streams[i].sendData(data, endStream);
    }
    if (endStream) streams.length = 0;
  }

  sendTrailers(trailers: HeaderMap): void {
    for (const stream of this.streams) {
      stream.setWatermarkCallbacks(null);
      stream.sendTrailers(trailers.clone());
    }
    this.streams.length = 0;
  }

  /** The request is gone: mirrors that have not got all of it are cut off; the others finish on their own. */
  cancel(): void {
    for (const stream of this.streams) {
      stream.setWatermarkCallbacks(null);
      stream.cancel();
    }
    this.streams.length = 0;
  }

  onAboveWriteBufferHighWatermark(): void {
    this.router.callbacks.onDecoderFilterAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.router.callbacks.onDecoderFilterBelowWriteBufferLowWatermark();
  }

  private startOne(policy: ShadowPolicy, endStream: boolean): void {
    const { config, callbacks } = this.router;
    if (!config.runtime.snapshot().featureEnabled(policy.runtimeKey, policy.fraction, callbacks.streamId)) return;
    const name = policy.cluster !== '' ? policy.cluster : (this.router.headers.get(policy.clusterHeader) ?? '');
    const client = name === '' ? null : config.asyncClients.forCluster(name);
    if (client === null) return;
    const headers = this.mirrorHeaders(policy);
    const options = this.options();
    if (endStream) {
      client.send({ headers, body: null }, NOBODY, options);
      return;
    }
    const stream = client.startRequest(headers, NOBODY, options);
    if (stream === null) return;
    stream.setWatermarkCallbacks(this);
    this.streams.push(stream);
  }

  private mirrorHeaders(policy: ShadowPolicy): HeaderMap {
    const headers = this.router.headers.clone();
    policy.mutateHeaders?.(headers, this.router.callbacks.streamInfo);
    const literal = policy.hostRewriteLiteral ?? '';
    if (literal !== '') headers.set(':authority', literal);
    else if (!policy.disableShadowHostSuffixAppend) headers.set(':authority', shadowHost(headers.get(':authority') ?? ''));
    return headers;
  }

  private options(): AsyncRequestOptions {
    const { config, callbacks, timeouts } = this.router;
    // 0 would mean "no limit" to the mirror.
    const limit = this.router.effectiveBufferLimit();
    return {
      timeout: timeouts.global,
      bufferLimit: limit === Infinity ? 0 : Math.max(1, limit),
      discardResponseBody: true,
      routerConfig: config,
      parent: callbacks.streamInfo,
    };
  }
}

/** `host-shadow`, before the port. */
function shadowHost(host: string): string {
  const at = portStart(host);
  return at < 0 ? `${host}-shadow` : `${host.slice(0, at)}-shadow${host.slice(at)}`;
}
