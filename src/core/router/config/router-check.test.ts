import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import type { HeaderMatcher as HeaderMatcherMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import type { RouteConfiguration } from '#api/envoy/config/route/v3/route_pb.js';
import { HeaderMap } from '../../../contract/header-map.ts';
import type { Route, RouteConfig } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import type { JsonObject } from '../../../config/index.ts';
import { buildHeaderMatcher } from '../../../common/matchers/header-matcher.ts';
import { fakeContext } from '../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../common/testing/messages.ts';
import { ipAddress, testStreamInfo } from '../../../common/testing/stream.ts';
import { buildRouteConfig } from './build-route-config.ts';

/**
 * Envoy's own router_check goldens: named requests with the route they must take. They are not in this repository: the suite runs where the
 * corpus folder stands beside the checkout, or where NUNCIO_CORPUS points.
 */
const CORPUS = process.env['NUNCIO_CORPUS'] ?? new URL('../../../../../shared/corpus', import.meta.url).pathname;
const FOLDER = `${CORPUS}/original/envoyproxy+envoy-openssl/test/tools/router_check/test/config`;

interface HeaderEntry {
  key: string;
  value: string;
}
interface Case {
  test_name: string;
  input: {
    authority: string; path: string; method: string; internal?: boolean; random_value?: number; ssl?: boolean; runtime?: string;
    additional_request_headers?: HeaderEntry[]; additional_response_headers?: HeaderEntry[];
    dynamic_metadata?: { metadata_namespace: string; value: Record<string, unknown>; allow_overwrite?: boolean }[];
  };
  validate: {
    cluster_name?: string; virtual_cluster_name?: string; virtual_host_name?: string; path_rewrite?: string; host_rewrite?: string;
    path_redirect?: string; code_redirect?: number;
    request_header_matches?: JsonObject[]; response_header_matches?: JsonObject[];
  };
}

function requestOf(input: Case['input']): HeaderMap {
  const scheme = input.ssl === true ? 'https' : 'http';
  const headers = HeaderMap.of(
    [':authority', input.authority], [':path', input.path], [':method', input.method], [':scheme', scheme],
    ['x-forwarded-proto', scheme],
  );
  if (input.internal === true) headers.set('x-envoy-internal', 'true');
  for (const { key, value } of input.additional_request_headers ?? []) headers.add(key.toLowerCase(), value);
  return headers;
}

function infoOf(input: Case['input']): StreamInfo {
  const info = testStreamInfo();
  info.downstreamRemoteAddress = ipAddress('127.0.0.1', 0);
  for (const { metadata_namespace: namespace, value, allow_overwrite: overwrite } of input.dynamic_metadata ?? []) {
    info.dynamicMetadata ??= new Map();
    if (!info.dynamicMetadata.has(namespace) || overwrite === true) info.dynamicMetadata.set(namespace, value);
  }
  return info;
}

/** What the tool compares, from the route that was found. */
function check(config: RouteConfig, each: Case, random: number): void {
  const headers = requestOf(each.input);
  const info = infoOf(each.input);
  const route = config.route(headers, info, random);
  const entry = route?.routeEntry ?? null;
  const want = each.validate;
  const virtualCluster = route?.virtualHost.virtualCluster(headers)?.name ?? '';
  if (want.cluster_name !== undefined) assert.equal(entry?.clusterName ?? '', want.cluster_name);
  if (want.virtual_cluster_name !== undefined && entry !== null) assert.equal(virtualCluster, want.virtual_cluster_name);
  if (want.virtual_host_name !== undefined && entry !== null) assert.equal(route?.virtualHost.name ?? '', want.virtual_host_name);
  const status = route?.directResponse?.status ?? 301;
  // The tool prints a location for every direct response; it is sent with 201 and 3xx only.
  if (want.path_redirect !== undefined && (status === 201 || (status >= 300 && status < 400))) {
    assert.equal(route?.directResponse?.newUri(headers) ?? '', want.path_redirect);
  }
  if (want.code_redirect !== undefined) assert.equal(route?.directResponse?.status, want.code_redirect);
  entry?.finalizeRequestHeaders(headers, info);
  if (want.path_rewrite !== undefined && entry !== null) assert.equal(headers.get(':path'), want.path_rewrite);
  if (want.host_rewrite !== undefined && entry !== null) assert.equal(headers.get(':authority'), want.host_rewrite);
  for (const header of want.request_header_matches ?? []) checkHeader(headers, header);
  if (route !== null) checkResponse(route, each, headers, info);
}

function checkResponse(route: Route, each: Case, headers: HeaderMap, info: StreamInfo): void {
  const response = HeaderMap.of([':status', '200']);
  const direct = route.directResponse;
  const body = direct?.body(headers, info) ?? '';
  // As a local reply is made.
  if (direct !== null && body !== '') {
    response.add('content-length', String(body.length));
    response.add('content-type', direct.contentType);
  }
  for (const { key, value } of each.input.additional_response_headers ?? []) response.add(key.toLowerCase(), value);
  (route.routeEntry ?? direct)?.finalizeResponseHeaders(headers, response, info);
  for (const header of each.validate.response_header_matches ?? []) checkHeader(response, header);
}

/** The goldens write what they expect of headers as HeaderMatchers. */
function checkHeader(headers: HeaderMap, want: JsonObject): void {
  const matcher = buildHeaderMatcher(fromYaml<HeaderMatcherMessage>('envoy.config.route.v3.HeaderMatcher', JSON.stringify(want)));
  assert.ok(matcher.matches(headers), `${JSON.stringify(want)}: ${JSON.stringify(headers.entries())}`);
}

/** Tests that must fail (TestRoutesFailures) name a table of another file. */
const TABLE_OF: Readonly<Record<string, string>> = { TestRoutesFailures: 'TestRoutes' };

describe('router_check goldens', { skip: existsSync(FOLDER) ? false : `no corpus at ${FOLDER}: Envoy's goldens did not run` }, () => {
  let count = 0;
  for (const file of existsSync(FOLDER) ? readdirSync(FOLDER) : []) {
    const match = /^(.*)\.golden\.proto\.(json|yaml)$/.exec(file);
    if (match === null) continue;
    const golden = parse(readFileSync(`${FOLDER}/${file}`, 'utf8')) as { tests: Case[] };
    const table = readFileSync(`${FOLDER}/${TABLE_OF[match[1]] ?? match[1]}.yaml`, 'utf8');
    const mustFail = match[1] in TABLE_OF;
    for (const each of golden.tests) {
      count++;
      test(`${match[1]} (${match[2]}): ${each.test_name}`, () => {
        const context = fakeContext();
        // The tool turns a fraction on only for the key that the case names, and makes 0 into 1.
        context.runtime.featureEnabled = (key, percent, random) => key === each.input.runtime && random % percent.denominator < (percent.numerator || 1);
        const config = buildRouteConfig(fromYaml<RouteConfiguration>('envoy.config.route.v3.RouteConfiguration', table), context,
          { validateClusters: false, eager: true });
        const run = (): void => check(config, each, each.input.random_value ?? 0);
        if (mustFail) assert.throws(run, assert.AssertionError);
        else run();
      });
    }
  }
  test('all goldens were found', () => assert.ok(count >= 100, `${count} goldens`));
});
