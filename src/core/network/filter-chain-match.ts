import type { FilterChainMatch } from '#api/envoy/config/listener/v3/listener_components_pb.js';
import type { CidrRange as CidrRangeMessage } from '#api/envoy/config/core/v3/address_pb.js';
import { notYet } from '../../common/not-yet.ts';
import type { Address } from '../../contract/address.ts';
import { configAt } from '../../contract/errors.ts';
import { CidrRange, ipBytes } from './cidr.ts';

/** FilterChainMatch.ConnectionSourceType */
const ANY = 0;
const SAME_IP_OR_LOOPBACK = 1;
const EXTERNAL = 2;
/** What an unencrypted connection that no listener filter has looked at counts as. */
const RAW_BUFFER = 'raw_buffer';

/** One combination of a chain's criteria; lists in a match are alternatives, so a chain has one entry for each combination. */
interface Entry<C> {
  readonly port: number;
  readonly destination: CidrRange | null;
  readonly transport: string;
  readonly directSource: CidrRange | null;
  readonly sourceType: number;
  readonly source: CidrRange | null;
  readonly sourcePort: number;
  readonly chain: C;
}

/**
 * Chooses the filter chain for a connection: each criterion in Envoy's order narrows the chains to those with the most specific value
 * that fits, without ever going back. Server names and application protocols need bytes of the connection and come with the listener filters.
 */
export class FilterChainMatcher<C> {
  private readonly entries: Entry<C>[];
  private readonly keys: Set<string>;
  private readonly fallback: C | null;
  /** Set when there is one chain without any criterion. */
  private readonly only: C | null;

  /** Throws ConfigError for what cannot be matched yet; `overlap` is called when two chains have the same combination. */
  constructor(chains: readonly { match: FilterChainMatch | undefined; chain: C }[], fallback: C | null, overlap: () => never) {
    this.entries = [];
    this.keys = new Set();
    this.fallback = fallback;
    chains.forEach(({ match, chain }, i) => {
      const entries = configAt(`filter_chains[${i}].filter_chain_match`, () => entriesOf(match, chain));
      for (const entry of entries) this.add(entry, overlap);
    });
    this.only = this.keys.size === 1 && this.keys.has(keyOf(catchAll(null))) ? this.entries[0].chain : null;
  }

  find(local: Address, remote: Address): C | null {
    if (this.only !== null) return this.only;
    return this.narrow(local, remote) ?? this.fallback;
  }

  private add(entry: Entry<C>, overlap: () => never): void {
    const key = keyOf(entry);
    if (this.keys.has(key)) overlap();
    this.keys.add(key);
    this.entries.push(entry);
  }

  private narrow(local: Address, remote: Address): C | null {
    const port = local.kind === 'ip' && this.entries.some((each) => each.port === local.port) ? local.port : 0;
    let left = this.entries.filter((each) => each.port === port);
    left = longest(left, (each) => each.destination, matchBytes(local));
    left = preferred(left, (each) => each.transport, RAW_BUFFER);
    const remoteBytes = matchBytes(remote);
    left = longest(left, (each) => each.directSource, remoteBytes);
    left = ofSourceType(left, local, remote);
    left = longest(left, (each) => each.source, remoteBytes);
    const exact = left.find((each) => each.sourcePort === remote.port);
    return (exact ?? left.find((each) => each.sourcePort === 0))?.chain ?? null;
  }
}

function entriesOf<C>(match: FilterChainMatch | undefined, chain: C): Entry<C>[] {
  if (match === undefined) return [catchAll(chain)];
  if (match.serverNames.length > 0) throw notYet('FilterChainMatch.server_names (needs tls_inspector)', 'server_names');
  if (match.applicationProtocols.length > 0) throw notYet('FilterChainMatch.application_protocols', 'application_protocols');
  const destinations = ranges(match.prefixRanges, 'prefix_ranges');
  const directSources = ranges(match.directSourcePrefixRanges, 'direct_source_prefix_ranges');
  const sources = ranges(match.sourcePrefixRanges, 'source_prefix_ranges');
  const sourcePorts = match.sourcePorts.length === 0 ? [0] : match.sourcePorts;
  const entries: Entry<C>[] = [];
  for (const destination of destinations) {
    for (const directSource of directSources) {
      for (const source of sources) {
        for (const sourcePort of sourcePorts) {
          entries.push({
            port: match.destinationPort ?? 0,
            destination,
            transport: match.transportProtocol,
            directSource,
            sourceType: match.sourceType,
            source,
            sourcePort,
            chain,
          });
        }
      }
    }
  }
  return entries;
}

function catchAll<C>(chain: C): Entry<C> {
  return { port: 0, destination: null, transport: '', directSource: null, sourceType: ANY, source: null, sourcePort: 0, chain };
}

function ranges(messages: readonly CidrRangeMessage[], path: string): (CidrRange | null)[] {
  if (messages.length === 0) return [null];
  return messages.map((message, i) => configAt(`${path}[${i}]`, () => CidrRange.fromMessage(message)));
}

function keyOf<C>(entry: Entry<C>): string {
  const { port, destination, transport, directSource, sourceType, source, sourcePort } = entry;
  return [port, destination?.text ?? '', transport, directSource?.text ?? '', sourceType, source?.text ?? '', sourcePort].join('|');
}

/** The entries with the longest range around `bytes`; no range = around everything, the shortest. */
function longest<C>(entries: readonly Entry<C>[], rangeOf: (entry: Entry<C>) => CidrRange | null, bytes: Uint8Array): Entry<C>[] {
  let best = -2;
  let found: Entry<C>[] = [];
  for (const entry of entries) {
    const range = rangeOf(entry);
    if (range !== null && !range.contains(bytes)) continue;
    const length = range === null ? -1 : range.length;
    if (length > best) {
      best = length;
      found = [];
    }
    if (length === best) found.push(entry);
  }
  return found;
}

/** The entries with exactly `value`, else those with none. */
function preferred<C>(entries: readonly Entry<C>[], valueOf: (entry: Entry<C>) => string, value: string): Entry<C>[] {
  const exact = entries.filter((each) => valueOf(each) === value);
  return exact.length > 0 ? exact : entries.filter((each) => valueOf(each) === '');
}

function ofSourceType<C>(entries: readonly Entry<C>[], local: Address, remote: Address): Entry<C>[] {
  const wanted = isSameIpOrLoopback(local, remote) ? SAME_IP_OR_LOOPBACK : EXTERNAL;
  const exact = entries.filter((each) => each.sourceType === wanted);
  return exact.length > 0 ? exact : entries.filter((each) => each.sourceType === ANY);
}

/** Pipes count as local. */
export function isSameIpOrLoopback(local: Address, remote: Address): boolean {
  if (remote.kind !== 'ip') return true;
  return remote.ip === local.ip || remote.ip === '::1' || (remote.family === 4 && remote.ip.startsWith('127.'));
}

/** Addresses without an IP match as 0.0.0.0 would. */
function matchBytes(address: Address): Uint8Array {
  return address.kind === 'ip' ? ipBytes(address.ip) : new Uint8Array(4);
}
