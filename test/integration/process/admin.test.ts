// Admin pages: bodies as Envoy 1.40 gives them (taken from the real one with the same configuration).
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { startProxy } from '../../../src/index.ts'
import type { AdminPage, Proxy } from '../../../src/index.ts'
import { adminRequest, answer, leakCheck, RawClient, ScriptedOrigin, until, withCleanup } from '../../harness/index.ts'
import { edgeConfig } from './configs.ts'

after(leakCheck())

type Defer = (undo: () => unknown) => void

async function start(defer: Defer, change: (config: string) => string = (config) => config): Promise<Proxy> {
  const proxy = await startProxy({ config: change(edgeConfig({ adminPort: 1, port: 2, originPort: 3 })), logLevel: 'off' })
  defer(() => proxy.stop())
  return proxy
}

function post(proxy: Proxy, path: string, body = ''): Promise<AdminPage> {
  return proxy.admin(path, { method: 'POST', body })
}

const USAGE = 'usage: /logging?<name>=<level> (change single level)\n'

describe('admin pages', () => {
  it('refuse unknown paths with the list of commands, and GET where something changes', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      const unknown = await proxy.admin('/nope')
      assert.equal(unknown.status, 404)
      assert.match(unknown.body, /^invalid path\. admin commands are:\n {2}\/: Admin home page\n/)
      assert.equal(unknown.body, `invalid path. ${(await proxy.admin('/help')).body}`)
      assert.deepEqual(await proxy.admin('/quitquitquit'), {
        status: 405,
        contentType: 'text/plain; charset=UTF-8',
        body: 'Method GET not allowed, POST required.',
      })
    }))

  it('answer over HTTP with the headers of Envoy, and take form bodies', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer, (config) => `${config}layered_runtime: { layers: [{ name: base, static_layer: { a: 1 } }, { name: admin, admin_layer: {} }] }\n`)
      const port = proxy.adminAddress?.port ?? 0
      const ready = await adminRequest(port, '/ready')
      assert.equal(ready.body, 'LIVE\n')
      assert.equal(ready.headers['content-type'], 'text/plain; charset=UTF-8')
      assert.equal(ready.headers['cache-control'], 'no-cache, max-age=0')
      assert.equal(ready.headers['x-content-type-options'], 'nosniff')
      assert.equal(ready.headers['server'], 'envoy')
      assert.equal(ready.headers['transfer-encoding'], 'chunked')
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send('POST /runtime_modify HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 7\r\n\r\na=2&b=x')
      assert.equal((await client.readResponses(1))[0]?.body, 'OK\n')
      const runtime: unknown = JSON.parse((await proxy.admin('/runtime')).body)
      assert.deepEqual(runtime, {
        entries: { a: { final_value: '2', layer_values: ['1', '2'] }, b: { final_value: 'x', layer_values: ['', 'x'] } },
        layers: ['base', 'admin'],
      })
    }))

  it('say why runtime cannot be changed', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      assert.equal((await post(proxy, '/runtime_modify')).status, 400)
      assert.deepEqual((await post(proxy, '/runtime_modify?a=b')).body, 'No admin layer specified')
      assert.equal((await post(proxy, '/runtime_modify?a=b')).status, 503)
      assert.equal((await proxy.admin('/runtime')).body, '{\n "entries": {},\n "layers": []\n}\n')
    }))

  it('change log levels, all or none', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      const listing = (await post(proxy, '/logging')).body
      assert.match(listing, /^active loggers:\n {2}a2a: off\n/)
      assert.match((await post(proxy, '/logging?paths=main:info,http:error')).body, /^ {2}http: error$[^]*^ {2}main: info$/m)
      const cases: readonly (readonly [string, string])[] = [
        ['/logging?paths=main:debug,bogus:debug', 'unknown logger name'],
        ['/logging?level=bogus', 'unknown logger level'],
        ['/logging?zz=debug', 'unknown logger name'],
        ['/logging?a=b&c=d', 'invalid number of parameters'],
        ['/logging?paths=main', 'empty logger name or empty logger level'],
      ]
      for (const [path, error] of cases) {
        const page = await post(proxy, path)
        assert.equal(page.status, 400, path)
        assert.ok(page.body.startsWith(`error: ${error}\n\n${USAGE}`), path)
        assert.match(page.body, /^ {2}main: info$/m, path)
      }
      assert.match((await post(proxy, '/logging?level=off')).body, /^ {2}main: off$/m)
    }))

  it('filter and format statistics', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      const body = async (path: string): Promise<string> => (await proxy.admin(path)).body
      assert.equal(await body('/stats?filter=server.(live|concurrency)$'), 'server.concurrency: 1\nserver.live: 1\n')
      assert.equal(await body('/stats?format=json&filter=server.live'), '{"stats":[{"name":"server.live","value":1}]}')
      assert.equal(await body('/stats?format=prometheus&filter=server.live'), '# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n')
      assert.match(await body('/stats?filter=initialization_time'), /^server\.initialization_time_ms: No recorded values\n$/)
      assert.doesNotMatch(await body('/stats?filter=server&invert_filter'), /^server\./m)
      assert.doesNotMatch(await body('/stats?usedonly'), /downstream_cx_destroy: 0/)
      assert.match(await body('/stats?type=Gauges'), /^server\.live: 1$/m)
      assert.doesNotMatch(await body('/stats?type=Gauges'), /cluster_added/)
      assert.match(await body('/stats?format=html'), /^<!DOCTYPE html>[^]*server\.live: 1/)
      const refusals: readonly (readonly [string, string])[] = [
        ['/stats?filter=(', 'Invalid re2 regex: missing ): ('],
        ['/stats?type=bogus', 'invalid &type= param'],
        ['/stats?format=bogus', 'usage: /stats?format=(html|active-html|json|prometheus|text)\n\n'],
        ['/stats?histogram_buckets=bogus', 'usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary|prometheusnative)\n'],
        ['/stats?hidden=bogus', 'usage: /stats?hidden=(include|only|exclude)\n\n'],
      ]
      for (const [path, text] of refusals) assert.deepEqual([(await proxy.admin(path)).status, await body(path)], [400, text])
    }))

  it('reset counters', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      assert.equal((await proxy.admin('/stats?filter=cluster_added')).body, 'cluster_manager.cluster_added: 1\n')
      assert.equal((await post(proxy, '/reset_counters')).body, 'OK\n')
      assert.equal((await proxy.admin('/stats?filter=cluster_added')).body, 'cluster_manager.cluster_added: 0\n')
    }))

  it('list clusters and listeners', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      assert.match((await proxy.admin('/clusters?filter=orig')).body, /^origin::observability_name::origin\n/)
      assert.equal((await proxy.admin('/clusters?filter=zzz')).body, '')
      const clusters = JSON.parse((await proxy.admin('/clusters?format=json')).body) as { cluster_statuses: { name: string }[] }
      assert.equal(clusters.cluster_statuses[0]?.name, 'origin')
      const port = proxy.addresses['edge']?.[0]?.port ?? 0
      assert.equal((await proxy.admin('/listeners')).body, `edge::127.0.0.1:${port}\n`)
      assert.deepEqual(JSON.parse((await proxy.admin('/listeners?format=json')).body), {
        listener_statuses: [{ name: 'edge', local_address: { socket_address: { address: '127.0.0.1', port_value: port } } }],
      })
    }))

  it('dump the configuration, whole, by resource, mask and name', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      const dump = async (query: string): Promise<{ configs: Record<string, unknown>[] }> =>
        JSON.parse((await proxy.admin(`/config_dump${query}`)).body) as { configs: Record<string, unknown>[] }
      const types = (await dump('')).configs.map((each) => String(each['@type']).replace(/^.*v3\./, ''))
      assert.deepEqual(types, ['BootstrapConfigDump', 'ClustersConfigDump', 'ListenersConfigDump', 'ScopedRoutesConfigDump', 'RoutesConfigDump', 'SecretsConfigDump'])
      const [cluster] = (await dump('?resource=static_clusters&mask=cluster.name')).configs
      assert.deepEqual(cluster, {
        '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster',
        cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'origin' },
      })
      assert.deepEqual(await dump('?resource=dynamic_listeners'), {})
      assert.equal((await dump('?mask=static_clusters')).configs.length, 1)
      assert.equal(((await dump('?name_regex=nothing')).configs[1] ?? {})['static_clusters'], undefined)
      const refusals: readonly (readonly [string, number, string])[] = [
        ['?resource=bogus', 404, 'bogus not found in config dump'],
        ['?mask=zz', 400, 'FieldMask zz could not be successfully applied to any configs.'],
        ['?resource=bootstrap', 400, 'bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field'],
        ['?name_regex=(', 400, 'INVALID_ARGUMENT: Error while parsing name_regex from (: missing ): ('],
      ]
      for (const [query, status, text] of refusals) {
        const page = await proxy.admin(`/config_dump${query}`)
        assert.deepEqual([page.status, page.body], [status, text])
      }
    }))

  it('tell the state of the server', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      const info = JSON.parse((await proxy.admin('/server_info')).body) as Record<string, Record<string, unknown>>
      assert.equal(info['state'], 'LIVE')
      assert.equal(info['command_line_options']?.['drain_time'], '600s')
      assert.equal(info['node']?.['user_agent_name'], 'envoy')
      assert.equal((await post(proxy, '/healthcheck/fail')).body, 'OK\n')
      assert.deepEqual([(await proxy.admin('/ready')).status, (await proxy.admin('/ready')).body], [503, 'DRAINING\n'])
      await post(proxy, '/healthcheck/ok')
      assert.equal((await proxy.admin('/ready')).body, 'LIVE\n')
      assert.equal((await proxy.admin('/certs')).body, '{\n "certificates": []\n}\n')
      assert.equal((await proxy.admin('/init_dump')).body, '{}\n')
      assert.match((await proxy.admin('/contention')).body, /^Mutex contention tracing is not enabled/)
      assert.deepEqual(Object.keys(JSON.parse((await proxy.admin('/memory')).body) as object), [
        'allocated', 'heap_size', 'pageheap_unmapped', 'pageheap_free', 'total_thread_cache', 'total_physical_bytes',
      ])
      assert.match((await proxy.admin('/')).contentType, /^text\/html/)
    }))

  it('keep to allow_paths', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer, (config) => config.replace('admin:\n', 'admin:\n  allow_paths: [{ exact: /ready }, { prefix: /stats }]\n'))
      assert.equal((await proxy.admin('/ready')).status, 200)
      assert.equal((await proxy.admin('/stats?usedonly')).status, 200)
      assert.deepEqual([(await proxy.admin('/help')).status, (await proxy.admin('/help')).body], [403, 'request to path /help not allowed'])
    }))
})

describe('draining by admin', () => {
  const GET = 'GET /direct HTTP/1.1\r\nhost: a\r\n\r\n'
  const closes = (headers: readonly (readonly [string, string])[]): boolean => headers.some(([name, value]) => name === 'connection' && value === 'close')

  it('a failed health check closes connections after their response', () =>
    withCleanup(async (defer) => {
      const proxy = await start(defer)
      const port = proxy.addresses['edge']?.[0]?.port ?? 0
      await post(proxy, '/healthcheck/fail')
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send(GET)
      const [response] = await client.readResponses(1)
      assert.equal(response?.body, 'direct')
      assert.ok(closes(response?.headers ?? []))
      assert.equal(proxy.stats()['http.edge.downstream_cx_drain_close'], 1)
    }))

  it('drain_listeners stops accepting; with skip_exit connections are told and listeners stay', () =>
    withCleanup(async (defer) => {
      const origin = await ScriptedOrigin.start({ replies: [answer()] })
      defer(() => origin.stop())
      const proxy = await start(defer)
      const port = proxy.addresses['edge']?.[0]?.port ?? 0
      const client = await RawClient.connect({ port })
      defer(() => client.close())
      client.send(GET)
      assert.ok(!closes((await client.readResponses(1))[0]?.headers ?? []))
      await post(proxy, '/drain_listeners?skip_exit')
      await (await RawClient.connect({ port })).close()
      await post(proxy, '/drain_listeners?inboundonly')
      await (await RawClient.connect({ port })).close()
      await post(proxy, '/drain_listeners')
      await until('the listener to be closed', () => RawClient.connect({ port }).then((late) => late.close().then(() => null), () => true))
      client.send(GET)
      assert.ok(closes((await client.readResponses(2))[1]?.headers ?? []), 'the old connection is told')
      assert.equal(proxy.stats()['listener_manager.listener_stopped'], 1)
    }))
})
