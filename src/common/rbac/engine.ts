import type { Policy, RBAC } from '#api/envoy/config/rbac/v3/rbac_pb.js';
import { configAt } from '../../contract/errors.ts';
import type { MessageUnpacker } from '../../contract/extension.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { refuseFields } from '../not-yet.ts';
import { And, Or } from './common-matchers.ts';
import { buildPermissions } from './permission.ts';
import { buildPrincipals } from './principal.ts';
import type { RbacMatcher, RbacRuleOptions, RbacSubject } from './subject.ts';

const ALLOW = 0;
const DENY = 1;
const COMMON_NAMESPACE = 'envoy.common';
const ACCESS_LOG_HINT = 'access_log_hint';

interface NamedPolicy {
  readonly name: string;
  readonly matcher: RbacMatcher;
}

/** The rules of one filter (envoy.config.rbac.v3.RBAC), compiled. */
export class RbacEngine {
  private readonly action: number;
  private readonly policies: readonly NamedPolicy[];
  private readonly shadow: boolean;

  /** `shadow`: the verdict has no effect, so it leaves no mark either. Throws ConfigError with a path below the message. */
  constructor(message: RBAC, shadow: boolean, options: RbacRuleOptions, messages: MessageUnpacker) {
    this.action = message.action;
    this.shadow = shadow;
    // In the order of their names, as Envoy: the first that matches is the one that is reported.
    const names = Object.keys(message.policies).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    this.policies = names.map((name) => ({
      name,
      matcher: configAt(`policies.${name}`, () => buildPolicy(message.policies[name], options, messages)),
    }));
  }

  /** The name of the first policy that matches, or null. */
  match(subject: RbacSubject): string | null {
    const { policies } = this;
    for (let i = 0; i < policies.length; i++) if (policies[i].matcher.matches(subject)) return policies[i].name;
    return null;
  }

  /** Whether a match (or none) means that the subject may pass; the action LOG tells access logs what it saw. */
  allows(matched: boolean, info: StreamInfo): boolean {
    if (this.action === ALLOW) return matched;
    if (this.action === DENY) return !matched;
    if (!this.shadow) setMetadata(info, COMMON_NAMESPACE, ACCESS_LOG_HINT, matched);
    return true;
  }
}

function buildPolicy(message: Policy, options: RbacRuleOptions, messages: MessageUnpacker): RbacMatcher {
  refuseFields(message, 'envoy.config.rbac.v3.Policy', { condition: 'condition', checkedCondition: 'checked_condition', celConfig: 'cel_config' });
  return new And([
    new Or(buildPermissions(message.permissions, 'permissions', options)),
    new Or(buildPrincipals(message.principals, 'principals', options, messages)),
  ]);
}

/** Puts one value of dynamic metadata beside what the namespace has. */
export function setMetadata(info: StreamInfo, namespace: string, key: string, value: unknown): void {
  const all = (info.dynamicMetadata ??= new Map<string, Record<string, unknown>>());
  all.set(namespace, { ...all.get(namespace), [key]: value });
}

/** Response code details and connection termination details of a refusal. `policy`: the policy that matched, or null. */
export function rbacDetails(policy: string | null): string {
  return `rbac_access_denied_matched_policy[${(policy ?? 'none').replace(/[ \t\n\v\f\r]/g, '_')}]`;
}
