import type { ProxyEndpoint, ProxyHeader, Tlv } from '../../../../codec/proxy-protocol/read-header.ts';
import { PROXY_INITIAL_BYTES, readProxyHeader, readTlvs } from '../../../../codec/proxy-protocol/read-header.ts';
import { canonicalIp, ipAddress } from '../../../../common/network/ip-address.ts';
import { PROXY_PROTOCOL_STATE, ProxyProtocolState } from '../../../../common/network/proxy-protocol-state.ts';
import type { Address } from '../../../../contract/address.ts';
import type { ListenerFilter, ListenerFilterBuffer, ListenerFilterCallbacks, ListenerFilterStatus } from '../../../../contract/listener-filter.ts';
import { LISTENER_FILTER_CONTINUE, LISTENER_FILTER_STOP_ITERATION } from '../../../../contract/listener-filter.ts';
import type { StreamInfo } from '../../../../contract/stream-info.ts';
import type { ProxyProtocolSettings } from './config.ts';
import type { ProxyProtocolStats } from './stats.ts';
import { storeTlvs } from './tlv-values.ts';

/** Takes the PROXY header off a connection and believes what it says. */
export class ProxyProtocolFilter implements ListenerFilter {
  maxReadBytes: number;
  private readonly settings: ProxyProtocolSettings;
  private readonly stats: ProxyProtocolStats;
  private callbacks: ListenerFilterCallbacks | null;

  constructor(settings: ProxyProtocolSettings, stats: ProxyProtocolStats) {
    this.maxReadBytes = PROXY_INITIAL_BYTES;
    this.settings = settings;
    this.stats = stats;
    this.callbacks = null;
  }

  onAccept(callbacks: ListenerFilterCallbacks): ListenerFilterStatus {
    this.callbacks = callbacks;
    return LISTENER_FILTER_STOP_ITERATION;
  }

  onData(buffer: ListenerFilterBuffer): ListenerFilterStatus {
    const { callbacks, stats } = this;
    if (callbacks === null) return LISTENER_FILTER_STOP_ITERATION;
    const result = readProxyHeader(buffer.bytes, this.settings);
    switch (result.outcome) {
      case 'incomplete':
        if (result.need > this.maxReadBytes) this.maxReadBytes = result.need;
        return LISTENER_FILTER_STOP_ITERATION;
      case 'absent':
        stats.notFoundAllowed.inc();
        return LISTENER_FILTER_CONTINUE;
      case 'disallowed': {
        const counters = result.version === 1 ? stats.v1 : stats.v2;
        counters.found.inc();
        counters.disallowed.inc();
        return refuse(callbacks);
      }
      case 'invalid':
        return this.invalid(callbacks, result.version);
      case 'header':
        if (!this.apply(result.header, callbacks.streamInfo)) return this.invalid(callbacks, result.header.version);
        (result.header.version === 1 ? stats.v1 : stats.v2).found.inc();
        buffer.drain(result.header.length);
        return LISTENER_FILTER_CONTINUE;
    }
  }

  onClose(): void {}

  private invalid(callbacks: ListenerFilterCallbacks, version: 0 | 1 | 2): ListenerFilterStatus {
    const { stats } = this;
    if (version === 0) stats.notFoundDisallowed.inc();
    else (version === 1 ? stats.v1 : stats.v2).error.inc();
    stats.downstreamCxProxyProtoError.inc();
    return refuse(callbacks);
  }

  /** False when the header says what no TCP connection can be. */
  private apply(header: ProxyHeader, streamInfo: StreamInfo): boolean {
    const tlvs = readTlvs(header.tlvs);
    if (tlvs === null) return false;
    storeTlvs(tlvs, this.settings, streamInfo);
    const source = header.source === null ? streamInfo.downstreamRemoteAddress : addressOf(header.source);
    const destination = header.destination === null ? streamInfo.downstreamLocalAddress : addressOf(header.destination);
    const state = (streamInfo.filterState ??= new Map<string, unknown>());
    state.set(PROXY_PROTOCOL_STATE, new ProxyProtocolState(header.version, source, destination, this.passed(tlvs)));
    if (header.source === null) return true;
    if (!isUnicast(source) || !isUnicast(destination)) return false;
    streamInfo.downstreamRemoteAddress = source;
    if (destination.text !== streamInfo.downstreamLocalAddress.text) streamInfo.downstreamLocalAddress = destination;
    return true;
  }

  private passed(tlvs: readonly Tlv[]): Tlv[] {
    const { passed } = this.settings;
    const kept = passed === null ? tlvs : tlvs.filter(({ type }) => passed.has(type));
    return kept.map(({ type, value }) => ({ type, value: Buffer.from(value) }));
  }
}

function refuse(callbacks: ListenerFilterCallbacks): ListenerFilterStatus {
  callbacks.close();
  return LISTENER_FILTER_STOP_ITERATION;
}

function addressOf({ ip, port }: ProxyEndpoint): Address {
  return ipAddress(canonicalIp(ip) ?? ip, port);
}

/** Neither all zeros nor multicast nor broadcast. */
function isUnicast({ ip, family }: Address): boolean {
  if (family === 6) return ip !== '::' && !ip.startsWith('ff');
  const first = Number(ip.slice(0, ip.indexOf('.')));
  return ip !== '0.0.0.0' && ip !== '255.255.255.255' && (first < 224 || first >= 240);
}
