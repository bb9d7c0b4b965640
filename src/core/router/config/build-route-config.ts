import type { RouteConfiguration } from '#api/envoy/config/route/v3/route_pb.js';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { removePathParameters, removeQueryAndFragment } from '../../../common/http/path.ts';
import { refuseFields } from '../../../common/not-yet.ts';
import { configAt } from '../../../contract/errors.ts';
import type { FactoryContext } from '../../../contract/extension.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { Route, RouteConfig } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import { DomainTable } from './domain-table.ts';
import { LazyVirtualHost } from './lazy-virtual-host.ts';
import { buildShadowPolicies } from './policies.ts';
import { buildLevel } from './route-level.ts';
import type { TableFacts } from './table-facts.ts';

export interface RouteConfigOptions {
  /** Default of `validate_clusters`: true for a table in a listener, false for one from RDS. */
  readonly validateClusters: boolean;
  /** Builds every virtual host now, so that every error shows; else each on first use. Default: when the context only validates. */
  readonly eager?: boolean;
}

const DEFAULT_MAX_DIRECT_RESPONSE_BODY = 4_096;

/**
 * Builds a route table (envoy.config.route.v3.RouteConfiguration). Throws ConfigError with paths from the message. What belongs to later
 * features is refused.
 */
export function buildRouteConfig(message: RouteConfiguration, context: FactoryContext, options: RouteConfigOptions): RouteConfig {
  refuseFields(message, 'envoy.config.route.v3.RouteConfiguration', {
    vhds: 'vhds', clusterSpecifierPlugins: 'cluster_specifier_plugins', routeSpecifiers: 'route_specifiers',
  });
  return new RouteTable(message, tableFacts(message, context, options), options.eager ?? context.validationOnly);
}

function tableFacts(message: RouteConfiguration, context: FactoryContext, options: RouteConfigOptions): TableFacts {
  const level = buildLevel(message, context);
  const validate = message.validateClusters ?? options.validateClusters;
  return Object.freeze({
    name: toByteString(message.name),
    context,
    knownClusters: validate ? new Set(context.clusterManager.clusterNames) : null,
    ignorePathParameters: message.ignorePathParametersInPathMatching,
    mostSpecificWins: message.mostSpecificHeaderMutationsWins,
    maxDirectResponseBody: message.maxDirectResponseBodySizeBytes ?? DEFAULT_MAX_DIRECT_RESPONSE_BODY,
    requestHeaders: level.requestHeaders,
    responseHeaders: level.responseHeaders,
    perFilter: level.perFilter,
    shadowPolicies: buildShadowPolicies(message.requestMirrorPolicies, context.dispatcher),
  });
}

class RouteTable implements RouteConfig {
  readonly name: string;
  readonly internalOnlyHeaders: readonly string[];
  readonly ignorePathParametersInPathMatching: boolean;
  private readonly domains: DomainTable<LazyVirtualHost>;
  /** Header whose value names the virtual host instead of the host; empty = the host. */
  private readonly hostHeader: string;

  constructor(message: RouteConfiguration, facts: TableFacts, eager: boolean) {
    this.name = facts.name;
    this.internalOnlyHeaders = message.internalOnlyHeaders.map((name) => asciiLowerCase(toByteString(name)));
    this.ignorePathParametersInPathMatching = facts.ignorePathParameters;
    this.hostHeader = message.vhostHeader === '' ? ':authority' : asciiLowerCase(toByteString(message.vhostHeader));
    this.domains = new DomainTable(message.name, message.ignorePortInHostMatching);
    message.virtualHosts.forEach((each, i) => {
      const host = new LazyVirtualHost(each, facts);
      configAt(`virtual_hosts[${i}]`, () => {
        if (eager) host.build();
        each.domains.forEach((domain, d) => configAt(`domains[${d}]`, () => this.domains.add(domain, host)));
      });
    });
    this.domains.seal();
  }

  route(headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    const host = this.virtualHost(headers);
    if (host === null) return null;
    const full = headers.get(':path');
    if (full === undefined) return host.route(null, headers, streamInfo, random);
    const path = removeQueryAndFragment(full);
    const compared = this.ignorePathParametersInPathMatching ? removePathParameters(path) : path;
    return host.route(compared, headers, streamInfo, random);
  }

  private virtualHost(headers: HeaderMap): LazyVirtualHost | null {
    if (this.domains.isTrivial) return this.domains.default;
    const host = headers.get(this.hostHeader);
    return host === undefined ? null : this.domains.find(host);
  }
}
