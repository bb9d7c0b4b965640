import type { FilterChainMatch } from '#api/envoy/config/listener/v3/listener_components_pb.js';
import type { CidrRange as CidrRangeMessage } from '#api/envoy/config/core/v3/address_pb.js';
import type { Address } from '../../contract/address.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { CidrRange, ipBytes } from './cidr.ts';

/** FilterChainMatch.ConnectionSourceType */
const ANY = 0;
const SAME_IP_OR_LOOPBACK = 1;
const EXTERNAL = 2;
/** What is known of a connection when its chain is chosen. */
export interface ConnectionFacts {
  /** As restored by listener filters. */
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  /** Of the socket itself. */
  readonly directRemoteAddress: Address;
  /** Lower case; empty = none or not looked at. */
  readonly serverName: string;
  /** `tls`, `raw_buffer` … */
  readonly transportProtocol: string;
  /** In the client's order. */
  readonly applicationProtocols: readonly string[];
}

/** One combination of a chain's criteria; lists in a match are alternatives, so a chain has one entry for each combination. */
interface Entry<C> {
  readonly port: number;
  readonly destination: CidrRange | null;
  /** `a.example`; `.a.example` for everything below it; empty = any. */
  readonly serverName: string;
  readonly transport: string;
  readonly application: string;
  readonly directSource: CidrRange | null;
  readonly sourceType: number;
  readonly source: CidrRange | null;
  readonly sourcePort: number;
  readonly chain: C;
}

/**
 * Chooses the filter chain for a connection: each criterion in Envoy's order narrows the chains to those with the most specific value
 * that fits, without ever going back. Server names and application protocols are what listener filters have seen; without them, none.
 */
export class FilterChainMatcher<C> {
  private readonly entries: Entry<C>[];
  private readonly keys: Set<string>;
  private readonly fallback: C | null;
  /** Set when there is one chain without any criterion. */
  private readonly only: C | null;

  /** Throws ConfigError for partial wildcards and malformed ranges; `overlap` is called when two chains have the same combination. */
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

  /** The chain that takes every connection, when there is one without criteria and no other. */
  get single(): C | null {
    return this.only;
  }

  find(facts: ConnectionFacts): C | null {
    return this.only ?? this.narrow(facts) ?? this.fallback;
  }

  private add(entry: Entry<C>, overlap: () => never): void {
    const key = keyOf(entry);
    if (this.keys.has(key)) overlap();
    this.keys.add(key);
    this.entries.push(entry);
  }

  private narrow(facts: ConnectionFacts): C | null {
    const { localAddress: local, remoteAddress: remote } = facts;
    const port = local.kind === 'ip' && this.entries.some((each) => each.port === local.port) ? local.port : 0;
    let left = this.entries.filter((each) => each.port === port);
    left = longest(left, (each) => each.destination, matchBytes(local));
    left = ofServerName(left, facts.serverName);
    left = preferred(left, (each) => each.transport, facts.transportProtocol);
    left = ofApplication(left, facts.applicationProtocols);
    left = longest(left, (each) => each.directSource, matchBytes(facts.directRemoteAddress));
    left = ofSourceType(left, local, remote);
    left = longest(left, (each) => each.source, matchBytes(remote));
    const exact = left.find((each) => each.sourcePort === remote.port);
    return (exact ?? left.find((each) => each.sourcePort === 0))?.chain ?? null;
  }
}

function entriesOf<C>(match: FilterChainMatch | undefined, chain: C): Entry<C>[] {
  if (match === undefined) return [catchAll(chain)];
  const names = match.serverNames.length === 0 ? [''] : match.serverNames.map(readServerName);
  const applications = match.applicationProtocols.length === 0 ? [''] : match.applicationProtocols;
  let entries: Entry<C>[] = [
    { ...catchAll(chain), port: match.destinationPort ?? 0, transport: match.transportProtocol, sourceType: match.sourceType },
  ];
  entries = combine(entries, ranges(match.prefixRanges, 'prefix_ranges'), (entry, destination) => ({ ...entry, destination }));
  entries = combine(entries, names, (entry, serverName) => ({ ...entry, serverName }));
  entries = combine(entries, applications, (entry, application) => ({ ...entry, application }));
  const direct = ranges(match.directSourcePrefixRanges, 'direct_source_prefix_ranges');
  entries = combine(entries, direct, (entry, directSource) => ({ ...entry, directSource }));
  entries = combine(entries, ranges(match.sourcePrefixRanges, 'source_prefix_ranges'), (entry, source) => ({ ...entry, source }));
  return combine(entries, match.sourcePorts.length === 0 ? [0] : match.sourcePorts, (entry, sourcePort) => ({ ...entry, sourcePort }));
}

function combine<C, V>(entries: readonly Entry<C>[], values: readonly V[], put: (entry: Entry<C>, value: V) => Entry<C>): Entry<C>[] {
  return entries.flatMap((entry) => values.map((value) => put(entry, value)));
}

/** `*.a.example` is kept as `.a.example`. */
function readServerName(name: string, index: number): string {
  if (name.startsWith('*.')) return name.slice(1).toLowerCase();
  if (name.includes('*')) throw new ConfigError('partial wildcards are not supported in "server_names"', { path: `server_names[${index}]` });
  return name.toLowerCase();
}

function catchAll<C>(chain: C): Entry<C> {
  return {
    port: 0, destination: null, serverName: '', transport: '', application: '', directSource: null, sourceType: ANY, source: null, sourcePort: 0, chain,
  };
}

function ranges(messages: readonly CidrRangeMessage[], path: string): (CidrRange | null)[] {
  if (messages.length === 0) return [null];
  return messages.map((message, i) => configAt(`${path}[${i}]`, () => CidrRange.fromMessage(message)));
}

function keyOf<C>(entry: Entry<C>): string {
  const { port, destination, serverName, transport, application, directSource, sourceType, source, sourcePort } = entry;
  const ranges = [destination, directSource, source].map((each) => each?.text ?? '');
  return JSON.stringify([port, serverName, transport, application, sourceType, sourcePort, ...ranges]);
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

/** The exact name, else the longest suffix that a wildcard names, else entries for any name. */
function ofServerName<C>(entries: readonly Entry<C>[], name: string): Entry<C>[] {
  const exact = entries.filter((each) => each.serverName === name);
  if (exact.length > 0) return exact;
  for (let dot = name.indexOf('.', 1); dot >= 0 && dot < name.length - 1; dot = name.indexOf('.', dot + 1)) {
    const suffix = name.slice(dot);
    const below = entries.filter((each) => each.serverName === suffix);
    if (below.length > 0) return below;
  }
  return entries.filter((each) => each.serverName === '');
}

/** The first of the client's protocols that any entry names. */
function ofApplication<C>(entries: readonly Entry<C>[], protocols: readonly string[]): Entry<C>[] {
  for (const protocol of protocols) {
    const exact = entries.filter((each) => each.application === protocol);
    if (exact.length > 0) return exact;
  }
  return entries.filter((each) => each.application === '');
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
