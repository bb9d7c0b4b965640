import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeaderMutation, HeaderMutationPerRoute } from '#api/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js';
import { fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import { HEADER_MUTATION, HEADER_MUTATION_PER_ROUTE, headerMutationConfig, headerMutationPerRoute } from './config.ts';
import { HeaderMutationFilter } from './filter.ts';

function setUp(yaml: string, ...routes: string[]) {
  const record = fakeFilterCallbacks();
  record.perFilter = routes.map((route) => headerMutationPerRoute(fromYaml<HeaderMutationPerRoute>(HEADER_MUTATION_PER_ROUTE, route)));
  const filter = new HeaderMutationFilter(headerMutationConfig(fromYaml<HeaderMutation>(HEADER_MUTATION, yaml)));
  filter.setDecoderFilterCallbacks(record.callbacks);
  filter.setEncoderFilterCallbacks(record.callbacks);
  return { record, filter };
}

const set = (list: string, value: string): string =>
  `mutations: {${list}: [{append: {header: {key: h, value: "${value}"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}}]}`;

test('requests, responses and both trailers', () => {
  const yaml = `mutations: {request_mutations: [{remove: a}], response_mutations: [{append: {header: {key: r, value: "%REQ(:path)%"}}}],
    request_trailers_mutations: [{append: {header: {key: t, value: "1"}}}], response_trailers_mutations: [{append: {header: {key: t, value: "%RESP(r)%"}}}]}`;
  const { filter } = setUp(yaml);
  const request = testRequest('/p', ['a', '1']);
  filter.decodeHeaders(request);
  assert.equal(request.has('a'), false);
  const trailers = new HeaderMap();
  filter.decodeTrailers(trailers);
  assert.deepEqual(trailers.entries(), [['t', '1']]);
  const response = HeaderMap.of([':status', '200']);
  filter.encodeHeaders(response);
  assert.equal(response.get('r'), '/p');
  const responseTrailers = new HeaderMap();
  filter.encodeTrailers(responseTrailers);
  assert.deepEqual(responseTrailers.entries(), [['t', '/p']]);
});

test('query parameters are decoded, changed and encoded', () => {
  const record = (key: string, value: string, action: string): string =>
    `{append: {record: {key: ${key}, value: "${value}"}, action: ${action}}}`;
  const list = [
    '{remove: gone}', record('add', 'x &', 'APPEND_IF_EXISTS_OR_ADD'), record('a', 'no', 'ADD_IF_ABSENT'), record('b', '%REQ(v)%', 'ADD_IF_ABSENT'),
    record('a', 'over', 'OVERWRITE_IF_EXISTS'), record('none', 'no', 'OVERWRITE_IF_EXISTS'), record('c', 'set', 'OVERWRITE_IF_EXISTS_OR_ADD'),
  ];
  const { filter } = setUp(`mutations: {query_parameter_mutations: [${list.join(',')}]}`);
  const request = testRequest('/p?gone=1&a=%20', ['v', 'val']);
  filter.decodeHeaders(request);
  assert.equal(request.get(':path'), '/p?a=over&add=x%20%26&b=val&c=set');
});

test('route levels: the least specific wins, or the most specific when told so', () => {
  const levels = ['table', 'vhost', 'route'].map((value) => set('request_mutations', value));
  for (const [most, expected] of [['false', 'table'], ['true', 'route']]) {
    const { filter } = setUp(`{${set('request_mutations', 'filter')}, most_specific_header_mutations_wins: ${most}}`, ...levels);
    const request = testRequest('/');
    filter.decodeHeaders(request);
    assert.equal(request.get('h'), expected);
  }
});

test('a local reply before the filter: the response is still changed', () => {
  const { record, filter } = setUp(set('response_mutations', '%REQ(x)%'));
  record.streamInfo.requestHeaders = testRequest('/', ['x', 'v']);
  const response = HeaderMap.of([':status', '503']);
  filter.encodeHeaders(response);
  assert.equal(response.get('h'), 'v');
});

test('bad configuration: why and where', () => {
  const refused = (yaml: string, why: string, path: string): void => {
    assert.throws(() => headerMutationConfig(fromYaml<HeaderMutation>(HEADER_MUTATION, yaml)), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.deepEqual([error.why, error.path], [why, path]);
      return true;
    });
  };
  refused('mutations: {query_parameter_mutations: [{}]}', "One of 'append'/'remove' must be specified.", 'mutations.query_parameter_mutations[0]');
  refused('mutations: {query_parameter_mutations: [{append: {record: {key: a, value: v}}, remove: b}]}', "Only one of 'append'/'remove can be specified.", 'mutations.query_parameter_mutations[0]');
  refused('mutations: {query_parameter_mutations: [{append: {record: {key: a, value: 1}}}]}', 'Only string value is allowed for record value.', 'mutations.query_parameter_mutations[0].append.record.value');
  refused('mutations: {request_mutations: [{append: {header: {key: ":path", value: x}}}]}', ':-prefixed or host headers may not be modified', 'mutations.request_mutations[0].append.header.key');
  refused('mutations: {response_mutations: [{append: {header: {key: x, value: "%X%"}}}]}', 'Not supported field in StreamInfo: X', 'mutations.response_mutations[0].append.header.value');
});
