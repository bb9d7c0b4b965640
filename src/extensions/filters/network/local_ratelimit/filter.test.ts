import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { fakeConnection } from '../../../../common/testing/fake-connection.ts';
import type { FakeConnection } from '../../../../common/testing/fake-connection.ts';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import type { FakeContext } from '../../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { ConfigError, ConfigErrors } from '../../../../contract/errors.ts';
import { FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED } from '../../../../contract/response-flags.ts';
import { LOCAL_RATE_LIMIT, readLocalRateLimit } from './config.ts';
import type { LocalRateLimitConfig } from './config.ts';
import { LocalRateLimitFilter } from './filter.ts';

let context: FakeContext;

beforeEach(() => {
  context = fakeContext();
});

function read(yaml: string): LocalRateLimitConfig {
  return readLocalRateLimit(fromYaml(LOCAL_RATE_LIMIT, yaml), context);
}

function connect(config: LocalRateLimitConfig): FakeConnection & { readonly status: number } {
  const connection = fakeConnection(context.dispatcher);
  return Object.assign(connection, { status: connection.start(new LocalRateLimitFilter(config)) });
}

function statuses(config: LocalRateLimitConfig, count: number): number[] {
  return Array.from({ length: count }, () => connect(config).status);
}

test('a token a connection; without one it is closed, flagged and counted', () => {
  const config = read('{stat_prefix: p, token_bucket: {max_tokens: 2, tokens_per_fill: 2, fill_interval: 1s}}');
  assert.deepEqual(statuses(config, 2), [0, 0]);
  const third = connect(config);
  assert.deepEqual([third.status, third.closed], [1, '2 local_ratelimit_close_over_limit']);
  assert.equal(third.streamInfo.hasResponseFlag(FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED), true);
  assert.equal(context.rootScope.value('local_rate_limit.p.rate_limited'), 1);
  context.dispatcher.advance(500);
  assert.deepEqual(statuses(config, 2), [0, 1]);
});

test('one token a fill where nothing is said', () => {
  const config = read('{stat_prefix: p, token_bucket: {max_tokens: 1, fill_interval: 0.05s}}');
  assert.deepEqual(statuses(config, 2), [0, 1]);
  context.dispatcher.advance(50);
  assert.deepEqual(statuses(config, 2), [0, 1]);
});

test('the runtime switches it off', () => {
  const config = read('{stat_prefix: p, token_bucket: {max_tokens: 1, fill_interval: 1s}, runtime_enabled: {default_value: true, runtime_key: k}}');
  context.runtime.values.set('k', 0);
  assert.deepEqual(statuses(config, 3), [0, 0, 0]);
  context.runtime.values.set('k', 1);
  assert.deepEqual(statuses(config, 2), [0, 1]);
});

test('filters share a bucket by key, where their buckets are equal', () => {
  const yaml = (key: string, max = 1): string => `{stat_prefix: p, share_key: '${key}', token_bucket: {max_tokens: ${max}, fill_interval: 1s}}`;
  assert.deepEqual(statuses(read(yaml('a')), 1), [0]);
  assert.deepEqual(statuses(read(yaml('a')), 1), [1]);
  assert.deepEqual(statuses(read(yaml('b')), 1), [0]);
  assert.deepEqual(statuses(read(yaml('a', 2)), 1), [0]);
  assert.deepEqual(statuses(read(yaml('')), 1), [0]);
  assert.deepEqual(statuses(read(yaml('')), 1), [0]);
});

test('less than a millisecond is no limit', () => {
  assert.deepEqual(statuses(read('{stat_prefix: p, token_bucket: {max_tokens: 1, fill_interval: 0.0005s}}'), 5), [0, 0, 0, 0, 0]);
});

test('an empty bucket lets nobody in', () => {
  assert.deepEqual(statuses(read('{stat_prefix: p, token_bucket: {max_tokens: 0, fill_interval: 1s}}'), 2), [1, 1]);
});

test('refused: a fill interval below 50 ms', () => {
  assert.throws(() => read('{stat_prefix: p, token_bucket: {max_tokens: 1, fill_interval: 0.049s}}'), (error: unknown) =>
    error instanceof ConfigError && error.path === 'token_bucket.fill_interval' && error.why === 'local rate limit token bucket fill timer must be >= 50ms');
});

for (const yaml of [
  '{token_bucket: {max_tokens: 1, fill_interval: 1s}}', '{stat_prefix: p}',
  '{stat_prefix: p, token_bucket: {max_tokens: 1}}', '{stat_prefix: p, token_bucket: {max_tokens: 1, fill_interval: 1s, tokens_per_fill: 0}}',
]) {
  test(`refused: ${yaml}`, () => assert.throws(() => read(yaml), ConfigErrors));
}
