import type { Message } from '@bufbuild/protobuf';
import type { ConnectionLimit } from '#api/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.js';
import { filterCellName } from '../../../../common/filter-cells.ts';
import { RuntimeFeatureFlag } from '../../../../common/runtime-feature-flag.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { durationMs, expectMessage } from '../../../../contract/message.ts';
import type { SharedCell } from '../../../../contract/shared-cells.ts';
import type { Counter, Gauge } from '../../../../contract/stats.ts';

export const CONNECTION_LIMIT = 'envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit';

export interface ConnectionLimitConfig {
  readonly enabled: RuntimeFeatureFlag;
  readonly maxConnections: number;
  /** Milliseconds between a refusal and the close. */
  readonly delay: number;
  /** Connections now, over all threads. */
  readonly connections: SharedCell;
  readonly limited: Counter;
  readonly active: Gauge;
}

export function readConnectionLimit(message: Message, context: FactoryContext): ConnectionLimitConfig {
  const config = expectMessage<ConnectionLimit>(message, CONNECTION_LIMIT);
  if (config.maxConnections === undefined) throw new ConfigError("Field 'max_connections' is missing", { path: 'max_connections' });
  const scope = context.rootScope.scope(`connection_limit.${config.statPrefix}`);
  return {
    enabled: new RuntimeFeatureFlag(config.runtimeEnabled, context.runtime),
    maxConnections: Number(config.maxConnections),
    delay: Math.floor(durationMs(config.delay, 0)),
    connections: context.sharedCells.cell(filterCellName(context, 'connection_limit')),
    limited: scope.counter('limited_connections'),
    active: scope.gauge('active_connections'),
  };
}
