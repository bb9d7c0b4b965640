import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { ApiRegistry } from '../api/registry.ts';
import type { Problem } from '../message/read-context.ts';
import { bootstrapChecks } from './bootstrap.ts';
import { CheckRun, runAll, type Check, type Checks, type CheckSettings } from './check-run.ts';
import { cidrChecks } from './cidr.ts';
import { clusterChecks } from './clusters.ts';
import { configSourceChecks } from './config-sources.ts';
import { listenerChecks } from './listeners.ts';
import { regexChecks } from './regex.ts';
import { routeChecks } from './routes.ts';

export type { CheckSettings } from './check-run.ts';

const TOPICS: readonly Checks[] = [bootstrapChecks, cidrChecks, clusterChecks, configSourceChecks, listenerChecks, regexChecks, routeChecks];

function byType(): ReadonlyMap<string, readonly Check[]> {
  const all = new Map<string, Check[]>();
  for (const topic of TOPICS) {
    for (const [type, check] of Object.entries(topic)) all.set(type, [...(all.get(type) ?? []), check]);
  }
  return all;
}

const CHECKS = byType();

/** Everything beyond form that can be told from the configuration alone. Runs only over a bootstrap whose form is right. */
export function runChecks(api: ApiRegistry, bootstrap: Bootstrap, settings: CheckSettings): Problem[] {
  const run = new CheckRun(api, bootstrap, settings);
  runAll(run, api.message(bootstrap.$typeName), bootstrap, [], CHECKS);
  return run.problems;
}
