import type { Principal, Principal_Authenticated } from '#api/envoy/config/rbac/v3/rbac_pb.js';
import type { TypedExtensionConfig } from '#api/envoy/config/core/v3/extension_pb.js';
import type { Config as MtlsAuthenticated } from '#api/envoy/extensions/rbac/principals/mtls_authenticated/v3/mtls_authenticated_pb.js';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { MessageUnpacker } from '../../contract/extension.ts';
import { expectMessage } from '../../contract/message.ts';
import { buildFilterStateMatcher } from '../matchers/filter-state-matcher.ts';
import { buildStringMatcher } from '../matchers/string-matcher.ts';
import type { StringMatcher } from '../matchers/string-matcher.ts';
import { notYet, refuseFields } from '../not-yet.ts';
import { And, ANY, headerRule, InRange, metadataRule, Not, Or, pathRule, sourcedMetadataRule } from './common-matchers.ts';
import type { RbacMatcher, RbacRuleOptions } from './subject.ts';

const MTLS_AUTHENTICATED = 'envoy.extensions.rbac.principals.mtls_authenticated.v3.Config';

/** Who does it: envoy.config.rbac.v3.Principal. Throws ConfigError with a path below the message. */
export function buildPrincipal(message: Principal, options: RbacRuleOptions, messages: MessageUnpacker): RbacMatcher {
  const { identifier } = message;
  switch (identifier.case) {
    case 'andIds': return configAt('and_ids', () => new And(buildPrincipals(identifier.value.ids, 'ids', options, messages)));
    case 'orIds': return configAt('or_ids', () => new Or(buildPrincipals(identifier.value.ids, 'ids', options, messages)));
    case 'notId': return configAt('not_id', () => new Not(buildPrincipal(identifier.value, options, messages)));
    case 'any': return identifier.value ? ANY : new Not(ANY);
    case 'authenticated': return configAt('authenticated', () => authenticated(identifier.value));
    case 'sourceIp': return configAt('source_ip', () => new InRange(identifier.value, ({ connectionInfo }) => connectionInfo.downstreamRemoteAddress));
    case 'directRemoteIp': return configAt('direct_remote_ip', () => new InRange(identifier.value, ({ info }) => info.downstreamDirectRemoteAddress));
    case 'remoteIp': return configAt('remote_ip', () => new InRange(identifier.value, ({ info }) => info.downstreamRemoteAddress));
    case 'header': {
      options.checkHeaderRule(identifier.value.name);
      return configAt('header', () => headerRule(identifier.value));
    }
    case 'urlPath': return configAt('url_path', () => pathRule(identifier.value));
    case 'metadata': return configAt('metadata', () => metadataRule(identifier.value));
    case 'sourcedMetadata': return configAt('sourced_metadata', () => sourcedMetadataRule(identifier.value));
    case 'filterState': {
      const matcher = configAt('filter_state', () => buildFilterStateMatcher(identifier.value));
      return { matches: ({ info }) => matcher.matches(info.filterState) };
    }
    case 'custom': return configAt('custom', () => custom(identifier.value, messages));
    default: throw new ConfigError('field: "identifier", reason: is required');
  }
}

/** `field` is the name of the list, for paths of errors. */
export function buildPrincipals(list: readonly Principal[], field: string, options: RbacRuleOptions, messages: MessageUnpacker): RbacMatcher[] {
  return list.map((each, i) => configAt(`${field}[${i}]`, () => buildPrincipal(each, options, messages)));
}

/** Over TLS; with a name: a URI or DNS name of the client's certificate, or its subject. A client without a certificate has an empty subject. */
function authenticated(message: Principal_Authenticated): RbacMatcher {
  const { principalName } = message;
  if (principalName === undefined) return { matches: ({ ssl }) => ssl !== null };
  const name: StringMatcher = configAt('principal_name', () => buildStringMatcher(principalName));
  return {
    matches({ ssl }) {
      if (ssl === null) return false;
      const certificate = ssl.peerChain.at(0);
      if (certificate === undefined) return name.matches('');
      return anyOf(certificate.uriSans, name) || anyOf(certificate.dnsSans, name) || name.matches(certificate.subject);
    },
  };
}

function anyOf(values: readonly string[], matcher: StringMatcher): boolean {
  for (let i = 0; i < values.length; i++) if (matcher.matches(values[i])) return true;
  return false;
}

function custom(extension: TypedExtensionConfig, messages: MessageUnpacker): RbacMatcher {
  const any = extension.typedConfig;
  if (any === undefined || !any.typeUrl.endsWith(`/${MTLS_AUTHENTICATED}`)) {
    throw notYet(`RBAC principal extension '${extension.name}'`, 'typed_config');
  }
  return configAt('typed_config', () => {
    const config = expectMessage<MtlsAuthenticated>(messages.unpack(any, ''), MTLS_AUTHENTICATED);
    refuseFields(config, 'envoy.extensions.rbac.principals.mtls_authenticated.v3.Config', { sanMatcher: 'san_matcher' });
    if (!config.anyValidatedClientCertificate) {
      const why = 'envoy.rbac.principals.mtls_authenticated did not have any configured validation. At least one configuration field must be set.';
      throw new ConfigError(why, { hint: 'set any_validated_client_certificate' });
    }
    return { matches: ({ ssl }) => ssl !== null && ssl.peerPresented && ssl.peerValidated };
  });
}
