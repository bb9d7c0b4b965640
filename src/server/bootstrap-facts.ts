import { existsSync } from 'node:fs';
import type { Message } from '@bufbuild/protobuf';
import { clone, create } from '@bufbuild/protobuf';
import type { Bootstrap, Watchdog } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Node } from '#api/envoy/config/core/v3/base_pb.js';
import type { LocalInfo } from '../contract/extension.ts';
import { LOG_INFO } from '../contract/logger.ts';
import type { Logger } from '../contract/logger.ts';
import { durationMs, expectMessage } from '../contract/message.ts';
import { describeMessage } from './messages.ts';
import type { ServerOptions } from './options.ts';
import {
  ENVOY_VERSION_MAJOR,
  ENVOY_VERSION_MINOR,
  ENVOY_VERSION_PATCH,
  revisionSha,
  revisionStatus,
  sslVersion,
} from './version.ts';
import type { ProcessFacts } from './worker-messages.ts';

/** What an extension is, for the node that control planes and `/server_info` see. */
export interface ExtensionFacts {
  readonly name: string;
  readonly category: string;
  readonly configTypes: readonly string[];
}

const NODE = 'envoy.config.core.v3.Node';

/** The bootstrap's node with options laid over it, and what the program is. */
export function completeNode(bootstrap: Bootstrap, options: ServerOptions, extensions: readonly ExtensionFacts[]): Node {
  const schema = describeMessage(NODE);
  const base: Message = bootstrap.node === undefined ? create(schema) : clone(schema, bootstrap.node);
  const node = expectMessage<Node>(base, NODE);
  if (options.serviceNode !== '') node.id = options.serviceNode;
  if (options.serviceCluster !== '') node.cluster = options.serviceCluster;
  if (options.serviceZone !== '') node.locality = locality(node, options.serviceZone);
  if (node.userAgentName === '') node.userAgentName = 'envoy';
  if (node.userAgentVersionType.case !== 'userAgentBuildVersion') {
    node.userAgentVersionType = { case: 'userAgentBuildVersion', value: expectMessage(buildVersion(), 'envoy.config.core.v3.BuildVersion') };
  }
  for (const each of extensions) {
    const extension = create(describeMessage('envoy.config.core.v3.Extension'), {
      name: each.name,
      category: each.category,
      disabled: options.disabledExtensions.includes(`${each.category}/${each.name}`),
      typeUrls: [...each.configTypes].sort(),
    });
    node.extensions.push(expectMessage(extension, 'envoy.config.core.v3.Extension'));
  }
  return node;
}

function locality(node: Node, zone: string): NonNullable<Node['locality']> {
  const { region = '', subZone = '' } = node.locality ?? {};
  return expectMessage(create(describeMessage('envoy.config.core.v3.Locality'), { region, zone, subZone }), 'envoy.config.core.v3.Locality');
}

function buildVersion(): Message {
  return create(describeMessage('envoy.config.core.v3.BuildVersion'), {
    version: create(describeMessage('envoy.type.v3.SemanticVersion'), {
      majorNumber: ENVOY_VERSION_MAJOR,
      minorNumber: ENVOY_VERSION_MINOR,
      patch: ENVOY_VERSION_PATCH,
    }),
    metadata: {
      'build.type': 'RELEASE',
      'revision.sha': revisionSha(),
      'revision.status': revisionStatus(),
      'ssl.version': sslVersion(),
    },
  });
}

export function localInfoOf(node: Node): LocalInfo {
  return { nodeId: node.id, clusterName: node.cluster, zone: node.locality?.zone ?? '' };
}

export interface WatchdogLimits {
  readonly missMs: number;
  readonly megaMissMs: number;
}

const DEFAULT_MISS_MS = 200;
const DEFAULT_MEGA_MISS_MS = 1_000;

function limits(watchdog: Watchdog | undefined): WatchdogLimits {
  return {
    missMs: durationMs(watchdog?.missTimeout, DEFAULT_MISS_MS),
    megaMissMs: durationMs(watchdog?.megamissTimeout, DEFAULT_MEGA_MISS_MS),
  };
}

export function mainWatchdog(bootstrap: Bootstrap): WatchdogLimits {
  return limits(bootstrap.watchdogs?.mainThreadWatchdog ?? bootstrap.watchdog);
}

/** What workers must know of options and bootstrap. */
export function processFacts(bootstrap: Bootstrap, options: ServerOptions, node: Node): ProcessFacts {
  const worker = limits(bootstrap.watchdogs?.workerWatchdog ?? bootstrap.watchdog);
  return {
    nodeId: node.id,
    nodeCluster: node.cluster,
    zone: node.locality?.zone ?? '',
    concurrency: options.concurrency,
    headerPrefix: bootstrap.headerPrefix === '' ? 'x-envoy' : bootstrap.headerPrefix,
    drainTimeS: options.drainTimeS,
    drainStrategy: options.drainStrategy,
    fileFlushIntervalMsec: options.fileFlushIntervalMsec,
    fileFlushMinSizeKb: options.fileFlushMinSizeKb,
    disabledExtensions: options.disabledExtensions,
    watchdogMissMs: worker.missMs,
    watchdogMegaMissMs: worker.megaMissMs,
  };
}

const DEFAULT_FLUSH_MS = 5_000;

/** Milliseconds between flushes of statistics; 0 = only when an admin page asks (`stats_flush_on_admin`). */
export function statsFlushInterval(bootstrap: Bootstrap): number {
  if (bootstrap.statsFlush.case === 'statsFlushOnAdmin' && bootstrap.statsFlush.value) return 0;
  return durationMs(bootstrap.statsFlushInterval, DEFAULT_FLUSH_MS);
}

/** Whether the file `drain` in the folder `flags_path` asks to start with failed health checks. */
export function startsDrained(bootstrap: Bootstrap, logger: Logger): boolean {
  const folder = bootstrap.flagsPath;
  if (folder === '') return false;
  logger.log(LOG_INFO, `server flags path: ${folder}`);
  if (!existsSync(`${folder}/drain`)) return false;
  logger.log(LOG_INFO, 'starting server in drain mode');
  return true;
}
