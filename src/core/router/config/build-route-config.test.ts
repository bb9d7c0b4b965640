import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteConfiguration } from '#api/envoy/config/route/v3/route_pb.js';
import { fakeContext } from '../../../common/testing/fake-context.ts';
import type { FakeContext } from '../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../common/testing/messages.ts';
import { testRequest, testStreamInfo } from '../../../common/testing/stream.ts';
import { ConfigError } from '../../../contract/errors.ts';
import { HeaderMap } from '../../../contract/header-map.ts';
import type { FactoryLookup, HttpFilterFactory } from '../../../contract/extension.ts';
import type { Route, RouteConfig } from '../../../contract/route.ts';
import { buildRouteConfig } from './build-route-config.ts';

function tableOf(yaml: string, context: FakeContext = fakeContext(), validateClusters = false): RouteConfig {
  return buildRouteConfig(fromYaml<RouteConfiguration>('envoy.config.route.v3.RouteConfiguration', yaml), context, { validateClusters, eager: true });
}

/** A table with one virtual host of these routes. */
function routesOf(...routes: string[]): RouteConfig {
  return tableOf(`{name: t, virtual_hosts: [{name: v, domains: ["*"], routes: [${routes.join(',')}]}]}`);
}

function find(table: RouteConfig, headers: HeaderMap, random = 0): Route | null {
  return table.route(headers, testStreamInfo(), random);
}

function cluster(table: RouteConfig, headers: HeaderMap, random = 0): string | null {
  return find(table, headers, random)?.routeEntry?.clusterName ?? null;
}

function to(name: string): string {
  return `route: {cluster: ${name}}`;
}

test('domains: exact, longest suffix, longest prefix, star; case and ports', () => {
  const hosts = ['www.foo.com', '*.foo.com', '*-bar.foo.com', 'foo.*', 'foo-*', '*', 'with.port:80']
    .map((domain, i) => `{name: v${i}, domains: ["${domain}"], routes: [{match: {prefix: /}, ${to(`c${i}`)}}]}`);
  const table = tableOf(`{name: t, virtual_hosts: [${hosts.join(',')}]}`);
  const rows: readonly (readonly [string, string])[] = [
    ['www.foo.com', 'c0'], ['WWW.Foo.COM', 'c0'], ['a.foo.com', 'c1'], ['a-bar.foo.com', 'c2'], ['.foo.com', 'c5'], ['foo.x', 'c3'],
    ['foo-x', 'c4'], ['foo.', 'c5'], ['else', 'c5'], ['www.foo.com:80', 'c5'], ['with.port:80', 'c6'], ['with.port', 'c5'],
  ];
  for (const [host, expected] of rows) assert.equal(cluster(table, testRequest('/', [':authority', host])), expected, host);
});

test('ignore_port_in_host_matching and vhost_header', () => {
  const hosts = 'virtual_hosts: [{name: v, domains: [a.com], routes: [{match: {prefix: /}, route: {cluster: c}}]}]';
  const ports = tableOf(`{name: t, ignore_port_in_host_matching: true, ${hosts}}`);
  assert.equal(cluster(ports, testRequest('/', [':authority', 'a.com:81'])), 'c');
  const header = tableOf(`{name: t, vhost_header: X-Host, ${hosts}}`);
  assert.equal(cluster(header, testRequest('/', ['x-host', 'a.com'])), 'c');
  assert.equal(cluster(header, testRequest('/', [':authority', 'a.com'])), null);
});

test('path kinds; first match wins, with and without an index', () => {
  const kinds = [
    `{match: {path: /exact}, ${to('exact')}}`, `{match: {path: /CASE, case_sensitive: false}, ${to('folded')}}`,
    `{match: {path_separated_prefix: /sep}, ${to('sep')}}`, `{match: {safe_regex: {regex: "/re/[0-9]+"}}, ${to('regex')}}`,
    `{match: {prefix: /pre}, ${to('pre')}}`, `{match: {prefix: /PRE2, case_sensitive: false}, ${to('pre2')}}`,
    `{match: {connect_matcher: {}}, ${to('connect')}}`,
  ];
  const rows: readonly (readonly [string, string | null])[] = [
    ['/exact', 'exact'], ['/exact?q#f', 'exact'], ['/exactly', null], ['/case', 'folded'], ['/sep', 'sep'], ['/sep/x?y', 'sep'], ['/separate', null],
    ['/re/12?x', 'regex'], ['/re/x', null], ['/prefix', 'pre'], ['/pre2', 'pre'], ['/pRe2/x', 'pre2'],
  ];
  const filler = Array.from({ length: 20 }, (_, i) => `{match: {prefix: /filler-${i}/}, ${to(`f${i}`)}}`);
  for (const table of [routesOf(...kinds), routesOf(...filler, ...kinds), routesOf(...kinds, ...filler)]) {
    for (const [path, expected] of rows) assert.equal(cluster(table, testRequest(path)), expected, path);
    const connect = HeaderMap.of([':method', 'CONNECT'], [':authority', 'h'], ['x-forwarded-proto', 'http']);
    assert.equal(cluster(table, connect), 'connect');
  }
});

test('an index keeps the order of the table', () => {
  const routes = Array.from({ length: 40 }, (_, i) => {
    const kind = ['prefix: /a', 'path: /a/b', 'prefix: /a/b', 'safe_regex: {regex: "/a.*"}'][i % 4];
    return `{match: {${kind}, headers: [{name: num, string_match: {exact: "${i}"}}]}, ${to(`c${i}`)}}`;
  });
  const table = routesOf(...routes, `{match: {prefix: /}, ${to('last')}}`);
  for (let i = 0; i < 40; i++) assert.equal(cluster(table, testRequest('/a/b', ['num', String(i)])), `c${i}`);
  assert.equal(cluster(table, testRequest('/a/b')), 'last');
  const both = routesOf(...Array.from({ length: 10 }, (_, i) => `{match: {prefix: /x${i}}, ${to('x')}}`),
    `{match: {prefix: /p}, ${to('first')}}`, `{match: {path: /p}, ${to('second')}}`);
  assert.equal(cluster(both, testRequest('/p')), 'first');
});

test('conditions', () => {
  const rows: readonly (readonly [string, HeaderMap, boolean])[] = [
    ['query_parameters: [{name: a, string_match: {exact: "1"}}]', testRequest('/?a=1'), true],
    ['query_parameters: [{name: a}]', testRequest('/?b=1'), false],
    ['query_parameters: [{name: a, present_match: false}]', testRequest('/?b=1'), true],
    ['cookies: [{name: c, string_match: {exact: "1"}}]', testRequest('/', ['cookie', 'c=1']), true],
    ['cookies: [{name: c, string_match: {exact: "1"}, invert_match: true}]', testRequest('/'), true],
    ['grpc: {}', testRequest('/', ['content-type', 'application/grpc']), true],
    ['grpc: {}', testRequest('/'), false],
    ['tls_context: {presented: true}', testRequest('/'), false],
    ['tls_context: {presented: false}', testRequest('/'), true],
    ['dynamic_metadata: [{filter: f, path: [{key: k}], value: {present_match: true}}]', testRequest('/'), false],
  ];
  for (const [condition, headers, expected] of rows) {
    assert.equal(cluster(routesOf(`{match: {prefix: /, ${condition}}, ${to('c')}}`), headers) === 'c', expected, condition);
  }
});

test('runtime_fraction draws with the stream\'s random number', () => {
  const table = routesOf(`{match: {prefix: /, runtime_fraction: {runtime_key: k, default_value: {numerator: 30}}}, ${to('some')}}`, `{match: {prefix: /}, ${to('rest')}}`);
  assert.equal(cluster(table, testRequest('/'), 29), 'some');
  assert.equal(cluster(table, testRequest('/'), 30), 'rest');
});

test('ignore_path_parameters_in_path_matching', () => {
  const table = tableOf('{name: t, ignore_path_parameters_in_path_matching: true, virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {path: /a/b}, route: {cluster: c}}]}]}');
  assert.equal(cluster(table, testRequest('/a;v=1/b;w?x;y')), 'c');
});

test('weighted clusters', () => {
  const table = routesOf('{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: a, weight: 30, request_headers_to_add: [{header: {key: w, value: a}}], host_rewrite_literal: ha}, {name: b, weight: 70}, {cluster_header: ch, weight: 0}], header_name: rnd}}}');
  assert.equal(cluster(table, testRequest('/'), 29), 'a');
  assert.equal(cluster(table, testRequest('/'), 130), 'b');
  assert.equal(cluster(table, testRequest('/', ['rnd', '18446744073709551615']), 0), 'a');
  assert.equal(cluster(table, testRequest('/', ['rnd', '50']), 0), 'b');
  assert.equal(cluster(table, testRequest('/', ['rnd', '50'], ['rnd', '50']), 0), 'a');
  const headers = testRequest('/');
  find(table, headers)?.routeEntry?.finalizeRequestHeaders(headers, testStreamInfo());
  assert.equal(headers.get('w'), 'a');
  assert.equal(headers.get(':authority'), 'ha');
});

test('weights from runtime', () => {
  const context = fakeContext();
  context.runtime.values.set('p.a', 0);
  const table = tableOf('{name: t, virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: /}, route: {weighted_clusters: {runtime_key_prefix: p, clusters: [{name: a, weight: 30}, {name: b, weight: 70}]}}}]}]}', context);
  assert.equal(cluster(table, testRequest('/'), 0), 'b');
});

test('cluster_header', () => {
  const table = routesOf('{match: {prefix: /}, route: {cluster_header: X-C}}');
  assert.equal(cluster(table, testRequest('/', ['x-c', 'one'], ['x-c', 'two'])), 'one');
  assert.equal(cluster(table, testRequest('/')), '');
});

/** The request as it goes upstream. */
function upstream(route: string, headers: HeaderMap, keepOriginal?: boolean): HeaderMap {
  find(routesOf(route), headers)?.routeEntry?.finalizeRequestHeaders(headers, testStreamInfo(), keepOriginal);
  return headers;
}

test('path rewrites keep the query and the original', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['{match: {prefix: /a/}, route: {cluster: c, prefix_rewrite: /}}', '/a/b?x=1', '/b?x=1'],
    ['{match: {path: /a}, route: {cluster: c, prefix_rewrite: /z}}', '/a?x', '/z?x'],
    ['{match: {safe_regex: {regex: "/a.*"}}, route: {cluster: c, prefix_rewrite: /z}}', '/abc?x', '/z?x'],
    ['{match: {prefix: /A, case_sensitive: false}, route: {cluster: c, prefix_rewrite: /z}}', '/abc', '/zbc'],
    ['{match: {prefix: /}, route: {cluster: c, regex_rewrite: {pattern: {regex: "^/(\\\\w+)/(\\\\w+)"}, substitution: "/\\\\2/\\\\1"}}}', '/a/b?c/d', '/b/a?c/d'],
    ['{match: {prefix: /}, route: {cluster: c, path_rewrite: "/%REQ(x)%"}}', '/a?q', '/v?q'],
  ];
  for (const [route, path, expected] of rows) {
    const headers = upstream(route, testRequest(path, ['x', 'v']));
    assert.equal(headers.get(':path'), expected, route);
    assert.equal(headers.get('x-envoy-original-path'), path);
    assert.equal(upstream(route, testRequest(path, ['x', 'v']), false).has('x-envoy-original-path'), false);
  }
});

test('host rewrites', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['host_rewrite_literal: new', 'new'], ['host_rewrite_header: X-H', 'fromheader'],
    ['host_rewrite_path_regex: {pattern: {regex: "^/(.+)/.+$"}, substitution: "\\\\1"}', 'a'], ['host_rewrite: "%REQ(x-h)%.x"', 'fromheader.x'],
  ];
  for (const [rewrite, expected] of rows) {
    const headers = upstream(`{match: {prefix: /}, route: {cluster: c, append_x_forwarded_host: true, ${rewrite}}}`, testRequest('/a/b', ['x-h', 'fromheader']));
    assert.equal(headers.get(':authority'), expected);
    assert.equal(headers.get('x-envoy-original-host'), 'example.com');
    assert.equal(headers.get('x-forwarded-host'), 'example.com');
  }
  const entry = find(routesOf('{match: {prefix: /}, route: {cluster: c, auto_host_rewrite: true}}'), testRequest('/'))?.routeEntry;
  assert.equal(entry?.autoHostRewrite, true);
});

test('redirects', () => {
  const rows: readonly (readonly [string, string, string, number])[] = [
    ['{https_redirect: true}', '/a?b', 'https://example.com/a?b', 301],
    ['{scheme_redirect: FTP, response_code: FOUND}', '/a', 'ftp://example.com/a', 302],
    ['{host_redirect: h, response_code: SEE_OTHER}', '/a?b', 'http://h/a?b', 303],
    ['{port_redirect: 8080, response_code: TEMPORARY_REDIRECT}', '/a', 'http://example.com:8080/a', 307],
    ['{path_redirect: /new, response_code: PERMANENT_REDIRECT}', '/a?b', 'http://example.com/new?b', 308],
    ['{path_redirect: "/new?x=1", strip_query: true}', '/a?b', 'http://example.com/new?x=1', 301],
    ['{path_redirect: new}', '/a', 'http://example.com/new', 301],
    ['{prefix_rewrite: /new, strip_query: true}', '/pre/a?b', 'http://example.com/new/a', 301],
    ['{regex_rewrite: {pattern: {regex: "^/pre"}, substitution: "/x"}}', '/pre/a?b', 'http://example.com/x/a?b', 301],
  ];
  for (const [redirect, path, expected, status] of rows) {
    const match = path.startsWith('/pre') ? '/pre' : '/';
    const direct = find(routesOf(`{match: {prefix: ${match}}, redirect: ${redirect}}`), testRequest(path))?.directResponse;
    assert.equal(direct?.newUri(testRequest(path)), expected, redirect);
    assert.equal(direct?.status, status);
    assert.equal(direct?.isRedirect, true);
  }
});

test('a redirect drops the default port of the scheme that it changes', () => {
  const direct = find(routesOf('{match: {prefix: /}, redirect: {https_redirect: true}}'), testRequest('/'))?.directResponse;
  assert.equal(direct?.newUri(testRequest('/', [':authority', 'h:80'])), 'https://h/');
  assert.equal(direct?.newUri(testRequest('/', [':authority', 'h:81'])), 'https://h:81/');
  assert.equal(direct?.newUri(testRequest('/', [':authority', '[::1]:80'])), 'https://[::1]/');
});

test('direct responses', () => {
  const direct = (yaml: string) => find(routesOf(`{match: {prefix: /}, direct_response: ${yaml}}`), testRequest('/'))?.directResponse ?? assert.fail();
  const plain = direct('{status: 200, body: {inline_string: "é"}}');
  assert.equal(plain.body(testRequest('/'), testStreamInfo()), '\xc3\xa9');
  assert.equal(plain.newUri(testRequest('/')), '');
  assert.equal(plain.contentType, 'text/plain');
  // Envoy sends a location with every 3xx.
  assert.equal(direct('{status: 301}').newUri(testRequest('/x')), 'http://example.com/x');
  const formatted = direct('{status: 200, body_format: {json_format: {m: "%REQ(:method)%"}}}');
  assert.equal(formatted.body(testRequest('/'), testStreamInfo()), '{"m":"GET"}\n');
  assert.equal(formatted.contentType, 'application/json');
});

test('header levels: the table wins unless the most specific does', () => {
  const add = (value: string) => `request_headers_to_add: [{header: {key: h, value: ${value}}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}, {header: {key: all, value: ${value}}}], response_headers_to_remove: [rm-${value}]`;
  const yaml = (most: boolean) => `{name: t, most_specific_header_mutations_wins: ${most}, ${add('table')}, virtual_hosts: [{name: v, domains: ["*"], ${add('vhost')}, routes: [{match: {prefix: /}, ${add('route')}, route: {cluster: c}}]}]}`;
  for (const most of [false, true]) {
    const headers = testRequest('/');
    const entry = find(tableOf(yaml(most)), headers)?.routeEntry;
    entry?.finalizeRequestHeaders(headers, testStreamInfo());
    assert.equal(headers.get('h'), most ? 'route' : 'table');
    assert.deepEqual(headers.getAll('all'), most ? ['table', 'vhost', 'route'] : ['route', 'vhost', 'table']);
    const response = HeaderMap.of(['rm-table', '1'], ['rm-vhost', '1'], ['rm-route', '1'], ['x', '1']);
    entry?.finalizeResponseHeaders(headers, response, testStreamInfo());
    assert.deepEqual(response.entries(), [['x', '1']]);
  }
});

test('require_tls', () => {
  const table = (kind: string) => tableOf(`{name: t, virtual_hosts: [{name: v, domains: ["*"], require_tls: ${kind}, routes: [{match: {prefix: /}, route: {cluster: c}}]}]}`);
  const plain = testRequest('/a?b');
  assert.equal(find(table('ALL'), plain)?.directResponse?.newUri(plain), 'https://example.com/a?b');
  assert.equal(cluster(table('ALL'), testRequest('/', ['x-forwarded-proto', 'https'])), 'c');
  assert.equal(find(table('EXTERNAL_ONLY'), plain)?.directResponse?.status, 301);
  assert.equal(cluster(table('EXTERNAL_ONLY'), testRequest('/', ['x-envoy-internal', 'true'])), 'c');
});

test('defaults and inheritance of a route entry', () => {
  const entry = find(routesOf('{match: {prefix: /}, route: {cluster: c}}'), testRequest('/'))?.routeEntry;
  assert.equal(entry?.timeout, 15_000);
  assert.equal(entry?.idleTimeout, -1);
  assert.equal(entry?.clusterNotFoundResponseCode, 503);
  assert.equal(entry?.retryPolicy, null);
  assert.equal(entry?.requestBodyBufferLimit, -1);
  const table = tableOf('{name: t, virtual_hosts: [{name: v, domains: ["*"], retry_policy: {retry_on: "5xx, reset", num_retries: 3}, request_body_buffer_limit: 9, routes: [{match: {path: /own}, route: {cluster: c, timeout: 0s, retry_policy: {retry_on: connect-failure}, priority: HIGH, cluster_not_found_response_code: NOT_FOUND}}, {match: {prefix: /}, route: {cluster: c}}]}]}');
  const inherited = find(table, testRequest('/'))?.routeEntry;
  assert.deepEqual(inherited?.retryPolicy?.retryOn, ['5xx', 'reset']);
  assert.equal(inherited?.requestBodyBufferLimit, 9);
  const own = find(table, testRequest('/own'))?.routeEntry;
  assert.deepEqual([own?.timeout, own?.retryPolicy?.retryOn, own?.retryPolicy?.numRetries, own?.priority, own?.clusterNotFoundResponseCode], [0, ['connect-failure'], 1, 1, 404]);
});

test('virtual clusters', () => {
  const table = tableOf('{name: t, virtual_hosts: [{name: v, domains: ["*"], virtual_clusters: [{name: vc, headers: [{name: ":path", string_match: {prefix: /a}}]}], routes: [{match: {prefix: /}, route: {cluster: c}}]}]}');
  assert.equal(find(table, testRequest('/a'))?.virtualHost.virtualCluster(testRequest('/a'))?.name, 'vc');
  assert.equal(find(table, testRequest('/b'))?.virtualHost.virtualCluster(testRequest('/b'))?.name, 'other');
});

/** Knows one filter, whose per-route configuration is the message itself. */
const BUFFER: HttpFilterFactory = {
  name: 'buf', category: 'envoy.filters.http', configTypes: [], status: 'works', terminal: false,
  create: () => assert.fail('no chain is built'),
  createPerRoute: (config) => config,
};
const REGISTRY: FactoryLookup = {
  httpFilter: () => assert.fail(), networkFilter: () => assert.fail(), accessLog: () => assert.fail(), find: () => assert.fail(),
  downstreamTransportSocket: () => assert.fail(), upstreamTransportSocket: () => assert.fail(),
  perRouteHttpFilter: (any, name, optional) => {
    if (any.typeUrl.endsWith('.BufferPerRoute')) return BUFFER;
    if (optional) return null;
    throw new ConfigError(`no filter ${name}`);
  },
};

test('per-filter configuration: most specific, all levels, disabled, optional', () => {
  const buffer = (max: number) => `typed_per_filter_config: {buf: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute, buffer: {max_request_bytes: ${max}}}}`;
  const off = 'typed_per_filter_config: {buf: {"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}';
  const optional = 'typed_per_filter_config: {lua: {"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, is_optional: true, config: {"@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute, disabled: true}}}';
  const table = tableOf(`{name: t, ${buffer(1)}, virtual_hosts: [{name: v, domains: ["*"], ${buffer(2)}, routes: [{match: {path: /off}, ${off}, ${to('c')}}, {match: {path: /lua}, ${optional}, ${to('c')}}, {match: {prefix: /}, ${buffer(3)}, ${to('c')}}]}]}`, fakeContext(REGISTRY));
  const route = find(table, testRequest('/')) ?? assert.fail();
  const limit = (config: object | null): unknown => Reflect.get(Reflect.get(config ?? {}, 'override'), 'value').maxRequestBytes;
  assert.equal(limit(route.mostSpecificPerFilterConfig('buf')), 3);
  assert.deepEqual(route.perFilterConfigs('buf').map(limit), [1, 2, 3]);
  assert.equal(route.filterDisabled('buf'), false);
  assert.equal(find(table, testRequest('/off'))?.filterDisabled('buf'), true);
  assert.equal(find(table, testRequest('/lua'))?.mostSpecificPerFilterConfig('lua'), null);
  assert.equal(route.filterDisabled('other'), null);
});

/** Texts of Envoy 1.40 where it has one. */
const REFUSED: readonly (readonly [string, string, string])[] = [
  ['{name: t, virtual_hosts: [{name: a, domains: ["*"]}, {name: b, domains: ["*"]}]}', 'Only a single wildcard domain is permitted in route t', 'virtual_hosts[1].domains[0]'],
  ['{name: t, virtual_hosts: [{name: a, domains: [A.com]}, {name: b, domains: [a.com]}]}', 'Only unique values for domains are permitted. Duplicate entry of domain a.com in route t', 'virtual_hosts[1].domains[0]'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: none}}]}]}', "route: unknown cluster 'none'", 'virtual_hosts[0].routes[0].route.cluster'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: none, weight: 1}]}}}]}]}', "route: unknown weighted cluster 'none'", 'virtual_hosts[0].routes[0].route.weighted_clusters.clusters[0].name'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {weighted_clusters: {clusters: [{cluster_header: x, weight: 0}]}}}]}]}', 'Sum of weights in the weighted_cluster must be greater than 0.', 'virtual_hosts[0].routes[0].route.weighted_clusters'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster_header: x, prefix_rewrite: /a, regex_rewrite: {pattern: {regex: a}}}}]}]}', 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy', 'virtual_hosts[0].routes[0].route'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {safe_regex: {regex: "("}}, route: {cluster_header: x}}]}]}', 'missing ): (', 'virtual_hosts[0].routes[0].match.safe_regex.regex'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: "' + 'x'.repeat(4_097) + '"}}}]}]}', 'response body size is 4097 bytes; maximum is 4096', 'virtual_hosts[0].routes[0].direct_response.body'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster_header: x, upgrade_configs: [{upgrade_type: a}, {upgrade_type: A}]}}]}]}', 'Duplicate upgrade A', 'virtual_hosts[0].routes[0].route.upgrade_configs[1]'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster_header: x, rate_limits: [{actions: [{remote_address: {}}]}]}}]}]}', 'known to Envoy, not in nuncio yet: envoy.config.route.v3.RouteAction.rate_limits', 'virtual_hosts[0].routes[0].route.rate_limits'],
  ['{virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster_header: x}, decorator: {operation: o}}]}]}', 'known to Envoy, not in nuncio yet: envoy.config.route.v3.Route.decorator', 'virtual_hosts[0].routes[0].decorator'],
];

test('refusals: why and where', () => {
  for (const [yaml, why, path] of REFUSED) {
    assert.throws(() => tableOf(yaml, fakeContext(), true), (error) => {
      assert.ok(error instanceof ConfigError, yaml);
      assert.equal(error.why, why);
      assert.equal(error.path, path);
      return true;
    });
  }
});

test('a lazy table builds on first use and gives the same routes', () => {
  const yaml = '{name: t, virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: c}}]}]}';
  const message = fromYaml<RouteConfiguration>('envoy.config.route.v3.RouteConfiguration', yaml);
  const table = buildRouteConfig(message, fakeContext(), { validateClusters: false, eager: false });
  assert.equal(cluster(table, testRequest('/')), 'c');
});
