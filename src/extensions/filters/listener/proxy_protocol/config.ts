import type { ProxyProtocol } from '#api/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js';
import { ConfigError } from '../../../../contract/errors.ts';

export const PROXY_PROTOCOL = 'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol';
const DEFAULT_NAMESPACE = 'envoy.filters.listener.proxy_protocol';
/** ProxyProtocolConfig.Version */
const V1 = 0;
const V2 = 1;
/** ProxyProtocol.TlvLocation */
const FILTER_STATE = 1;
/** ProxyProtocolPassThroughTLVs.PassTLVsMatchType */
const INCLUDE_ALL = 0;
/** KeyValuePair.ValueStringEncoding */
const BASE64 = 2;

/** Where the value of a TLV goes. */
export interface TlvRule {
  readonly namespace: string;
  readonly key: string;
  readonly base64: boolean;
}

/** ProxyProtocol with its defaults. */
export interface ProxyProtocolSettings {
  readonly optional: boolean;
  readonly allowV1: boolean;
  readonly allowV2: boolean;
  readonly statPrefix: string;
  /** By TLV type. */
  readonly rules: ReadonlyMap<number, TlvRule>;
  readonly toFilterState: boolean;
  /** Types that are kept for the upstream's PROXY header; null = all. */
  readonly passed: ReadonlySet<number> | null;
}

export function proxyProtocolSettings(message: ProxyProtocol): ProxyProtocolSettings {
  const allowV1 = !message.disallowedVersions.includes(V1);
  const allowV2 = !message.disallowedVersions.includes(V2);
  if (!allowV1 && !allowV2) {
    throw new ConfigError('Proxy Protocol filter is misconfigured: all proxy protocol versions are disallowed.', { path: 'disallowed_versions' });
  }
  const rules = message.rules.map(({ tlvType, onTlvPresent }): [number, TlvRule] => {
    const namespace = onTlvPresent?.metadataNamespace ?? '';
    return [
      tlvType,
      { namespace: namespace === '' ? DEFAULT_NAMESPACE : namespace, key: onTlvPresent?.key ?? '', base64: onTlvPresent?.valueStringEncoding === BASE64 },
    ];
  });
  const pass = message.passThroughTlvs;
  return {
    optional: message.allowRequestsWithoutProxyProtocol,
    allowV1,
    allowV2,
    statPrefix: message.statPrefix,
    rules: new Map(rules),
    toFilterState: message.tlvLocation === FILTER_STATE,
    passed: pass === undefined ? new Set() : pass.matchType === INCLUDE_ALL ? null : new Set(pass.tlvType),
  };
}
