import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TagProducer } from './tags.ts';

const producer = new TagProducer(undefined, []);

/** name → extracted name and tags, as Envoy 1.40 prints them in /stats/prometheus. */
const CASES: readonly (readonly [name: string, extracted: string, tags: string])[] = [
  ['cluster.foo.upstream_rq_200', 'cluster.upstream_rq', 'envoy.response_code=200 envoy.cluster_name=foo'],
  ['cluster.foo.upstream_rq_2xx', 'cluster.upstream_rq_xx', 'envoy.response_code_class=2 envoy.cluster_name=foo'],
  ['cluster.foo.external.upstream_rq_time', 'cluster.external.upstream_rq_time', 'envoy.cluster_name=foo'],
  ['cluster.foo.circuit_breakers.default.cx_open', 'cluster.circuit_breakers.default.cx_open', 'envoy.cluster_name=foo'],
  ['http.front.downstream_rq_5xx', 'http.downstream_rq_xx', 'envoy.response_code_class=5 envoy.http_conn_manager_prefix=front'],
  ['http.front.user_agent.ios.downstream_cx_total', 'http.user_agent.downstream_cx_total', 'envoy.http_user_agent=ios envoy.http_conn_manager_prefix=front'],
  ['listener.127.0.0.1_80.http.front.downstream_rq_2xx', 'listener.http.downstream_rq_xx', 'envoy.response_code_class=2 envoy.http_conn_manager_prefix=front envoy.listener_address=127.0.0.1_80'],
  ['listener.[__1]_80.downstream_cx_total', 'listener.downstream_cx_total', 'envoy.listener_address=[__1]_80'],
  ['listener.0.0.0.0_80.worker_3.downstream_cx_active', 'listener.worker_downstream_cx_active', 'envoy.worker_id=3 envoy.listener_address=0.0.0.0_80'],
  ['listener.admin.downstream_cx_total', 'listener.admin.downstream_cx_total', ''],
  ['listener_manager.worker_0.dispatcher.loop_duration_us', 'listener_manager.worker_dispatcher.loop_duration_us', 'envoy.worker_id=0'],
  ['vhost.v1.vcluster.other.upstream_rq_total', 'vhost.vcluster.upstream_rq_total', 'envoy.virtual_cluster=other envoy.virtual_host=v1'],
  ['vhost.v1.route.r1.upstream_rq_total', 'vhost.route.upstream_rq_total', 'envoy.virtual_host=v1 envoy.route=r1'],
  ['http.p.rds.my.route/config.update_success', 'http.rds.update_success', 'envoy.rds_route_config=my.route/config envoy.http_conn_manager_prefix=p'],
  ['tcp.t.downstream_cx_total', 'tcp.downstream_cx_total', 'envoy.tcp_prefix=t'],
  ['front.http_local_rate_limit.ok', 'http_local_rate_limit.ok', 'envoy.local_http_ratelimit_prefix=front'],
  ['server.live', 'server.live', ''],
];

for (const [name, extracted, tags] of CASES) {
  test(`tags of ${name}`, () => {
    const produced = producer.produce(name);
    assert.equal(produced.extracted, extracted);
    assert.equal(produced.tags.map((tag) => `${tag.name}=${tag.value}`).join(' '), tags);
  });
}

test('fixed tags of the command line come last', () => {
  assert.deepEqual(new TagProducer(undefined, [{ name: 'dc', value: 'x' }]).produce('cluster.a.b').tags, [
    { name: 'envoy.cluster_name', value: 'a' },
    { name: 'dc', value: 'x' },
  ]);
});
