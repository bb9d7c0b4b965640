import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ConfigError, ConfigErrors } from '../contract/errors.ts';
import type { FactoryContext } from '../contract/extension.ts';
import type { ClusterManager } from '../contract/upstream.ts';
import { AccessLogFileManager } from '../core/access-log/access-log-files.ts';
import { buildListener } from '../core/network/listener-config.ts';
import { checkAdmin } from './admin/admin-server.ts';
import { NullScope } from './null-scope.ts';
import type { ThreadServices } from './thread-services.ts';
import { NO_DRAIN, factoryContext, validatingUnpacker } from './thread-services.ts';

/**
 * Builds every listener (admin's parts, too) once on the main thread and throws it away: what is wrong is found before any worker hears of it, and all of
 * it is reported at once. Clusters are not built here, because main keeps those that it builds.
 */
export function dryRunListeners(bootstrap: Bootstrap, services: ThreadServices, clusterManager: ClusterManager): ConfigError[] {
  const rootScope = new NullScope();
  const context: FactoryContext = factoryContext(services, {
    clusterManager: withAllNames(bootstrap, clusterManager),
    drainDecision: NO_DRAIN,
    messages: validatingUnpacker,
    validationOnly: true,
    rootScope,
    accessLogFiles: new AccessLogFileManager(services.dispatcher, rootScope, { disabled: true }),
  });
  const errors: ConfigError[] = [];
  const listeners = bootstrap.staticResources?.listeners ?? [];
  const names = new Set<string>();
  listeners.forEach((listener, i) => {
    const path = `static_resources.listeners[${i}]`;
    if (listener.name !== '' && names.has(listener.name)) {
      errors.push(new ConfigError(`duplicate listener ${listener.name} found`, { path: `${path}.name` }));
      return;
    }
    names.add(listener.name);
    errors.push(...collectErrors(path, () => buildListener(listener, context)));
  });
  const { admin } = bootstrap;
  if (admin !== undefined) errors.push(...collectErrors('', () => checkAdmin(admin, context)));
  return errors;
}

/** A cluster that could not be built has had its error: a route to it is not another one. */
function withAllNames(bootstrap: Bootstrap, clusterManager: ClusterManager): ClusterManager {
  const configured = (bootstrap.staticResources?.clusters ?? []).map((each) => each.name);
  return {
    getThreadLocalCluster: (name) => clusterManager.getThreadLocalCluster(name),
    clusterNames: [...new Set([...clusterManager.clusterNames, ...configured])],
  };
}

/** Runs `build`; configuration errors come back with `path` before their own, others are thrown on. */
export function collectErrors(path: string, build: () => void): ConfigError[] {
  try {
    build();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [below(path, error)];
    if (error instanceof ConfigErrors) return error.errors.map((each) => below(path, each));
    throw error;
  }
}

function below(path: string, error: ConfigError): ConfigError {
  return path === '' ? error : error.under(path);
}
