import type { Any } from '@bufbuild/protobuf/wkt';
import type { HeaderMutation } from '#api/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.js';
import type { HttpConnectionManager } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { XffConfig } from '#api/envoy/extensions/http/original_ip_detection/xff/v3/xff_pb.js';
import { FormatContext } from '../../../../common/format-context.ts';
import { HeaderMutations } from '../../../../common/header-mutations.ts';
import { CidrSet } from '../../../../common/network/cidr.ts';
import type { Address } from '../../../../contract/address.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import { expectMessage } from '../../../../contract/message.ts';
import type { ConnectionManagerConfig, EarlyHeaderMutation, OriginalIpDetection, OriginalIpResult } from '../../../../core/http/conn-manager-config.ts';
import { isPrivateAddress, lastAddressFromXff, lastUntrustedFromXff } from '../../../../core/http/xff.ts';

type ClientAddressOptions = Pick<
  ConnectionManagerConfig,
  'useRemoteAddress' | 'xffNumTrustedHops' | 'skipXffAppend' | 'originalIpDetection' | 'earlyHeaderMutations' | 'isInternalAddress'
>;

/** Who the client is, and whether it is one of ours. */
export function clientAddressOptions(config: HttpConnectionManager, context: FactoryContext): ClientAddressOptions {
  const useRemoteAddress = config.useRemoteAddress ?? false;
  if (config.originalIpDetectionExtensions.length > 0) {
    const path = 'original_ip_detection_extensions';
    if (useRemoteAddress) throw new ConfigError('Original IP detection extensions and use_remote_address may not be mixed', { path });
    if (config.xffNumTrustedHops > 0) throw new ConfigError('Original IP detection extensions and xff_num_trusted_hops may not be mixed', { path });
  }
  return {
    useRemoteAddress,
    xffNumTrustedHops: config.xffNumTrustedHops,
    skipXffAppend: config.skipXffAppend,
    originalIpDetection: config.originalIpDetectionExtensions.map((extension, i) =>
      configAt(`original_ip_detection_extensions[${i}]`, () => buildDetection(extension.typedConfig, extension.name, context))),
    earlyHeaderMutations: config.earlyHeaderMutationExtensions.map((extension, i) =>
      configAt(`early_header_mutation_extensions[${i}]`, () => buildEarlyMutation(extension.typedConfig, extension.name, context))),
    isInternalAddress: internalAddresses(config),
  };
}

/** Unset: nobody is internal. Set without ranges: private networks (RFC 1918, RFC 4193) and loopback. */
function internalAddresses(config: HttpConnectionManager): (address: Address) => boolean {
  const internal = config.internalAddressConfig;
  if (internal === undefined) return () => false;
  const ranges = new CidrSet();
  internal.cidrRanges.forEach((range, i) =>
    configAt(`internal_address_config.cidr_ranges[${i}]`, () => ranges.add(range.addressPrefix, range.prefixLen ?? 0)));
  const { unixSockets } = internal;
  return (address) => {
    if (address.kind === 'pipe') return unixSockets;
    return ranges.size > 0 ? ranges.has(address.ip) : isPrivateAddress(address);
  };
}

const XFF_CONFIG = 'envoy.extensions.http.original_ip_detection.xff.v3.XffConfig';

function buildDetection(any: Any | undefined, name: string, context: FactoryContext): OriginalIpDetection {
  context.registry.find('envoy.http.original_ip_detection', any, name);
  if (any === undefined) throw new ConfigError(`Original IP detection extension not found: '${name}'`);
  const message = expectMessage<XffConfig>(context.messages.unpack(any, 'typed_config'), XFF_CONFIG);
  return configAt('typed_config', () => new XffDetection(message));
}

class XffDetection implements OriginalIpDetection {
  private readonly hops: number;
  private readonly trusted: CidrSet | null;
  private readonly skipAppend: boolean;

  constructor(message: XffConfig) {
    if (message.xffTrustedCidrs !== undefined && message.xffNumTrustedHops > 0) {
      throw new ConfigError('Cannot set both xff_num_trusted_hops and xff_trusted_cidrs');
    }
    this.hops = message.xffNumTrustedHops;
    this.skipAppend = message.skipXffAppend ?? true;
    this.trusted = message.xffTrustedCidrs === undefined ? null : new CidrSet();
    for (const range of message.xffTrustedCidrs?.cidrs ?? []) this.trusted?.add(range.addressPrefix, range.prefixLen ?? 0);
  }

  detect(headers: HeaderMap, peer: Address): OriginalIpResult {
    if (this.trusted === null) {
      const found = lastAddressFromXff(headers, this.hops);
      return { address: found.address, allowTrustedAddressChecks: found.single, skipXffAppend: this.skipAppend };
    }
    if (!this.trusted.has(peer.ip)) return { address: null, allowTrustedAddressChecks: false, skipXffAppend: false };
    const trusted = this.trusted;
    const found = lastUntrustedFromXff(headers, (ip) => trusted.has(ip));
    return { address: found.address, allowTrustedAddressChecks: found.single, skipXffAppend: this.skipAppend };
  }
}

const EARLY_MUTATION = 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation';

function buildEarlyMutation(any: Any | undefined, name: string, context: FactoryContext): EarlyHeaderMutation {
  context.registry.find('envoy.http.early_header_mutation', any, name);
  if (any === undefined) throw new ConfigError(`Early header mutation extension not found: '${name}'`);
  const message = expectMessage<HeaderMutation>(context.messages.unpack(any, 'typed_config'), EARLY_MUTATION);
  const mutations = configAt('typed_config', () => new HeaderMutations(message.mutations, 'mutations'));
  return {
    mutate(headers, streamInfo) {
      mutations.evaluate(headers, new FormatContext(streamInfo, context.dispatcher.now(), headers));
      return true;
    },
  };
}
