import type { AccessLog as AccessLogMessage } from '#api/envoy/config/accesslog/v3/accesslog_pb.js';
import type { Admin } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildStringMatcher } from '../../common/matchers/string-matcher.ts';
import type { Address } from '../../contract/address.ts';
import type { AccessLog } from '../../contract/access-log.ts';
import { configAt } from '../../contract/errors.ts';
import type { FactoryContext, ListenerFacts } from '../../contract/extension.ts';
import { LOG_INFO } from '../../contract/logger.ts';
import { expectMessage } from '../../contract/message.ts';
import { CLOSE_FLUSH_WRITE } from '../../contract/network.ts';
import { ConnectionManager } from '../../core/http/connection-manager.ts';
import { buildAccessLogs } from '../../core/network/access-logs.ts';
import { ActiveListener } from '../../core/network/active-listener.ts';
import { ipAddress, resolveAddressMessage } from '../../core/network/address.ts';
import { DEFAULT_BUFFER_LIMIT } from '../../core/network/connection.ts';
import { FilterChainMatcher } from '../../core/network/filter-chain-match.ts';
import type { ActiveFilterChain, ListenerConfig } from '../../core/network/listener-config.ts';
import { readSocketOptions } from '../../core/network/socket-options.ts';
import { anyOf } from '../messages.ts';
import { adminConnectionManager } from './admin-hcm.ts';
import { clustersPage } from './clusters-page.ts';
import { configDumpPage } from './config-dump-page.ts';
import type { AdminContext } from './context.ts';
import { homePages } from './home-page.ts';
import { makeMessage } from './json.ts';
import { listenersPage } from './listeners-page.ts';
import { loggingPage } from './logging-page.ts';
import { profilingPages } from './profiling-pages.ts';
import { AdminRouter } from './router.ts';
import { runtimePages } from './runtime-pages.ts';
import { serverCommandPages } from './server-command-pages.ts';
import { serverInfoPages } from './server-info-pages.ts';
import { statsPages } from './stats-pages.ts';

const BACKLOG = 128;
const PREFIX = 'admin';
/** Answers that are being sent when the process ends get this many turns of the loop. */
const CLOSE_TURNS = 20;

/** All pages. Throws ConfigError for a bad `allow_paths`. */
export function adminRouter(context: AdminContext, config: Admin | undefined): AdminRouter {
  const allow = (config?.allowPaths ?? []).map((each, i) => {
    const matcher = configAt(`admin.allow_paths[${i}]`, () => buildStringMatcher(each));
    return (path: string) => matcher.matches(path);
  });
  const router = new AdminRouter(context.loggers.get('admin'), allow);
  const pages = [
    ...homePages(router),
    ...serverInfoPages(context),
    ...serverCommandPages(context),
    ...statsPages(context),
    ...runtimePages(context),
    ...profilingPages(),
    clustersPage(context),
    configDumpPage(context),
    listenersPage(context),
    loggingPage(context),
  ];
  for (const page of pages) router.add(page);
  return router;
}

/** The admin listener on the main thread. */
export class AdminServer {
  readonly router: AdminRouter;
  private readonly listener: ActiveListener;

  /** `port`: instead of the configured one; null = as configured. Throws ConfigError. */
  constructor(config: Admin, router: AdminRouter, context: FactoryContext, port: number | null) {
    this.router = router;
    this.listener = new ActiveListener(listenerConfig(config, router, context, port));
  }

  /** Rejects with a ConfigError when the address cannot be had. */
  async start(): Promise<void> {
    await this.listener.start();
  }

  get address(): Address {
    return this.listener.localAddresses[0];
  }

  async close(): Promise<void> {
    this.listener.stopListening();
    this.listener.closeConnections(CLOSE_FLUSH_WRITE, 'server_shutdown');
    for (let i = 0; i < CLOSE_TURNS && this.listener.connectionCount > 0; i++) await nextTurn();
  }
}

/** `access_log`, and the older `access_log_path`: a file in the default format. */
function adminAccessLogs(config: Admin, context: FactoryContext): readonly AccessLog[] {
  const logs = configAt('admin.access_log', () => buildAccessLogs(config.accessLog, context));
  if (config.accessLogPath === '') return logs;
  const file = anyOf(makeMessage('envoy.extensions.access_loggers.file.v3.FileAccessLog', { path: config.accessLogPath }));
  const message = makeMessage('envoy.config.accesslog.v3.AccessLog', {
    name: 'envoy.access_loggers.file', configType: { case: 'typedConfig', value: file },
  });
  return [...logs, ...buildAccessLogs([expectMessage<AccessLogMessage>(message, 'envoy.config.accesslog.v3.AccessLog')], context)];
}

/** What `--mode validate` looks at: all that `listenerConfig` reads, without a listener. Throws ConfigError. */
export function checkAdmin(config: Admin, context: FactoryContext): void {
  config.allowPaths.forEach((each, i) => configAt(`admin.allow_paths[${i}]`, () => buildStringMatcher(each)));
  adminAccessLogs(config, context);
  if (config.address === undefined) return;
  resolveAddressMessage(config.address, 'admin.address');
  readSocketOptions(config.socketOptions, 'admin.socket_options');
}

function listenerConfig(config: Admin, router: AdminRouter, base: FactoryContext, port: number | null): ListenerConfig {
  const resolved = resolveAddressMessage(config.address, 'admin.address');
  const address = port === null || resolved.kind !== 'ip' ? resolved : ipAddress(resolved.ip, port);
  const facts: ListenerFacts = { name: PREFIX, direction: 'UNSPECIFIED', bufferLimit: DEFAULT_BUFFER_LIMIT };
  const context: FactoryContext = { ...base, listenerScope: base.rootScope.scope(`listener.${PREFIX}`), listener: facts };
  base.loggers.get('main').log(LOG_INFO, `Starting admin HTTP server at ${address.text}`);
  const accessLogs = adminAccessLogs(config, context);
  const manager = adminConnectionManager(context, router, accessLogs);
  const chain: ActiveFilterChain = {
    name: PREFIX,
    transportSocket: null,
    filters: [(connection) => connection.addReadFilter(new ConnectionManager(manager, connection))],
    connectTimeout: 0,
  };
  return {
    name: PREFIX,
    statPrefix: PREFIX,
    addresses: [{ address, ipv4Compat: false, pipeMode: 0, tuning: readSocketOptions(config.socketOptions, 'admin.socket_options') }],
    facts,
    bindToPort: true,
    // Two processes on one admin port would answer in turn; Envoy refuses the second too.
    reusePort: false,
    backlog: BACKLOG,
    bufferLimit: DEFAULT_BUFFER_LIMIT,
    ignoreGlobalConnLimit: config.ignoreGlobalConnLimit,
    drainOnlyOnModify: false,
    matcher: new FilterChainMatcher([{ match: undefined, chain }], null, () => {
      throw new Error('one chain cannot overlap');
    }),
    listenerFilters: null,
    accessLogs: [],
    context,
  };
}
