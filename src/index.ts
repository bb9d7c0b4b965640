import { LOG_WARNING } from './contract/logger.ts';
import type { LogLevel } from './contract/logger.ts';
import { HeaderMap } from './contract/header-map.ts';
import { ProcessLoggers, parseLogLevel } from './server/logger.ts';
import { DEFAULT_OPTIONS } from './server/options.ts';
import type { ServerOptions } from './server/options.ts';
import { Server } from './server/server.ts';
import { StartupError } from './server/startup-error.ts';

export { StartupError } from './server/startup-error.ts';

/** What `startProxy` takes. */
export interface ProxyOptions {
  /**
   * The bootstrap: an object as its JSON form, a text in YAML or JSON (anything with a line break or a leading `{`), or else the path of a
   * file (`.yaml`, `.json`, `.pb`, `.pb_text`).
   */
  readonly config: object | string;
  /** `ephemeral` (default): every listener and admin gets a free port; `as configured`: the ports of the configuration. */
  readonly ports?: 'ephemeral' | 'as configured';
  /** Worker threads; ignored with `inline`. Default 1. */
  readonly concurrency?: number;
  /** Serve on the calling thread instead of on worker threads. Default true. */
  readonly inline?: boolean;
  /** Envoy's names: `trace` … `off`. Default `warning`; lines go to standard error. */
  readonly logLevel?: string;
  /** Any other option of the command line, by its name in camelCase. */
  readonly options?: Partial<ServerOptions>;
}

/** Where a listener listens: a port, or the path of a unix socket. */
export interface ListeningAddress {
  /** Empty for a unix socket. */
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
  /** Empty for a port. */
  readonly path: string;
}

/** A page of the admin interface. */
export interface AdminPage {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** A running proxy. */
export interface Proxy {
  /** By listener name; each with its additional addresses after the first. */
  readonly addresses: Readonly<Record<string, readonly ListeningAddress[]>>;
  /** Where admin listens, or null when the configuration has no admin address. */
  readonly adminAddress: ListeningAddress | null;
  /** Counters and gauges of all threads by their full names, at this moment. */
  stats(): Record<string, number>;
  /** Asks an admin page without a connection: `admin('/clusters?format=json')`, `admin('/healthcheck/fail', { method: 'POST' })`. */
  admin(pathAndQuery: string, request?: { readonly method?: string; readonly body?: string }): Promise<AdminPage>;
  /** Stops accepting, lets requests in flight finish for at most `graceS` seconds (default 10), then stops. */
  drain(graceS?: number): Promise<void>;
  /** Stops at once. Nothing is left behind: no timer, socket, thread. Harmless when already stopped. */
  stop(): Promise<void>;
}

/**
 * Starts a proxy inside this program. Resolves when it accepts connections; rejects with a StartupError whose message has every mistake of the
 * configuration on a line of its own.
 *
 *     const proxy = await startProxy({ config: 'envoy.yaml' });
 *     const { port } = proxy.addresses['ingress'][0];
 *     // ...
 *     await proxy.stop();
 */
export async function startProxy(given: ProxyOptions): Promise<Proxy> {
  const options = serverOptions(given);
  const loggers = ProcessLoggers.create({ level: options.logLevel, format: options.logFormat, path: options.logPath });
  try {
    const server = await Server.start({
      options,
      loggers,
      inline: given.inline ?? true,
      ephemeralPorts: (given.ports ?? 'ephemeral') === 'ephemeral',
      ...configText(given.config),
    });
    void server.stopped.then(() => loggers.dispose());
    return new RunningProxy(server);
  } catch (error) {
    loggers.dispose();
    throw error;
  }
}

function serverOptions(given: ProxyOptions): ServerOptions {
  const isPath = typeof given.config === 'string' && !isText(given.config);
  return {
    ...DEFAULT_OPTIONS,
    concurrency: given.concurrency ?? 1,
    logLevel: logLevel(given.logLevel),
    ...given.options,
    ...(isPath ? { configPath: String(given.config) } : {}),
  };
}

function logLevel(name: string | undefined): LogLevel {
  if (name === undefined) return LOG_WARNING;
  const level = parseLogLevel(name);
  if (level === undefined) throw new StartupError(`error: invalid log level specified '${name}'`);
  return level;
}

function isText(config: string): boolean {
  return config.includes('\n') || config.trimStart().startsWith('{');
}

function configText(config: object | string): { config: { text: string; format: 'yaml' | 'json' } } | Record<never, never> {
  if (typeof config !== 'string') return { config: { text: JSON.stringify(config), format: 'json' } };
  return isText(config) ? { config: { text: config, format: 'yaml' } } : {};
}

class RunningProxy implements Proxy {
  readonly addresses: Readonly<Record<string, readonly ListeningAddress[]>>;
  readonly adminAddress: ListeningAddress | null;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
    const addresses: Record<string, readonly ListeningAddress[]> = Object.create(null) as Record<string, readonly ListeningAddress[]>;
    for (const [name, list] of server.pool.listening) addresses[name] = list.map(({ ip, port, path }) => ({ host: ip, port, path }));
    this.addresses = addresses;
    const admin = server.admin?.server?.address;
    this.adminAddress =
      admin === undefined ? null : { host: admin.kind === 'ip' ? admin.ip : '', port: admin.port, path: admin.kind === 'ip' ? '' : admin.text };
  }

  stats(): Record<string, number> {
    this.server.refreshStats();
    const values: Record<string, number> = Object.create(null) as Record<string, number>;
    this.server.stats.merger.forEach((stat) => {
      if (stat.kind !== 'histogram') values[stat.name] = stat.value;
    });
    return values;
  }

  async admin(pathAndQuery: string, request: { readonly method?: string; readonly body?: string } = {}): Promise<AdminPage> {
    const router = this.server.admin?.router;
    if (router === undefined) throw new Error('the proxy has stopped');
    const response = router.dispatch(request.method ?? 'GET', pathAndQuery, new HeaderMap(), request.body ?? '');
    return {
      status: response.status,
      contentType: response.contentType ?? 'text/plain; charset=UTF-8',
      body: await collect(response.body),
    };
  }

  drain(graceS = DEFAULT_OPTIONS.shutdownGraceS): Promise<void> {
    return this.server.shutdown(graceS);
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}

async function collect(body: string | Promise<string> | AsyncIterable<string>): Promise<string> {
  if (typeof body === 'string') return body;
  if (body instanceof Promise) return body;
  let text = '';
  for await (const piece of body) text += piece;
  return text;
}
