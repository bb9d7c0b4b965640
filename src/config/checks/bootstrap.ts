import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { PathStep } from '../message/read-context.ts';
import type { CheckRun, Checks } from './check-run.ts';
import { secretKind } from './secret-kind.ts';

function checkBootstrap(bootstrap: Bootstrap, run: CheckRun): void {
  layers(bootstrap, run);
  logFormat(bootstrap, run);
  statistics(bootstrap, run);
  secrets(bootstrap, run);
}

function layers(bootstrap: Bootstrap, run: CheckRun): void {
  const names = new Set<string>();
  let admin = 0;
  bootstrap.layeredRuntime?.layers.forEach((layer, i) => {
    const path: PathStep[] = ['layered_runtime', 'layers', i];
    if (names.has(layer.name)) run.problem([...path, 'name'], `Duplicate layer name: ${layer.name}`);
    names.add(layer.name);
    if (layer.layerSpecifier.case === 'adminLayer' && ++admin > 1) {
      run.problem([...path, 'admin_layer'], 'Too many admin layers specified in LayeredRuntime, at most one may be specified');
    }
    if (layer.layerSpecifier.case === 'staticLayer') runtimeValues(layer.layerSpecifier.value, [...path, 'static_layer'], '', run);
  });
}

/** Runtime values are numbers, strings, booleans and objects of them: no lists, no null. */
function runtimeValues(object: object, path: PathStep[], prefix: string, run: CheckRun): void {
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (value === null || Array.isArray(value)) run.problem([...path, key], `Invalid runtime entry value for ${name}`);
    else if (typeof value === 'object') runtimeValues(value, [...path, key], name, run);
  }
}

/** Flags that JSON lines cannot hold: the message as it is (write %j), and newlines escaped by hand. */
function logFormat(bootstrap: Bootstrap, run: CheckRun): void {
  const format = bootstrap.applicationLogConfig?.logFormat?.logFormat;
  if (format?.case !== 'jsonFormat') return;
  for (const value of strings(format.value)) {
    const flag = /%(?:[-=]?[0-9]*!?)([v_])/.exec(value)?.[1];
    if (flag === undefined) continue;
    const why = `setJsonLogFormat error: INVALID_ARGUMENT: Usage of %${flag} is unavailable for JSON log formats`;
    run.problem(['application_log_config', 'log_format', 'json_format'], why, 'use %j for the message');
    return;
  }
}

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

interface Time {
  readonly seconds: bigint;
  readonly nanos: number;
}

function nanoseconds(time: Time): bigint {
  return time.seconds * 1_000_000_000n + BigInt(time.nanos);
}

const DEFAULT_FLUSH: Time = { seconds: 5n, nanos: 0 };

function statistics(bootstrap: Bootstrap, run: CheckRun): void {
  if (bootstrap.statsFlushInterval !== undefined && bootstrap.statsFlush.case !== undefined) {
    run.problem(['stats_flush_interval'], 'Only one of stats_flush_interval or stats_flush_on_admin should be set!');
  }
  const eviction = bootstrap.statsEviction;
  if (eviction.case !== 'statsEvictionInterval') return;
  if (nanoseconds(eviction.value) % nanoseconds(bootstrap.statsFlushInterval ?? DEFAULT_FLUSH) !== 0n) {
    run.problem(['stats_eviction_interval'], 'stats_eviction_interval must be a multiple of stats_flush_interval');
  }
}

function secrets(bootstrap: Bootstrap, run: CheckRun): void {
  const seen = new Set<string>();
  bootstrap.staticResources?.secrets.forEach((secret, i) => {
    const kind = secretKind(secret.type.case);
    const key = `${kind} ${secret.name}`;
    if (seen.has(key)) run.problem(['static_resources', 'secrets', i, 'name'], `Duplicate static ${kind} secret name ${secret.name}`);
    seen.add(key);
  });
}

export const bootstrapChecks: Checks = {
  'envoy.config.bootstrap.v3.Bootstrap': (message, run) => checkBootstrap(message as Bootstrap, run),
};
