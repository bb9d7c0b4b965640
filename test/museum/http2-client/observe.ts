/** Runs one case: clients over HTTP/1, the proxy, a server that misbehaves over HTTP/2. */
import { RawClient, statusOf, until } from '../../harness/index.ts';
import { address, filter } from '../stand.ts';
import type { Stand, StandOptions } from '../stand.ts';
import type { ServerCase, ServerVerdict } from './case.ts';
import type { MisbehavingServer } from './server.ts';

const WATCHED = /^cluster\.peer\.(?:http2\.(?!.*(?:active|pending))|upstream_rq_(?:[2345]xx|rx_reset|tx_reset|timeout|pending_failure|retry)|upstream_cx_(?:protocol_error|close_notify|destroy_(?:local|remote)_with_active_rq|connect_fail))/;

export function standOptions(server: MisbehavingServer): StandOptions {
  const h2 = filter('p', 'upstreams.http.v3.HttpProtocolOptions', { explicit_http_config: { http2_protocol_options: {} } }) as { typed_config: object };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(server.port) } }] }];
  const peer = { name: 'peer', type: 'STATIC', connect_timeout: '1s', load_assignment: { cluster_name: 'peer', endpoints }, typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': h2.typed_config } };
  return {
    clusters: [peer],
    routes: [
      { match: { prefix: '/sentinel-' }, direct_response: { status: 200 } },
      { match: { prefix: '/' }, route: { cluster: 'peer', timeout: '0.4s' } },
    ],
  };
}

async function counters(stand: Stand): Promise<Map<string, number>> {
  const { body } = await stand.admin('/stats?filter=cluster.peer');
  const all = new Map<string, number>();
  for (const line of body.split('\n')) {
    const [name = '', value = ''] = line.split(': ');
    if (WATCHED.test(name) && Number.isInteger(Number(value))) all.set(name, Number(value));
  }
  return all;
}

let sentinels = 0;

async function sentinel(stand: Stand): Promise<string> {
  const path = `/sentinel-${++sentinels}`;
  await stand.get(path);
  await until(`the log has ${path}`, () => (stand.logText().includes(`${path}\n`) ? true : undefined));
  return path;
}

/** One request on a connection of its own; what came of it. */
async function ask(stand: Stand, method: string): Promise<string> {
  const client = await RawClient.connect({ port: stand.port });
  try {
    client.send(`${method} / HTTP/1.1\r\nhost: a\r\n${method === 'POST' ? 'content-length: 100\r\n' : ''}\r\n${method === 'POST' ? 'x' : ''}`);
    const messages = await client.readResponses(1, 3_000);
    const last = messages.at(-1);
    if (last === undefined) return `nothing, ${await client.readUntilClose(500)}`;
    const informational = messages.length > 1 ? `${messages.length - 1} × ${statusOf(messages[0] ?? last)}, ` : '';
    const headers = last.headers.filter(([name]) => /^(?:x|host|content-length|set-cookie|te|upgrade)$/.test(name)).map((field) => field.join('='));
    return `${informational}${[statusOf(last), ...headers].join(' ')} ${JSON.stringify(last.body)}${last.complete ? '' : ' incomplete'}`;
  } finally {
    await client.close();
  }
}

export async function observe(stand: Stand, server: MisbehavingServer, one: ServerCase): Promise<ServerVerdict> {
  const from = `${await sentinel(stand)}\n`;
  const before = await counters(stand);
  server.begin(one);
  const count = one.requests ?? 1;
  const clients = await Promise.all(Array.from({ length: count }, () => ask(stand, one.method ?? 'GET')));
  // What the proxy says to the server leaves before the statistics show it, but it has to arrive.
  await new Promise((resolve) => setTimeout(resolve, 30));
  const seen = [...server.seen];
  const to = await sentinel(stand);
  const after = await counters(stand);
  server.dropAll();
  await stand.statBecomes('cluster.peer.upstream_cx_active', 0);
  const stats: Record<string, number> = {};
  for (const [name, value] of after) if (value !== (before.get(name) ?? 0)) stats[name.slice('cluster.peer.'.length)] = value - (before.get(name) ?? 0);
  const log = stand.logText().split(from)[1]?.split('\n').slice(0, -1).filter((line) => !line.endsWith(to)) ?? [];
  return { clients: clients.sort(), log: [...log].sort(), stats, seen };
}
