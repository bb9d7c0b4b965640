import type { AdminHandler } from '../../contract/admin.ts';
import type { SharedCell } from '../../contract/shared-cells.ts';
import type { ResourcePriority } from '../../contract/route.ts';
import type { Host, HostStats } from '../../contract/upstream.ts';
import * as upstream from '../../contract/upstream.ts';
import { compileFilter } from './filter.ts';
import { addressMessage } from './address-json.ts';
import type { AdminContext, ClusterView } from './context.ts';
import { makeMessage, messageJson } from './json.ts';
import { JSON_TYPE } from './router.ts';

/** `/clusters`. */
export function clustersPage(context: AdminContext): AdminHandler {
  return {
    path: '/clusters',
    help: 'upstream cluster status',
    mutates: false,
    parameters: [{ id: 'filter', help: 'Regular expression (Google re2) for filtering clusters by name' }],
    handle: (request) => {
      const filter = compileFilter(request.query.get('filter'));
      if (filter.error !== null) return { status: 400, body: filter.error };
      const clusters = context.clusters().filter((each) => filter.test(each.info.name));
      if (request.query.get('format') === 'json') return { status: 200, contentType: JSON_TYPE, body: clustersJson(clusters) };
      return { status: 200, body: clustersText(clusters) };
    },
  };
}

/** In pieces of a cluster, so that thousands of hosts do not hold the thread. */
async function* clustersText(clusters: readonly ClusterView[]): AsyncGenerator<string> {
  let piece = '';
  for (const cluster of clusters) {
    piece += clusterText(cluster);
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
    await new Promise((resolve) => setImmediate(resolve));
  }
  yield piece;
}

const PIECE_LENGTH = 65_536;

function clusterText({ info, hosts }: ClusterView): string {
  const name = info.name;
  let text = `${name}::observability_name::${info.observabilityName}\n`;
  text += breakersText(name, 'default', info, 0) + breakersText(name, 'high', info, 1);
  text += `${name}::added_via_api::${info.addedViaApi}\n`;
  for (const host of hosts) text += hostText(`${name}::${host.address.text}::`, host);
  return text;
}

function breakersText(cluster: string, label: string, info: ClusterView['info'], priority: ResourcePriority): string {
  const manager = info.resourceManager(priority);
  return (
    `${cluster}::${label}_priority::max_connections::${manager.connections.max}\n` +
    `${cluster}::${label}_priority::max_pending_requests::${manager.pendingRequests.max}\n` +
    `${cluster}::${label}_priority::max_requests::${manager.requests.max}\n` +
    `${cluster}::${label}_priority::max_retries::${manager.retries.max}\n`
  );
}

type StatName = readonly [name: string, cell: (stats: HostStats) => SharedCell];
const COUNTERS: readonly StatName[] = [
  ['cx_connect_fail', (stats) => stats.cxConnectFail],
  ['cx_total', (stats) => stats.cxTotal],
  ['rq_error', (stats) => stats.rqError],
  ['rq_success', (stats) => stats.rqSuccess],
  ['rq_timeout', (stats) => stats.rqTimeout],
  ['rq_total', (stats) => stats.rqTotal],
];
const GAUGES: readonly StatName[] = [
  ['cx_active', (stats) => stats.cxActive],
  ['rq_active', (stats) => stats.rqActive],
  ['rq_pending_active', (stats) => stats.rqPendingActive],
];
const TEXT_ORDER: readonly StatName[] = [...COUNTERS, ...GAUGES].sort((a, b) => (a[0] < b[0] ? -1 : 1));

function hostText(prefix: string, host: Host): string {
  let text = '';
  for (const [name, cell] of TEXT_ORDER) text += `${prefix}${name}::${cell(host.stats).load()}\n`;
  return (
    text +
    `${prefix}hostname::${host.hostname}\n` +
    `${prefix}health_flags::${healthFlagsText(host.healthFlags.load())}\n` +
    `${prefix}weight::${host.weight}\n` +
    `${prefix}region::${host.locality.region}\n` +
    `${prefix}zone::${host.locality.zone}\n` +
    `${prefix}sub_zone::${host.locality.subZone}\n` +
    `${prefix}canary::${host.canary}\n` +
    `${prefix}priority::${host.priority}\n` +
    `${prefix}success_rate::-1\n` +
    `${prefix}local_origin_success_rate::-1\n`
  );
}

const FLAG_TEXTS: readonly (readonly [number, string])[] = [
  [upstream.HOST_FAILED_ACTIVE_HC, '/failed_active_hc'],
  [upstream.HOST_FAILED_OUTLIER_CHECK, '/failed_outlier_check'],
  [upstream.HOST_FAILED_EDS_HEALTH, '/failed_eds_health'],
  [upstream.HOST_DEGRADED_ACTIVE_HC, '/degraded_active_hc'],
  [upstream.HOST_DEGRADED_EDS_HEALTH, '/degraded_eds_health'],
  [upstream.HOST_PENDING_DYNAMIC_REMOVAL, '/pending_dynamic_removal'],
  [upstream.HOST_PENDING_ACTIVE_HC, '/pending_active_hc'],
  [upstream.HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL, '/excluded_via_immediate_hc_fail'],
  [upstream.HOST_ACTIVE_HC_TIMEOUT, '/active_hc_timeout'],
  [upstream.HOST_EDS_STATUS_DRAINING, '/eds_status_draining'],
];

/** `healthy`, or the flags that are set, each with a slash before it. */
export function healthFlagsText(flags: number): string {
  let text = '';
  for (const [flag, name] of FLAG_TEXTS) if ((flags & flag) !== 0) text += name;
  return text === '' ? 'healthy' : text;
}

function clustersJson(clusters: readonly ClusterView[]): string {
  return messageJson(makeMessage('envoy.admin.v3.Clusters', { clusterStatuses: clusters.map(clusterStatus) }));
}

function clusterStatus({ info, hosts }: ClusterView): ReturnType<typeof makeMessage> {
  const thresholds = ([0, 1] as const).map((priority) => {
    const manager = info.resourceManager(priority);
    return makeMessage('envoy.config.cluster.v3.CircuitBreakers.Thresholds', {
      priority,
      maxConnections: manager.connections.max,
      maxPendingRequests: manager.pendingRequests.max,
      maxRequests: manager.requests.max,
      maxRetries: manager.retries.max,
    });
  });
  return makeMessage('envoy.admin.v3.ClusterStatus', {
    name: info.name,
    addedViaApi: info.addedViaApi,
    hostStatuses: hosts.map(hostStatus),
    circuitBreakers: makeMessage('envoy.config.cluster.v3.CircuitBreakers', { thresholds }),
    observabilityName: info.observabilityName,
  });
}

const METRIC_COUNTER = 0;
const METRIC_GAUGE = 1;
/** envoy.config.core.v3.HealthStatus */
const HEALTHY = 1;
const UNHEALTHY = 2;
const DRAINING = 3;
const DEGRADED = 5;

function hostStatus(host: Host): ReturnType<typeof makeMessage> {
  const metric = (type: number) => ([name, cell]: StatName) =>
    makeMessage('envoy.admin.v3.SimpleMetric', { type, name, value: BigInt(cell(host.stats).load()) });
  const { region, zone, subZone } = host.locality;
  return makeMessage('envoy.admin.v3.HostStatus', {
    address: addressMessage(host.address),
    stats: [...COUNTERS.map(metric(METRIC_COUNTER)), ...GAUGES.map(metric(METRIC_GAUGE))],
    healthStatus: healthStatus(host.healthFlags.load()),
    weight: host.weight,
    hostname: host.hostname,
    priority: host.priority,
    locality: makeMessage('envoy.config.core.v3.Locality', { region, zone, subZone }),
  });
}

function healthStatus(flags: number): ReturnType<typeof makeMessage> {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  let eds = HEALTHY;
  if (has(upstream.HOST_FAILED_EDS_HEALTH)) eds = UNHEALTHY;
  else if (has(upstream.HOST_DEGRADED_EDS_HEALTH)) eds = DEGRADED;
  if (has(upstream.HOST_EDS_STATUS_DRAINING)) eds = DRAINING;
  return makeMessage('envoy.admin.v3.HostHealthStatus', {
    failedActiveHealthCheck: has(upstream.HOST_FAILED_ACTIVE_HC),
    failedOutlierCheck: has(upstream.HOST_FAILED_OUTLIER_CHECK),
    failedActiveDegradedCheck: has(upstream.HOST_DEGRADED_ACTIVE_HC),
    pendingDynamicRemoval: has(upstream.HOST_PENDING_DYNAMIC_REMOVAL),
    pendingActiveHc: has(upstream.HOST_PENDING_ACTIVE_HC),
    excludedViaImmediateHcFail: has(upstream.HOST_EXCLUDED_VIA_IMMEDIATE_HC_FAIL),
    activeHcTimeout: has(upstream.HOST_ACTIVE_HC_TIMEOUT),
    edsHealthStatus: eds,
  });
}
