import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECT_FLAG_END_STREAM, encodeGrpcFrame } from '../../../../codec/grpc/index.ts';
import { FakeScope } from '../../../../common/testing/fake-context.ts';
import { fakeCluster, fakeFilterCallbacks } from '../../../../common/testing/filter-callbacks.ts';
import { testRequest } from '../../../../common/testing/stream.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import { UpstreamInfo } from '../../../../contract/stream-info.ts';
import type { StreamInfo } from '../../../../contract/stream-info.ts';
import type { GrpcStatsConfig } from './config.ts';
import { GrpcStatsFilter } from './filter.ts';
import { MESSAGE_COUNTS_KEY, MessageCounts } from './message-counts.ts';
import { ResponseCounter } from './response-counter.ts';

const DEFAULTS: GrpcStatsConfig = { emitFilterState: false, upstreamStats: false, replaceDots: false, allMethods: false, allowlist: new Map() };
const GRPC = 'application/grpc';
const message = (text: string) => encodeGrpcFrame(Buffer.from(text));

function setUp(config: Partial<GrpcStatsConfig>, path = '/pkg.Service/Method', type = GRPC, ...more: [string, string][]) {
  const record = fakeFilterCallbacks();
  const scope = new FakeScope();
  record.cluster = fakeCluster('c', scope);
  const filter = new GrpcStatsFilter({ ...DEFAULTS, ...config });
  filter.setDecoderFilterCallbacks(record.callbacks);
  filter.setEncoderFilterCallbacks();
  filter.decodeHeaders(testRequest(path, ['content-type', type], ...more));
  const stats = (): Record<string, number> => Object.fromEntries([...scope.all].map(([name, stat]) => [name, stat.value]));
  return { record, filter, stats };
}

function stateOf(info: StreamInfo): unknown {
  return info.filterState?.get(MESSAGE_COUNTS_KEY);
}

/** A unary call with `status` in trailers. */
function call(filter: GrpcStatsFilter, status: string): void {
  filter.decodeData(message('a'), true);
  filter.encodeHeaders(HeaderMap.of([':status', '200'], ['content-type', GRPC]), false);
  filter.encodeData(message('b'), false);
  filter.encodeTrailers(HeaderMap.of(['grpc-status', status]));
}

test('one call, everything together', () => {
  const { filter, stats } = setUp({});
  call(filter, '0');
  assert.deepEqual(stats(), {
    'cluster.c.grpc.request_message_count': 1, 'cluster.c.grpc.response_message_count': 1, 'cluster.c.grpc.0': 1,
    'cluster.c.grpc.success': 1, 'cluster.c.grpc.total': 1,
  });
});

test('names of methods: all, with dots replaced, or those of a list', () => {
  const allowlist = new Map([['pkg.Service', new Set(['Method'])]]);
  const rows: readonly (readonly [Partial<GrpcStatsConfig>, string])[] = [
    [{ allMethods: true }, 'pkg.Service.Method.'], [{ allMethods: true, replaceDots: true }, 'pkg_Service.Method.'],
    [{ allowlist }, 'pkg.Service.Method.'], [{ allowlist, replaceDots: true }, 'pkg.Service.Method.'],
    [{ allowlist: new Map([['pkg.Service', new Set(['Other'])]]) }, ''], [{ replaceDots: true }, ''],
  ];
  for (const [config, names] of rows) {
    const { filter, stats } = setUp(config);
    call(filter, '5');
    assert.equal(stats()[`cluster.c.grpc.${names}5`], 1, names);
    assert.equal(stats()[`cluster.c.grpc.${names}failure`], 1, names);
  }
});

test('a status that is none counts by its text', () => {
  const { filter, stats } = setUp({});
  filter.encodeHeaders(HeaderMap.of([':status', '200'], ['grpc-status', 'odd']), true);
  assert.deepEqual(stats(), { 'cluster.c.grpc.odd': 1, 'cluster.c.grpc.failure': 1, 'cluster.c.grpc.total': 1 });
});

test('without a cluster (CVE-2026-47204), a method, or gRPC nothing is counted', () => {
  const record = fakeFilterCallbacks();
  const filter = new GrpcStatsFilter({ ...DEFAULTS, allMethods: true });
  filter.setDecoderFilterCallbacks(record.callbacks);
  for (const headers of [[['content-type', GRPC]], [['content-type', 'application/connect+proto']], [['connect-protocol-version', '1']]] as const) {
    filter.decodeHeaders(testRequest('/s/m', ...headers));
    filter.decodeData(message('a'), true);
    filter.encodeHeaders(HeaderMap.of([':status', '200'], ['content-type', 'application/connect+proto']), false);
    filter.encodeData(message('b'), true);
    filter.encodeTrailers(HeaderMap.of(['grpc-status', '0']));
  }
  for (const set of [setUp({ allMethods: true }, '/only'), setUp({}, '/s/m', 'text/plain')]) {
    call(set.filter, '0');
    assert.deepEqual(set.stats(), {});
  }
});

test('after 10,000 methods of a cluster new ones are counted together', () => {
  const record = fakeFilterCallbacks();
  const scope = new FakeScope();
  record.cluster = fakeCluster('c', scope);
  for (let i = 0; i < 10_002; i++) {
    const filter = new GrpcStatsFilter({ ...DEFAULTS, allMethods: true });
    filter.setDecoderFilterCallbacks(record.callbacks);
    filter.decodeHeaders(testRequest(`/s/m${i}`, ['content-type', GRPC]));
    filter.encodeHeaders(HeaderMap.of([':status', '200'], ['grpc-status', '0']), true);
  }
  assert.equal(scope.value('cluster.c.grpc.s.m9999.total'), 1);
  assert.equal(scope.value('cluster.c.grpc.s.m10000.total'), 0);
  assert.equal(scope.value('cluster.c.grpc.total'), 2);
});

test('names that are too long, and too many statuses of one method, are not kept', () => {
  const long = setUp({ allMethods: true }, `/s/${'m'.repeat(511)}`);
  call(long.filter, 'x'.repeat(33));
  assert.deepEqual(Object.keys(long.stats()).sort(), ['failure', 'request_message_count', 'response_message_count', 'total'].map((name) => `cluster.c.grpc.${name}`));
  const { filter, stats } = setUp({});
  for (let i = 0; i < 300; i++) filter.encodeTrailers(HeaderMap.of(['grpc-status', String(i)]));
  assert.deepEqual([stats()['cluster.c.grpc.255'], stats()['cluster.c.grpc.256'], stats()['cluster.c.grpc.total']], [1, undefined, 300]);
});

test('counts of messages in filter state', () => {
  const { filter, record } = setUp({ emitFilterState: true });
  assert.equal(stateOf(record.streamInfo), undefined);
  filter.decodeData(Buffer.concat([message('a'), message('b')]), true);
  const counts = stateOf(record.streamInfo);
  assert.ok(counts instanceof MessageCounts);
  assert.equal(counts.filterStateText(), '2,0');
  assert.deepEqual(counts.filterStateJson(true), { requestMessageCount: '2' });
  filter.encodeHeaders(HeaderMap.of([':status', '200'], ['content-type', GRPC]), false);
  filter.encodeData(message('c'), false);
  assert.deepEqual(counts.filterStateJson(false), { request_message_count: '2', response_message_count: '1' });
});

test('time of the upstream', () => {
  const { filter, record, stats } = setUp({ upstreamStats: true });
  const upstream = new UpstreamInfo();
  record.streamInfo.upstream = upstream;
  call(filter, '0');
  assert.equal('cluster.c.grpc.upstream_rq_time' in stats(), false);
  upstream.timing.lastTxByteSent = 100;
  upstream.timing.lastRxByteReceived = 142.9;
  call(filter, '0');
  assert.equal(stats()['cluster.c.grpc.upstream_rq_time'], 42);
});

test('Connect unary: by the HTTP status', () => {
  for (const [status, result] of [['200', 'success'], ['404', 'failure']] as const) {
    const { filter, stats } = setUp({}, '/s/m', 'application/proto', ['connect-protocol-version', '1']);
    filter.decodeData(Buffer.from('x'), false);
    filter.decodeData(Buffer.from('x'), true);
    filter.encodeHeaders(HeaderMap.of([':status', status], ['content-type', 'application/proto']), false);
    filter.encodeData(Buffer.from('x'), true);
    assert.deepEqual(stats(), {
      'cluster.c.grpc.request_message_count': 1, [`cluster.c.grpc.${result}`]: 1, 'cluster.c.grpc.total': 1,
      'cluster.c.grpc.response_message_count': 1,
    });
  }
});

test('Connect streaming: by the last message', () => {
  const end = encodeGrpcFrame(Buffer.from('{"metadata":{}}'), CONNECT_FLAG_END_STREAM);
  const { filter, stats } = setUp({}, '/s/m', 'application/connect+proto');
  filter.decodeData(message('x'), true);
  filter.encodeHeaders(HeaderMap.of([':status', '200'], ['content-type', 'application/connect+proto']), false);
  filter.encodeData(Buffer.concat([message('a'), message('b'), end]), true);
  assert.deepEqual(stats(), {
    'cluster.c.grpc.request_message_count': 1, 'cluster.c.grpc.response_message_count': 2, 'cluster.c.grpc.success': 1, 'cluster.c.grpc.total': 1,
  });
});

test('the last message of Connect, however it is cut', () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ['{}', true], ['{"metadata":{"a":["b"]}}', true], ['{"error":{"code":"internal"}}', false], ['{"error":null}', false], ['[]', false], ['{', false],
    ['', false], [`{"a":"${'x'.repeat(70_000)}"}`, false],
  ];
  for (const [text, success] of rows) {
    const stream = Buffer.concat([message('one'), encodeGrpcFrame(Buffer.from(text), CONNECT_FLAG_END_STREAM), message('ignored')]);
    for (const step of [1, 7, stream.length]) {
      const counter = new ResponseCounter();
      for (let at = 0; at < stream.length; at += step) counter.inspect(stream.subarray(at, at + step));
      assert.deepEqual([counter.count, counter.connectSuccess], [1, success], text.slice(0, 40));
    }
  }
});
