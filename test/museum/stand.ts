/**
 * The stand on which the museum's cases run: a proxy, an origin that keeps every byte, and an access log. The proxy is nuncio in this
 * process; with `NUNCIO_MUSEUM_PROXY=envoy` the same cases run against Envoy 1.40, which is how their expected values were found.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startProxy } from '../../src/index.ts';
import type { Proxy } from '../../src/index.ts';
import { freePorts, ProxyProcess, RawClient, ScriptedOrigin, until } from '../harness/index.ts';
import type { OriginScript, RawMessage } from '../harness/index.ts';

export const TYPE = 'type.googleapis.com/envoy.extensions';
export const isEnvoy = process.env['NUNCIO_MUSEUM_PROXY'] === 'envoy';

/** What a case changes in the configuration; all in the form of JSON. */
export interface StandOptions {
  /** Fields of the connection manager. */
  readonly manager?: object;
  readonly routes?: readonly object[];
  readonly virtualHosts?: readonly object[];
  /** HTTP filters before the router. */
  readonly filters?: readonly object[];
  readonly cluster?: object;
  /** Clusters beside the origin. */
  readonly clusters?: readonly object[];
  readonly listener?: object;
  /** Of the listener's one filter chain. */
  readonly transportSocket?: object;
  readonly secrets?: readonly object[];
  readonly runtime?: object;
  readonly bootstrap?: object;
  /** Format of the access log, text or JSON. Default: status, flags, details, path. */
  readonly log?: string | object;
  readonly origin?: OriginScript;
}

const DEFAULT_LOG = '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %REQ(:PATH)%\n';

export function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** A filter as a list of them has it. */
export function filter(name: string, type: string, fields: object = {}): object {
  return { name, typed_config: { '@type': `${TYPE}.${type}`, ...fields } };
}

function logConfig(file: string, log: string | object): object {
  const format = typeof log === 'string' ? { text_format_source: { inline_string: log } } : { json_format: log };
  return filter('log', 'access_loggers.file.v3.FileAccessLog', { path: file, log_format: format });
}

export function configOf(options: StandOptions, ports: { admin: number; listener: number; origin: number }, logFile: string): object {
  const routes = options.routes ?? [{ match: { prefix: '/' }, route: { cluster: 'origin' } }];
  const manager = {
    stat_prefix: 'museum',
    generate_request_id: false,
    delayed_close_timeout: '0.1s',
    access_log: [logConfig(logFile, options.log ?? DEFAULT_LOG)],
    route_config: { virtual_hosts: options.virtualHosts ?? [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [...(options.filters ?? []), filter('envoy.filters.http.router', 'filters.http.router.v3.Router', { suppress_envoy_headers: true })],
    ...options.manager,
  };
  const network = filter('envoy.filters.network.http_connection_manager', 'filters.network.http_connection_manager.v3.HttpConnectionManager', manager);
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(ports.origin) } }] }];
  return {
    admin: { address: address(ports.admin) },
    layered_runtime: { layers: [{ name: 'static', static_layer: options.runtime ?? {} }] },
    static_resources: {
      ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
      listeners: [{ name: 'in', address: address(ports.listener), filter_chains: [{ filters: [network], ...(options.transportSocket === undefined ? {} : { transport_socket: options.transportSocket }) }], ...options.listener }],
      clusters: [{ name: 'origin', type: 'STATIC', connect_timeout: '1s', load_assignment: { cluster_name: 'origin', endpoints }, ...options.cluster }, ...(options.clusters ?? [])],
    },
    ...options.bootstrap,
  };
}

export class Stand {
  readonly origin: ScriptedOrigin;
  readonly port: number;
  private readonly proxy: Proxy | ProxyProcess;
  private readonly folder: string;
  private readonly logFile: string;

  private constructor(origin: ScriptedOrigin, port: number, proxy: Proxy | ProxyProcess, folder: string, logFile: string) {
    this.origin = origin;
    this.port = port;
    this.proxy = proxy;
    this.folder = folder;
    this.logFile = logFile;
  }

  static async start(options: StandOptions = {}): Promise<Stand> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'museum-'));
    const logFile = path.join(folder, 'access.log');
    const origin = await ScriptedOrigin.start(options.origin);
    try {
      const [admin, listener] = isEnvoy ? await freePorts(2) : [0, 0];
      const config = configOf(options, { admin: admin ?? 0, listener: listener ?? 0, origin: origin.port }, logFile);
      const proxy = isEnvoy
        ? await ProxyProcess.start({ kind: 'envoy', configFormat: 'json', adminPort: admin ?? 0, config: JSON.stringify(config), args: ['--file-flush-interval-msec', '10'] })
        : await startProxy({ config, logLevel: 'off', options: { fileFlushIntervalMsec: 10 } });
      const port = proxy instanceof ProxyProcess ? (listener ?? 0) : (proxy.addresses['in']?.[0]?.port ?? 0);
      return new Stand(origin, port, proxy, folder, logFile);
    } catch (error) {
      await origin.stop();
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** Runs `body` with a stand that is taken down afterwards. */
  static async with(options: StandOptions, body: (stand: Stand) => Promise<void>): Promise<void> {
    const stand = await Stand.start(options);
    try {
      await body(stand);
    } finally {
      await stand.stop();
    }
  }

  connect(): Promise<RawClient> {
    return RawClient.connect({ port: this.port });
  }

  /** Sends bytes on a connection of their own; the responses that came. */
  async exchange(bytes: string, answers = 1): Promise<readonly RawMessage[]> {
    const client = await this.connect();
    try {
      client.send(bytes);
      return await client.readResponses(answers);
    } finally {
      await client.close();
    }
  }

  /** A request of these lines; what came back. */
  async get(target: string, headers: readonly string[] = [], method = 'GET'): Promise<RawMessage> {
    const [response] = await this.exchange([`${method} ${target} HTTP/1.1`, 'host: a', ...headers, '', ''].join('\r\n'));
    if (response === undefined) throw new Error(`no answer to ${target}`);
    return response;
  }

  /** Lines of the access log, once there are that many. Bytes as Latin-1. */
  logLines(count: number): Promise<readonly string[]> {
    return until(`${count} lines of the access log`, () => {
      const lines = this.logText().split('\n').slice(0, -1);
      return lines.length >= count ? lines : undefined;
    });
  }

  logText(): string {
    try {
      return readFileSync(this.logFile, 'latin1');
    } catch {
      return '';
    }
  }

  async admin(target: string, method = 'GET'): Promise<{ status: number; body: string; contentType: string }> {
    if (!(this.proxy instanceof ProxyProcess)) return this.proxy.admin(target, { method });
    const { status, body, headers } = await this.proxy.admin(target, method);
    return { status, body, contentType: headers['content-type'] ?? '' };
  }

  async stat(name: string): Promise<number | undefined> {
    const { body } = await this.admin(`/stats?filter=${encodeURIComponent(`^${name.replaceAll('.', '[.]')}$`)}`);
    const line = body.split('\n').find((each) => each.startsWith(`${name}: `));
    return line === undefined ? undefined : Number(line.slice(name.length + 2));
  }

  /** Waits until a statistic has a value: connections close in their own time. */
  async statBecomes(name: string, value: number): Promise<void> {
    await until(`${name} = ${value}`, async () => ((await this.stat(name)) === value ? true : undefined));
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await this.origin.stop();
    rmSync(this.folder, { recursive: true });
  }
}
