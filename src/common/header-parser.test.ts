import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeaderMutation as HeaderMutationMessage } from '#api/envoy/config/common/mutation_rules/v3/mutation_rules_pb.js';
import type { Route } from '#api/envoy/config/route/v3/route_components_pb.js';
import { ConfigError } from '../contract/errors.ts';
import { HeaderMap } from '../contract/header-map.ts';
import { FormatContext } from './format-context.ts';
import { HeaderMutations } from './header-mutations.ts';
import { buildHeaderParser } from './header-parser.ts';
import { fromYaml } from './testing/messages.ts';
import { testStreamInfo } from './testing/stream.ts';

function parserOf(yaml: string) {
  const route = fromYaml<Route>('envoy.config.route.v3.Route', `{match: {prefix: /}, route: {cluster: c}, ${yaml}}`);
  return buildHeaderParser(route.requestHeadersToAdd, route.requestHeadersToRemove, 'request_headers');
}

function evaluate(yaml: string, ...pairs: [string, string][]): [string, string][] {
  const headers = HeaderMap.of(...pairs);
  parserOf(yaml)?.evaluate(headers, new FormatContext(testStreamInfo(), 1_000, headers));
  return headers.entries();
}

test('append actions', () => {
  const add = (action: string) => `request_headers_to_add: [{header: {key: X, value: new}, append_action: ${action}}]`;
  assert.deepEqual(evaluate(add('APPEND_IF_EXISTS_OR_ADD'), ['x', 'o']), [['x', 'o'], ['x', 'new']]);
  assert.deepEqual(evaluate(add('ADD_IF_ABSENT'), ['x', 'o']), [['x', 'o']]);
  assert.deepEqual(evaluate(add('ADD_IF_ABSENT')), [['x', 'new']]);
  assert.deepEqual(evaluate(add('OVERWRITE_IF_EXISTS_OR_ADD'), ['x', 'o'], ['x', 'p']), [['x', 'new']]);
  assert.deepEqual(evaluate(add('OVERWRITE_IF_EXISTS_OR_ADD')), [['x', 'new']]);
  assert.deepEqual(evaluate(add('OVERWRITE_IF_EXISTS'), ['x', 'o']), [['x', 'new']]);
  assert.deepEqual(evaluate(add('OVERWRITE_IF_EXISTS')), []);
  assert.deepEqual(evaluate('request_headers_to_add: [{header: {key: X, value: new}, append: false}]', ['x', 'o']), [['x', 'new']]);
});

test('removal comes first; values are worked out before any is written', () => {
  assert.deepEqual(
    evaluate('request_headers_to_remove: [A], request_headers_to_add: [{header: {key: a, value: "%REQ(b)%"}}, {header: {key: b, value: "%REQ(b)%2"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}, {header: {key: c, value: "%REQ(b)%"}}]',
      ['a', '1'], ['b', 'x']),
    [['b', 'x2'], ['a', 'x'], ['c', 'x']],
  );
});

test('empty values are dropped unless kept; inline headers are joined', () => {
  assert.deepEqual(evaluate('request_headers_to_add: [{header: {key: e, value: "%REQ(none)%"}}, {header: {key: k, value: ""}, keep_empty_value: true}]'), [['k', '']]);
  assert.deepEqual(evaluate('request_headers_to_add: [{header: {key: User-Agent, value: b}}]', ['user-agent', 'a']), [['user-agent', 'a,b']]);
});

test('refused in Envoy\'s words, with the path', () => {
  const refused = (yaml: string, why: string, path: string): void => {
    assert.throws(() => parserOf(yaml), (error) => error instanceof ConfigError && error.why === why && error.path === path, yaml);
  };
  refused('request_headers_to_add: [{header: {key: ":path", value: x}}]', ':-prefixed or host headers may not be modified', 'request_headers_to_add[0].header.key');
  refused('request_headers_to_add: [{header: {key: Host, value: x}}]', ':-prefixed or host headers may not be modified', 'request_headers_to_add[0].header.key');
  refused('request_headers_to_remove: [a, host]', ':-prefixed or host headers may not be removed', 'request_headers_to_remove[1]');
  refused('request_headers_to_add: [{header: {key: x, value: "%NO%"}}]', 'Not supported field in StreamInfo: NO', 'request_headers_to_add[0].header.value');
  refused('request_headers_to_add: [{header: {key: x, value: v}, append: true, append_action: ADD_IF_ABSENT}]',
    "Both append and append_action are set and it's not allowed", 'request_headers_to_add[0].append');
});

test('mutations run one after the other', () => {
  const messages = ['append: {header: {key: a, value: "%REQ(b)%"}}', 'remove: b', 'append: {header: {key: c, value: "%REQ(b)%x"}}', 'remove_on_match: {key_matcher: {prefix: z-}}']
    .map((yaml) => fromYaml<HeaderMutationMessage>('envoy.config.common.mutation_rules.v3.HeaderMutation', yaml));
  const headers = HeaderMap.of(['b', '1'], ['z-1', ''], ['q', ''], ['z-2', '']);
  new HeaderMutations(messages, 'm').evaluate(headers, new FormatContext(testStreamInfo(), 0, headers));
  assert.deepEqual(headers.entries(), [['q', ''], ['a', '1'], ['c', 'x']]);
});
