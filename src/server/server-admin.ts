import { writeFileSync } from 'node:fs';
import { configAt } from '../contract/errors.ts';
import { LOG_CRITICAL, LOG_INFO } from '../contract/logger.ts';
import { ipAddress, pipeAddress } from '../core/network/address.ts';
import { AdminServer, adminRouter } from './admin/admin-server.ts';
import type { AdminRouter } from './admin/router.ts';
import type { AdminContext, ListenerView } from './admin/context.ts';
import { staticSections } from './config-sections.ts';
import { configErrorText } from './error-text.ts';
import type { MainThread } from './main-thread.ts';
import type { Server } from './server.ts';
import { StartupError } from './startup-error.ts';
import { validatingUnpacker } from './thread-services.ts';

/** What admin pages see of a server. */
export function adminContext(server: Server, main: MainThread): AdminContext {
  return {
    options: server.options,
    loggers: server.loggers,
    runtime: main.runtime,
    stats: main.sources,
    refreshStats: () => server.refreshStats(),
    resetCounters: () => main.sources.merger.resetCounters(),
    get state() {
      return server.state;
    },
    get uptime() {
      return server.uptime;
    },
    node: main.node,
    clusters: () => main.clusters.views(),
    listeners: () => listenerViews(server),
    certificates: () => main.certificates.contexts,
    configSections: (includeEds) =>
      staticSections(
        {
          bootstrap: main.bootstrap,
          node: main.node,
          messages: validatingUnpacker,
          loadedAt: main.loadedAt,
          clusters: () => main.clusters.views(),
        },
        includeEds,
      ),
    quit: () => void server.shutdown(server.options.shutdownGraceS),
    failHealthcheck: (fail) => server.failHealthcheck(fail),
    drainListeners: (request) => server.drainListeners(request),
    reopenLogs: () => server.reopenLogs(),
  };
}

function listenerViews(server: Server): ListenerView[] {
  return [...server.pool.listening].map(([name, addresses]) => ({
    name,
    addresses: addresses.map((each) => (each.path === '' ? ipAddress(each.ip, each.port) : pipeAddress(each.path))),
  }));
}

export interface OpenedAdmin {
  /** Answers pages also without a listener (library). */
  readonly router: AdminRouter;
  /** Null when the bootstrap has no admin address. */
  readonly server: AdminServer | null;
}

/** Opens admin as the bootstrap says. Throws StartupError. */
export async function openAdmin(server: Server, main: MainThread, ephemeralPort: boolean): Promise<OpenedAdmin> {
  const config = main.bootstrap.admin;
  const log = server.loggers.get('main');
  try {
    const router = configAt('', () => adminRouter(adminContext(server, main), config));
    if (config?.address === undefined) {
      log.log(LOG_INFO, 'No admin address given, so no admin HTTP server started.');
      return { router, server: null };
    }
    const admin = new AdminServer(config, router, main.context(), ephemeralPort ? 0 : null);
    await admin.start();
    server.loggers.get('admin').log(LOG_INFO, `admin address: ${admin.address.text}`);
    writeAddress(server, admin.address.text);
    return { router, server: admin };
  } catch (error) {
    throw new StartupError(configErrorText(error));
  }
}

/** `--admin-address-path`. */
function writeAddress(server: Server, address: string): void {
  const path = server.options.adminAddressPath;
  if (path === '') return;
  try {
    writeFileSync(path, address);
  } catch {
    server.loggers.get('main').log(LOG_CRITICAL, `cannot open admin address output file ${path} for writing.`);
  }
}
