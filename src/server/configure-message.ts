import { toBinary } from '@bufbuild/protobuf';
import type { Message } from '@bufbuild/protobuf';
import type { SharedCellSpace } from '../core/shared-cells/thread-shared-cells.ts';
import { processFacts } from './bootstrap-facts.ts';
import type { ListenPlan } from './listen-plan.ts';
import type { MainThread } from './main-thread.ts';
import { describeMessage } from './messages.ts';
import type { ServerOptions } from './options.ts';
import type { ConfigureMessage, ResourceBytes } from './worker-messages.ts';

/** All that a worker needs to begin: resources as bytes, facts of the process, runtime values. */
export function configureMessage(main: MainThread, plan: ListenPlan, options: ServerOptions, sharedCells: SharedCellSpace | null): ConfigureMessage {
  const { bootstrap } = main;
  const bindConfig = bootstrap.clusterManager?.upstreamBindConfig;
  return {
    type: 'configure',
    version: 1,
    facts: processFacts(bootstrap, options, main.node),
    runtime: main.runtime.values,
    sharedCells,
    upstreamBindConfig: bindConfig === undefined ? null : encode(bindConfig),
    ticketSecret: main.ticketSecret,
    secrets: (bootstrap.staticResources?.secrets ?? []).map((each) => resource(each.name, each)),
    clusters: (bootstrap.staticResources?.clusters ?? []).map((each) => resource(each.name, each)),
    listeners: plan.listeners.map((each) => resource(each.name, each.message)),
    failedHealth: false,
    hostUpdates: main.clusters.manager.hostUpdates,
  };
}

function encode(message: Message): Uint8Array {
  return toBinary(describeMessage(message.$typeName), message);
}

function resource(name: string, message: Message): ResourceBytes {
  return { name, bytes: encode(message) };
}
