import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import type { AccessLogFactory, DownstreamTransportSocketConfigFactory, FactoryContext, NetworkFilterFactory } from '../../contract/extension.ts';
import { ConfigError } from '../../contract/errors.ts';
import { CLOSE_NO_FLUSH } from '../../contract/network.ts';
import { makeEntry } from '../runtime/entry.ts';
import { ThreadRuntime } from '../runtime/loader.ts';
import { parseMessage, TestThread } from '../upstream/test-support.ts';
import { ActiveListener } from './active-listener.ts';
import { ipAddress, pipeAddress } from './address.ts';
import type { ListenerConfig } from './listener-config.ts';
import { buildListener } from './listener-config.ts';

let thread: TestThread;
let logged: string[];
beforeEach(() => {
  thread = new TestThread();
  logged = [];
});
afterEach(() => thread.dispose());

/** Stands for every network filter: notes what reaches it. */
const filter: NetworkFilterFactory = {
  name: 'envoy.filters.network.echo',
  category: 'envoy.filters.network',
  configTypes: [],
  status: 'works',
  terminal: true,
  create: (_config, context) => (connection) => {
    connection.addReadFilter({
      initializeReadFilterCallbacks: () => {},
      onNewConnection: () => {
        logged.push(`${context.listener.name} ${connection.streamInfo.filterChainName} ${connection.remoteAddress.text} > ${connection.localAddress.text}`);
        return 0;
      },
      onData: (data) => {
        logged.push(data.toString());
        return 1;
      },
    });
  },
};

const accessLog: AccessLogFactory = {
  name: 'test',
  category: 'envoy.access_loggers',
  configTypes: [],
  status: 'works',
  create: () => ({ log: ({ streamInfo }) => logged.push(`log ${streamInfo.responseFlags} ${streamInfo.responseCodeDetails}`) }),
};

function context(runtime: Readonly<Record<string, number>> = {}): FactoryContext {
  return {
    ...thread.context,
    runtime: new ThreadRuntime(Object.entries(runtime).map(([key, value]) => [key, makeEntry(value)])),
    registry: { ...thread.context.registry, networkFilter: () => filter, accessLog: () => accessLog },
  };
}

const ECHO = "{name: e, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}";
const ADDRESS = 'address: {socket_address: {address: 192.0.2.1, port_value: 80}}';
const CHAIN = `filter_chains: [{name: c, filters: [${ECHO}]}]`;
const LOG = "access_log: [{name: l, typed_config: {'@type': type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}]";

function build(yaml: string, runtime: Readonly<Record<string, number>> = {}): ListenerConfig {
  return buildListener(parseMessage<Listener>('envoy.config.listener.v3.Listener', `{name: l, ${yaml}}`), context(runtime));
}

async function start(yaml: string, runtime: Readonly<Record<string, number>> = {}): Promise<ActiveListener> {
  const listener = new ActiveListener(build(yaml, runtime));
  await listener.start();
  return listener;
}

function stat(name: string): number {
  return thread.stat(`listener.192.0.2.1_80.${name}`);
}

test('accepts, counts, passes bytes, forgets', async () => {
  const listener = await start(`${ADDRESS}, ${CHAIN}, ${LOG}`);
  const peer = thread.io.accept(ipAddress('192.0.2.9', 1));
  assert.deepEqual(logged, ['l c 192.0.2.9:1 > 192.0.2.1:80']);
  assert.equal(peer.noDelay, true);
  peer.receive('x');
  assert.equal(listener.connectionCount, 1);
  assert.deepEqual([stat('downstream_cx_total'), stat('downstream_cx_active'), stat('worker_0.downstream_cx_active')], [1, 1, 1]);
  peer.end();
  assert.equal(listener.connectionCount, 0);
  assert.deepEqual([stat('downstream_cx_destroy'), stat('downstream_cx_active'), stat('worker_0.downstream_cx_active')], [1, 0, 0]);
  assert.deepEqual(logged.slice(1), ['x', 'log 0 ']);
  assert.equal(thread.sharedCells.cell('listener.l.connections').load(), 0);
});

test('no chain matches: closed, counted, logged with NR', async () => {
  await start(`${ADDRESS}, filter_chains: [{filter_chain_match: {destination_port: 81}, filters: [${ECHO}]}], ${LOG}`);
  const peer = thread.io.accept(ipAddress('192.0.2.9', 1));
  assert.equal(peer.closed, 'closed');
  assert.equal(stat('no_filter_chain_match'), 1);
  assert.equal(stat('downstream_cx_total'), 0);
  assert.deepEqual(logged, ['log 256 filter_chain_not_found']);
});

test('default_filter_chain takes what matches nothing', async () => {
  await start(`${ADDRESS}, default_filter_chain: {name: d, filters: [${ECHO}]}`);
  thread.io.accept(ipAddress('192.0.2.9', 1));
  assert.match(logged[0], /^l d /);
});

test('a chain without filters closes at once', async () => {
  await start(`${ADDRESS}, filter_chains: [{filters: []}]`);
  assert.equal(thread.io.accept(ipAddress('192.0.2.9', 1)).closed, 'closed');
  assert.deepEqual([stat('downstream_cx_total'), stat('downstream_cx_destroy'), stat('downstream_cx_active')], [1, 1, 0]);
});

test('connection limits by runtime: of the listener, of the process', async () => {
  const limits = { 'envoy.resource_limits.listener.l.connection_limit': 1, 'overload.global_downstream_max_connections': 2 };
  await start(`${ADDRESS}, ${CHAIN}`, limits);
  const first = thread.io.accept(ipAddress('192.0.2.9', 1));
  assert.equal(thread.io.accept(ipAddress('192.0.2.9', 2)).closed, 'closed');
  assert.equal(stat('downstream_cx_overflow'), 1);
  first.end();
  assert.equal(thread.io.accept(ipAddress('192.0.2.9', 3)).closed, 'no');
  thread.sharedCells.cell('listeners.connections').add(1);
  assert.equal(thread.io.accept(ipAddress('192.0.2.9', 4)).closed, 'closed');
  assert.equal(stat('downstream_global_cx_overflow'), 1);
});

test('ignore_global_conn_limit', async () => {
  await start(`${ADDRESS}, ${CHAIN}, ignore_global_conn_limit: true`, { 'overload.global_downstream_max_connections': 0 });
  assert.equal(thread.io.accept(ipAddress('192.0.2.9', 1)).closed, 'no');
});

test('stopListening leaves connections; closeConnections ends them', async () => {
  const listener = await start(`${ADDRESS}, ${CHAIN}`);
  const peer = thread.io.accept(ipAddress('192.0.2.9', 1));
  listener.stopListening();
  assert.equal(thread.io.listens.length, 0);
  assert.equal(peer.closed, 'no');
  listener.closeConnections(CLOSE_NO_FLUSH, 'end');
  assert.equal(peer.closed, 'closed');
});

test('additional addresses, wildcards, unix sockets', async () => {
  const listener = await start(`address: {socket_address: {address: 0.0.0.0, port_value: 80}}, stat_prefix: p,
    additional_addresses: [{address: {pipe: {path: '@x', mode: 384}}}], ${CHAIN}, tcp_backlog_size: 7, enable_reuse_port: false`);
  assert.deepEqual(thread.io.listens.map((each) => [each.address.text, each.backlog, each.reusePort, each.pipeMode]), [
    ['0.0.0.0:80', 7, false, 0],
    ['@x', 7, false, 384],
  ]);
  thread.io.accept(ipAddress('192.0.2.9', 1), 0);
  thread.io.accept(pipeAddress(''), 1);
  assert.deepEqual(logged, ['l c 192.0.2.9:1 > 192.0.2.254:40000', 'l c @x > @x']);
  assert.equal(thread.stat('listener.p.downstream_cx_total'), 2);
  listener.stopListening();
});

test('a taken address is an error with a hint, and nothing stays open', async () => {
  const config = build(`${ADDRESS}, ${CHAIN}`);
  thread.io.refuseListen = 98;
  await assert.rejects(
    () => new ActiveListener(config).start(),
    (error: unknown) => error instanceof ConfigError && error.why === "cannot bind '192.0.2.1:80': Address already in use" && error.hint !== '',
  );
});

test('bind_to_port: false opens nothing', async () => {
  await start(`${ADDRESS}, ${CHAIN}, bind_to_port: false`);
  assert.equal(thread.io.listens.length, 0);
});

test('transport_socket_connect_timeout ends handshakes that take too long, and no others', async () => {
  const socket: DownstreamTransportSocketConfigFactory = {
    name: 'test', category: 'envoy.transport_sockets.downstream', configTypes: [], status: 'works',
    create: () => ({ secure: true, wrap: (transport) => transport }),
  };
  const yaml = `{name: l, ${ADDRESS}, ${LOG}, filter_chains: [{name: c, transport_socket_connect_timeout: 2s, transport_socket: {name: t, typed_config:
    {'@type': type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}, filters: [${ECHO}]}]}`;
  const base = context();
  const listener = new ActiveListener(
    buildListener(parseMessage<Listener>('envoy.config.listener.v3.Listener', yaml), { ...base, registry: { ...base.registry, downstreamTransportSocket: () => socket } }),
  );
  await listener.start();
  const slow = thread.io.accept(ipAddress('192.0.2.9', 1));
  const quick = thread.io.accept(ipAddress('192.0.2.9', 2));
  quick.connected();
  thread.advance(2_001);
  assert.deepEqual([slow.closed, quick.closed], ['closed', 'no']);
  assert.equal(stat('downstream_cx_transport_socket_connect_timeout'), 1);
  assert.equal(logged.at(-1), 'log 0 ');
});

test('a chain that can never match is warned of, by the dry run', () => {
  const warnings: string[] = [];
  const logger = { name: 'config', enabled: () => true, log: (_level: number, text: string) => void warnings.push(text) };
  const load = (match: string): unknown => {
    const yaml = `{name: l, ${ADDRESS}, filter_chains: [{name: c, filter_chain_match: ${match}, filters: [${ECHO}]}]}`;
    return buildListener(parseMessage<Listener>('envoy.config.listener.v3.Listener', yaml), { ...context(), validationOnly: true, loggers: { get: () => logger } });
  };
  load('{source_ports: [1]}');
  load('{transport_protocol: raw_buffer}');
  assert.deepEqual(warnings, []);
  for (const match of ['{server_names: [a]}', '{application_protocols: [h2]}', '{transport_protocol: tls}']) load(match);
  assert.equal(warnings.length, 3);
  assert.match(warnings[0], /^listener '192.0.2.1:80': filter chain 'c' matches by what a listener filter .* never matches$/);
});

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  [`${ADDRESS}, ${CHAIN}, use_original_dst: true`, 'use_original_dst', /^known to Envoy, not in nuncio yet: Listener.use_original_dst$/],
  [`${ADDRESS}, ${CHAIN}, enable_mptcp: true`, 'enable_mptcp', /not in nuncio yet/],
  [`${ADDRESS}, ${CHAIN}, socket_options: [{level: 1, name: 36, int_value: 7, state: STATE_PREBIND}]`, 'socket_options[0]', /socket option level 1 name 36/],
  [`${ADDRESS}, ${CHAIN}, listener_filters: [{name: x, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}]`, 'listener_filters[0]', /not in nuncio yet/],
  [ADDRESS, 'filter_chains', /^error adding listener '192.0.2.1:80': no filter chains specified$/],
  [`${ADDRESS}, filter_chains: [{filters: [${ECHO}, ${ECHO}]}]`, 'filter_chains[0].filters[0]', /^Error: terminal filter named e of type envoy.filters.network.echo must be the last filter in a network filter chain.$/],
  [
    `${ADDRESS}, filter_chains: [{name: a, filter_chain_match: {server_names: [x], source_ports: [1]}, filters: [${ECHO}]}, {name: b, filter_chain_match: {source_ports: [1], server_names: [x]}, filters: [${ECHO}]}]`,
    'filter_chains[1].filter_chain_match',
    /^error adding listener '192.0.2.1:80': filter chain 'b' has the same matching rules defined as 'a'. duplicate matcher is: {"source_ports":\[1\],"server_names":\["x"\]}$/,
  ],
  [
    `${ADDRESS}, filter_chains: [{filter_chain_match: {source_ports: [1]}, filters: [${ECHO}]}, {filter_chain_match: {source_ports: [1, 2]}, filters: [${ECHO}]}]`,
    'filter_chains',
    /multiple filter chains with overlapping matching rules are defined$/,
  ],
];

for (const [yaml, path, why] of REFUSED) {
  test(`refused: ${path} ${why.source}`, () => {
    assert.throws(
      () => build(yaml),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.equal(error.path, path);
        assert.match(error.why, why);
        return true;
      },
    );
  });
}
