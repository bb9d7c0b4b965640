import type { ExtensionFactory } from '../contract/extension.ts';

/**
 * Extensions of Envoy that the engine itself implements, so that their configuration only has to be known: the code stands where the
 * comment says.
 */
export const BUILT_IN: readonly ExtensionFactory[] = [
  // core/upstream/build-cluster.
  {
    name: 'envoy.load_balancing_policies.round_robin',
    category: 'envoy.load_balancing_policies',
    configTypes: ['envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin'],
    status: 'partly',
    statusNote: 'without slow start and locality weights',
  },
  // core/upstream/http-protocol-options.
  {
    name: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    category: 'envoy.upstream_options',
    configTypes: ['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'],
    status: 'partly',
    statusNote: 'HTTP/1 only',
  },
  // core/health.
  {
    name: 'envoy.health_checkers.http',
    category: 'envoy.health_checkers',
    configTypes: [],
    status: 'partly',
    statusNote: 'without HTTP/3 and TLS',
  },
  { name: 'envoy.health_checkers.tcp', category: 'envoy.health_checkers', configTypes: [], status: 'partly', statusNote: 'without TLS' },
  { name: 'envoy.health_checkers.grpc', category: 'envoy.health_checkers', configTypes: [], status: 'partly', statusNote: 'without TLS' },
  {
    name: 'envoy.health_check.event_sinks.file',
    category: 'envoy.health_check.event_sinks',
    configTypes: ['envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink'],
    status: 'works',
  },
  // codec/http1.
  {
    name: 'envoy.http.stateful_header_formatters.preserve_case',
    category: 'envoy.http.stateful_header_formatters',
    configTypes: ['envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig'],
    status: 'works',
  },
];
