import type { Message } from '@bufbuild/protobuf';
import type { AccessLogFiles, FactoryContext, FactoryLookup, LocalInfo, MessageUnpacker } from '../contract/extension.ts';
import type { Loggers } from '../contract/logger.ts';
import { ConfigError } from '../contract/errors.ts';
import type { DrainDecision } from '../contract/network.ts';
import type { Runtime } from '../contract/runtime.ts';
import type { SharedCells } from '../contract/shared-cells.ts';
import type { CertificateObserver, SecretLookup } from '../contract/secrets.ts';
import type { Scope } from '../contract/stats.ts';
import type { ClusterManager } from '../contract/upstream.ts';
// Not config/index.ts: a worker needs no YAML reader and no checks, and they are a quarter of its modules.
import { UnpackError } from '../config/message/any.ts';
import { unpackAny, unpackValidated } from '../config/unpack-any.ts';
import type { AccessLogFileManager } from '../core/access-log/access-log-files.ts';
import type { ThreadDispatcher } from '../core/dispatcher/dispatcher.ts';
import type { OwnClients } from './own-clients.ts';
import { withClients } from './own-clients.ts';

/** What one thread has once, whatever it does; the source of every FactoryContext. */
export interface ThreadServices {
  readonly dispatcher: ThreadDispatcher;
  readonly rootScope: Scope;
  readonly sharedCells: SharedCells;
  readonly runtime: Runtime;
  readonly loggers: Loggers;
  readonly accessLogFiles: AccessLogFileManager;
  readonly localInfo: LocalInfo;
  readonly registry: FactoryLookup;
  readonly serverHealth: { failed: boolean };
  /** HTTP and gRPC clients of the proxy's own. */
  readonly clients: OwnClients;
  readonly secrets: SecretLookup;
  /** Workers only. */
  readonly ticketSecret?: Uint8Array;
  /** Main thread only. */
  readonly certificates?: CertificateObserver;
}

/** Opens Any fields and checks them by the rules of the API: the main thread, whose word workers take. */
export const validatingUnpacker: MessageUnpacker = {
  unpack: (any, path) => unpackValidated(any, path),
};

/** Opens Any fields that main has already checked. */
export const trustingUnpacker: MessageUnpacker = {
  unpack(any, path): Message {
    const message = unpackAny(any);
    if (message instanceof UnpackError) throw new ConfigError(message.message, { path, hint: message.hint });
    return message;
  },
};

/** No connection is ever told to close. */
export const NO_DRAIN: DrainDecision = {
  drainClose: () => false,
  draining: false,
  closeIdle: false,
  addDrainListener: () => {},
  removeDrainListener: () => {},
};

export interface ContextOptions {
  readonly clusterManager: ClusterManager;
  readonly drainDecision: DrainDecision;
  readonly messages: MessageUnpacker;
  readonly validationOnly: boolean;
  /** Access log files; the thread's own unless said otherwise. */
  readonly accessLogFiles?: AccessLogFiles;
  /** Statistics root; the thread's own unless said otherwise (a dry run throws its stats away). */
  readonly rootScope?: Scope;
}

/** The context that factories of this thread get. Listener facts are empty: `buildListener` puts them in. */
export function factoryContext(services: ThreadServices, options: ContextOptions): FactoryContext {
  const rootScope = options.rootScope ?? services.rootScope;
  const context = {
    dispatcher: services.dispatcher,
    clusterManager: options.clusterManager,
    runtime: services.runtime,
    loggers: services.loggers,
    sharedCells: services.sharedCells,
    rootScope,
    listenerScope: rootScope,
    drainDecision: options.drainDecision,
    accessLogFiles: options.accessLogFiles ?? services.accessLogFiles,
    localInfo: services.localInfo,
    validationOnly: options.validationOnly,
    messages: options.messages,
    registry: services.registry,
    listener: { name: '', direction: 'UNSPECIFIED', bufferLimit: 0 } as const,
    serverHealth: services.serverHealth,
    secrets: services.secrets,
    ...(services.ticketSecret === undefined ? {} : { ticketSecret: services.ticketSecret }),
    ...(services.certificates === undefined ? {} : { certificates: services.certificates }),
  };
  return withClients(context, services.clients);
}
