import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { ApiRegistry } from '../api/registry.ts';
import { isTypedStruct, typeNameOf, UnpackError } from '../message/any.ts';
import type { PathStep, Problem } from '../message/read-context.ts';
import { meantBy } from '../message/typed-struct.ts';
import { walkMessages } from '../message/walk.ts';

/** What the command line gives beside the configuration. */
export interface CheckSettings {
  /** `--service-node` and `--service-cluster`, or empty. */
  readonly serviceNode: string;
  readonly serviceCluster: string;
}

/** One run of the checks beyond form. */
export class CheckRun {
  readonly api: ApiRegistry;
  readonly bootstrap: Bootstrap;
  readonly settings: CheckSettings;
  readonly problems: Problem[];
  /** Names of all static clusters. */
  readonly clusters: ReadonlySet<string>;
  /** Of those that need no control plane themselves: what xDS may be fetched through. */
  readonly primaryClusters: ReadonlySet<string>;
  /** Where the check stands. */
  path: readonly PathStep[];

  constructor(api: ApiRegistry, bootstrap: Bootstrap, settings: CheckSettings) {
    this.api = api;
    this.bootstrap = bootstrap;
    this.settings = settings;
    this.problems = [];
    this.path = [];
    const clusters = bootstrap.staticResources?.clusters ?? [];
    this.clusters = new Set(clusters.map((each) => each.name));
    const EDS = 3;
    const isEds = (each: (typeof clusters)[number]): boolean => each.clusterDiscoveryType.case === 'type' && each.clusterDiscoveryType.value === EDS;
    this.primaryClusters = new Set(clusters.filter((each) => !isEds(each)).map((each) => each.name));
  }

  /** Takes note of an error at the current place, or `steps` below it. */
  problem(steps: readonly PathStep[], why: string, hint = ''): void {
    this.problems.push({ path: [...this.path, ...steps], why, hint });
  }
}

/** Checks one message of a type. */
export type Check = (message: Message, run: CheckRun) => void;

/** Checks of one topic, by the full name of the message they look at. */
export type Checks = Readonly<Record<string, Check>>;

/** Visits every message below `message`, what Any and TypedStruct hold included, and runs the checks of its type. */
export function runAll(run: CheckRun, descriptor: DescMessage, message: Message, path: PathStep[], checks: ReadonlyMap<string, readonly Check[]>): void {
  walkMessages(descriptor, message, path, (type, each, at) => {
    if (type.typeName === 'google.protobuf.Any') {
      enterAny(run, each as Any, at, checks);
      return false;
    }
    const found = checks.get(type.typeName);
    if (found !== undefined) {
      run.path = at.slice();
      for (const check of found) check(each, run);
    }
    // Plain metadata configures nothing.
    return type.typeName !== 'envoy.config.core.v3.Metadata';
  });
}

function enterAny(run: CheckRun, any: Any, at: readonly PathStep[], checks: ReadonlyMap<string, readonly Check[]>): void {
  const meant = meantBy(any, run.api);
  if (meant instanceof UnpackError) return;
  const descriptor = run.api.getMessage(meant.$typeName);
  if (descriptor === undefined) return;
  const steps = isTypedStruct(typeNameOf(any.typeUrl)) ? [...at, 'value'] : at.slice();
  runAll(run, descriptor, meant, steps, checks);
}
