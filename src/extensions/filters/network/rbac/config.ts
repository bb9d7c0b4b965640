import type { Message } from '@bufbuild/protobuf';
import type { RBAC as Rules } from '#api/envoy/config/rbac/v3/rbac_pb.js';
import type { RBAC } from '#api/envoy/extensions/filters/network/rbac/v3/rbac_pb.js';
import { refuseFields } from '../../../../common/not-yet.ts';
import { RbacEngine } from '../../../../common/rbac/engine.ts';
import type { RbacRuleOptions } from '../../../../common/rbac/subject.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { durationMs, expectMessage } from '../../../../contract/message.ts';
import type { Counter } from '../../../../contract/stats.ts';

export const NETWORK_RBAC = 'envoy.extensions.filters.network.rbac.v3.RBAC';
const CONTINUOUS = 1;

export interface NetworkRbacConfig {
  /** Null = everybody is allowed, and not counted. */
  readonly engine: RbacEngine | null;
  readonly shadowEngine: RbacEngine | null;
  readonly shadowPrefix: string;
  readonly continuous: boolean;
  /** Milliseconds between a refusal and the close. */
  readonly delayDeny: number;
  readonly allowed: Counter;
  readonly denied: Counter;
  readonly shadowAllowed: Counter;
  readonly shadowDenied: Counter;
}

const OPTIONS: RbacRuleOptions = {
  checkHeaderRule(name) {
    throw new ConfigError(`Found header(name: "${name}") rule,not supported by RBAC network filter`, { path: 'header' });
  },
};

export function readNetworkRbac(message: Message, context: FactoryContext): NetworkRbacConfig {
  const config = expectMessage<RBAC>(message, NETWORK_RBAC);
  refuseFields(config, NETWORK_RBAC, { matcher: 'matcher', shadowMatcher: 'shadow_matcher' });
  const scope = context.rootScope.scope(`${withoutDot(config.statPrefix)}.rbac`);
  const shadowPrefix = config.shadowRulesStatPrefix;
  const shadowScope = shadowPrefix === '' ? scope : scope.scope(withoutDot(shadowPrefix));
  return {
    engine: configAt('rules', () => readRules(config.rules, false, context)),
    shadowEngine: configAt('shadow_rules', () => readRules(config.shadowRules, true, context)),
    shadowPrefix,
    continuous: Number(config.enforcementType) === CONTINUOUS,
    delayDeny: Math.floor(durationMs(config.delayDeny, 0)),
    allowed: scope.counter('allowed'),
    denied: scope.counter('denied'),
    shadowAllowed: shadowScope.counter('shadow_allowed'),
    shadowDenied: shadowScope.counter('shadow_denied'),
  };
}

function readRules(message: Rules | undefined, shadow: boolean, context: FactoryContext): RbacEngine | null {
  return message === undefined ? null : new RbacEngine(message, shadow, OPTIONS, context.messages);
}

/** A prefix may be written with its dot. */
function withoutDot(prefix: string): string {
  return prefix.endsWith('.') ? prefix.slice(0, -1) : prefix;
}
