import type { AdminHandler } from '../../contract/admin.ts';
import { versionString } from '../version.ts';
import { certificatesMessage } from './certs-page.ts';
import type { AdminContext } from './context.ts';
import { STATE_LIVE, STATE_NAMES } from './context.ts';
import { makeMessage, messageJson } from './json.ts';
import { JSON_TYPE } from './router.ts';

/** `/server_info`, `/ready`, `/memory`, `/certs`, `/hot_restart_version`, `/init_dump`, `/contention`. */
export function serverInfoPages(context: AdminContext): AdminHandler[] {
  const page = (path: string, help: string, handle: AdminHandler['handle'], parameters: AdminHandler['parameters'] = []): AdminHandler => ({
    path,
    help,
    mutates: false,
    parameters,
    handle,
  });
  return [
    page('/ready', 'print server state, return 200 if LIVE, otherwise return 503', () => ({
      status: context.state === STATE_LIVE ? 200 : 503,
      body: `${STATE_NAMES[context.state]}\n`,
    })),
    page('/server_info', 'print server version/status information', () => ({
      status: 200,
      contentType: JSON_TYPE,
      body: messageJson(serverInfo(context), { zeros: true }),
    })),
    page('/memory', 'print current allocation/heap usage', () => ({
      status: 200,
      contentType: JSON_TYPE,
      body: messageJson(memory(), { zeros: true }),
    })),
    page('/memory/tcmalloc', 'print TCMalloc stats', () => ({
      status: 501,
      body: 'nuncio does not allocate with TCMalloc; see /memory.\n',
    })),
    page('/certs', 'print certs on machine', () => ({
      status: 200,
      contentType: JSON_TYPE,
      body: messageJson(certificatesMessage(context.certificates(), Date.now()), { zeros: true }),
    })),
    page('/hot_restart_version', 'print the hot restart compatibility version', () => ({ status: 200, body: 'disabled' })),
    page(
      '/init_dump',
      'dump current Envoy init manager information (experimental)',
      () => ({ status: 200, contentType: JSON_TYPE, body: messageJson(makeMessage('envoy.admin.v3.UnreadyTargetsDumps', {})) }),
      [
        {
          id: 'mask',
          help: 'The desired component to dump unready targets. The mask is parsed as a Protobuf::FieldMask. For example, get the unready targets of all listeners with /init_dump?mask=listener`',
        },
      ],
    ),
    page('/contention', 'dump current Envoy mutex contention stats (if enabled)', () => ({
      status: 200,
      body: 'Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing.',
    })),
  ];
}

function seconds(value: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(value)), nanos: 0 };
}

function milliseconds(value: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(value / 1_000)), nanos: (value % 1_000) * 1_000_000 };
}

const MODES = { serve: 0, validate: 1, init_only: 2 } as const;

function serverInfo(context: AdminContext): ReturnType<typeof makeMessage> {
  return makeMessage('envoy.admin.v3.ServerInfo', {
    version: versionString(),
    state: context.state,
    uptimeCurrentEpoch: seconds(context.uptime),
    uptimeAllEpochs: seconds(context.uptime),
    hotRestartVersion: 'disabled',
    commandLineOptions: commandLineOptions(context),
    node: context.node,
  });
}

const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];

function commandLineOptions(context: AdminContext): ReturnType<typeof makeMessage> {
  const o = context.options;
  return makeMessage('envoy.admin.v3.CommandLineOptions', {
    baseId: BigInt(o.baseId),
    useDynamicBaseId: o.useDynamicBaseId,
    skipHotRestartOnNoParent: o.skipHotRestartOnNoParent,
    skipHotRestartParentStats: o.skipHotRestartParentStats,
    baseIdPath: o.baseIdPath,
    concurrency: o.concurrency,
    configPath: o.configPath,
    configYaml: o.configYaml,
    allowUnknownStaticFields: o.allowUnknownStaticFields,
    rejectUnknownDynamicFields: o.rejectUnknownDynamicFields,
    ignoreUnknownDynamicFields: o.ignoreUnknownDynamicFields,
    skipDeprecatedLogs: o.skipDeprecatedLogs,
    adminAddressPath: o.adminAddressPath,
    componentLogLevel: o.componentLogLevel,
    logLevel: LEVELS[o.logLevel],
    logFormat: o.logFormat,
    logFormatEscaped: o.logFormatEscaped,
    logStacktraceSingleEntry: o.logStacktraceSingleEntry,
    enableFineGrainLogging: o.enableFineGrainLogging,
    logPath: o.logPath,
    serviceCluster: o.serviceCluster,
    serviceNode: o.serviceNode,
    serviceZone: o.serviceZone,
    mode: MODES[o.mode],
    localAddressIpVersion: o.localAddressIpVersion === 'v4' ? 0 : 1,
    fileFlushInterval: milliseconds(o.fileFlushIntervalMsec),
    drainTime: seconds(o.drainTimeS),
    drainStrategy: o.drainStrategy === 'immediate' ? 1 : 0,
    parentShutdownTime: seconds(o.parentShutdownTimeS),
    disableHotRestart: o.disableHotRestart,
    enableMutexTracing: o.enableMutexTracing,
    cpusetThreads: o.cpusetThreads,
    restartEpoch: o.restartEpoch,
    disabledExtensions: [...o.disabledExtensions],
    socketPath: o.socketPath,
    socketMode: o.socketMode,
    enableCoreDump: o.enableCoreDump,
    statsTag: o.statsTags.map(([name, value]) => `${name}:${value}`),
  });
}

function memory(): ReturnType<typeof makeMessage> {
  const usage = process.memoryUsage();
  return makeMessage('envoy.admin.v3.Memory', {
    allocated: BigInt(usage.heapUsed + usage.external),
    heapSize: BigInt(usage.heapTotal + usage.external),
    pageheapUnmapped: 0n,
    pageheapFree: BigInt(Math.max(0, usage.heapTotal - usage.heapUsed)),
    totalThreadCache: 0n,
    totalPhysicalBytes: BigInt(usage.rss),
  });
}
