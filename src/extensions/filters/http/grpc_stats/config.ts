import type { Message } from '@bufbuild/protobuf';
import type { GrpcMethodList } from '#api/envoy/config/core/v3/grpc_method_list_pb.js';
import type { FilterConfig } from '#api/envoy/extensions/filters/http/grpc_stats/v3/config_pb.js';
import { toByteString } from '../../../../common/byte-string.ts';
import { expectMessage } from '../../../../contract/message.ts';

export const GRPC_STATS_CONFIG = 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig';

export interface GrpcStatsConfig {
  /** Message counts are put into filter state. */
  readonly emitFilterState: boolean;
  /** The upstream's time is recorded. */
  readonly upstreamStats: boolean;
  /** With `allMethods`: dots of the service become underscores in names of statistics. */
  readonly replaceDots: boolean;
  /** Every method has statistics of its own. */
  readonly allMethods: boolean;
  /** Those that have them, by service; empty = none, all are counted together. */
  readonly allowlist: ReadonlyMap<string, ReadonlySet<string>>;
}

export function grpcStatsConfig(config: Message): GrpcStatsConfig {
  const message = expectMessage<FilterConfig>(config, GRPC_STATS_CONFIG);
  const chosen = message.perMethodStatSpecifier;
  return Object.freeze({
    emitFilterState: message.emitFilterState,
    upstreamStats: message.enableUpstreamStats,
    replaceDots: message.replaceDotsInGrpcServiceName,
    allMethods: chosen.case === 'statsForAllMethods' && chosen.value.value,
    allowlist: chosen.case === 'individualMethodStatsAllowlist' ? methodsByService(chosen.value) : new Map(),
  });
}

/** A service may stand in the list more than once. */
function methodsByService(list: GrpcMethodList): Map<string, Set<string>> {
  const byService = new Map<string, Set<string>>();
  for (const service of list.services) {
    const name = toByteString(service.name);
    const methods = byService.get(name) ?? new Set();
    for (const method of service.methodNames) methods.add(toByteString(method));
    byService.set(name, methods);
  }
  return byService;
}
