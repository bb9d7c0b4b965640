import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import type { ClusterManager } from '../contract/upstream.ts';
import { ActiveListener } from '../core/network/active-listener.ts';
import type { ListenerConfig } from '../core/network/listener-config.ts';
import { buildListener } from '../core/network/listener-config.ts';
import type { DrainState } from './drain.ts';
import type { ThreadServices } from './thread-services.ts';
import { factoryContext, trustingUnpacker } from './thread-services.ts';

/** Listener.DrainType.MODIFY_ONLY */
const MODIFY_ONLY = 1;
/** TrafficDirection.INBOUND */
const INBOUND = 1;

/**
 * The whole way of a request through one worker, outermost first. What is made here once per configuration is used per connection and per
 * request; docs/internals/life-of-a-request.md walks the same way with one request.
 */
export function composeRequestPath(message: Listener, services: ThreadServices, clusters: ClusterManager, drain: DrainState): RequestPath {
  // Whether connections of this listener are told to close: a failed health check, a drain, the end of the process (drain.ts).
  const drainDecision = drain.decisionFor(message.trafficDirection === INBOUND, message.drainType === MODIFY_ONLY);
  // Everything that the parts below may use of their thread: loop, statistics, runtime, logs, shared numbers, clusters.
  const context = factoryContext(services, { clusterManager: clusters, drainDecision, messages: trustingUnpacker, validationOnly: false });
  // socket → filter chain match → network filters, each from its typed_config by the registry (core/network/listener-config).
  //   http_connection_manager: codec/http1 turns bytes into streams, core/http/connection-manager makes each an ActiveStream:
  //     request checks, path normalisation, x-forwarded-for, request id (active-stream), the cached route (active-stream-route)
  //   → HTTP filters in order (core/http/filter-manager-decoding), for each stream its own
  //   → router, the last of them: cluster, timeouts, the route's header changes (core/router/router)
  //   → load balancer picks a host, its pool gives a stream (core/upstream)
  //   → retry state, mirrors, an UpstreamRequest for each attempt (core/router), the client codec writes the request
  // and back: upstream codec → router-responses → filters in reverse (core/http/filter-manager-encoding) → server codec → one write at the
  // end of the turn → access log.
  const config = buildListener(message, context);
  // Envoy lists these for every listener; they count once there are discovered filters (ECDS).
  for (const name of ['extension_config_missing', 'network_extension_config_missing']) config.context.listenerScope.counter(name);
  // Opened when main says so: accepts, counts, and keeps the connections until they end or the worker does.
  return { config, open: (configured) => new ActiveListener(configured) };
}

export interface RequestPath {
  readonly config: ListenerConfig;
  /** Makes the accepting side; `configured` is `config`, on other ports perhaps. */
  open(configured: ListenerConfig): ActiveListener;
}
