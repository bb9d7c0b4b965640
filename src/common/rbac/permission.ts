import type { Permission } from '#api/envoy/config/rbac/v3/rbac_pb.js';
import type { Int32Range } from '#api/envoy/type/v3/range_pb.js';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { buildStringMatcher } from '../matchers/string-matcher.ts';
import { notYet } from '../not-yet.ts';
import { And, ANY, headerRule, InRange, metadataRule, Not, Or, pathRule, sourcedMetadataRule } from './common-matchers.ts';
import type { RbacMatcher, RbacRuleOptions, RbacSubject } from './subject.ts';

/** Ports of a destination: 0 for what has none, which no port is equal to. */
const destinationPort = (subject: RbacSubject): number => {
  const address = subject.info.downstreamLocalAddress;
  return address.kind === 'ip' ? address.port : -1;
};

/** What is done: envoy.config.rbac.v3.Permission. Throws ConfigError with a path below the message. */
export function buildPermission(message: Permission, options: RbacRuleOptions): RbacMatcher {
  const { rule } = message;
  switch (rule.case) {
    case 'andRules': return configAt('and_rules', () => new And(buildPermissions(rule.value.rules, 'rules', options)));
    case 'orRules': return configAt('or_rules', () => new Or(buildPermissions(rule.value.rules, 'rules', options)));
    case 'notRule': return configAt('not_rule', () => new Not(buildPermission(rule.value, options)));
    case 'any': return rule.value ? ANY : new Not(ANY);
    case 'header': {
      options.checkHeaderRule(rule.value.name);
      return configAt('header', () => headerRule(rule.value));
    }
    case 'urlPath': return configAt('url_path', () => pathRule(rule.value));
    case 'destinationIp': return configAt('destination_ip', () => new InRange(rule.value, ({ info }) => info.downstreamLocalAddress));
    case 'destinationPort': {
      const port = rule.value;
      return { matches: (subject) => destinationPort(subject) === port };
    }
    case 'destinationPortRange': return configAt('destination_port_range', () => portRange(rule.value));
    case 'metadata': return configAt('metadata', () => metadataRule(rule.value));
    case 'sourcedMetadata': return configAt('sourced_metadata', () => sourcedMetadataRule(rule.value));
    case 'requestedServerName': {
      const matcher = configAt('requested_server_name', () => buildStringMatcher(rule.value));
      return { matches: ({ connectionInfo }) => matcher.matches(connectionInfo.requestedServerName) };
    }
    case 'matcher': throw notYet(`RBAC matcher extension '${rule.value.name}'`, 'matcher');
    case 'uriTemplate': throw notYet('Permission.uri_template', 'uri_template');
    default: throw new ConfigError('field: "rule", reason: is required');
  }
}

/** `field` is the name of the list, for paths of errors. */
export function buildPermissions(messages: readonly Permission[], field: string, options: RbacRuleOptions): RbacMatcher[] {
  return messages.map((each, i) => configAt(`${field}[${i}]`, () => buildPermission(each, options)));
}

/** From `start` on, below `end`. */
function portRange({ start, end }: Int32Range): RbacMatcher {
  if (start < 0 || start > 65_536) throw new ConfigError(`range start ${start} is out of bounds`, { path: 'start' });
  if (end < 0 || end > 65_536) throw new ConfigError(`range end ${end} is out of bounds`, { path: 'end' });
  if (start >= end) throw new ConfigError(`range start ${start} cannot be greater or equal than range end ${end}`, { path: 'start' });
  return {
    matches(subject) {
      const port = destinationPort(subject);
      return port >= start && port < end;
    },
  };
}
