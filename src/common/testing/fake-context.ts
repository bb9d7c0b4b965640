import { VirtualClock } from '../../base/clock.ts';
import { SeededRandom } from '../../base/random.ts';
import { TimerWheel } from '../../base/timer-wheel.ts';
import type { Timer } from '../../base/timer-wheel.ts';
import { unpackValidated } from '../../config/index.ts';
import type { Dispatcher, LoopTask, TurnTask } from '../../contract/dispatcher.ts';
import type { AccessLogFile, FactoryContext, FactoryLookup } from '../../contract/extension.ts';
import type { FractionalPercent, Runtime, RuntimeSnapshot } from '../../contract/runtime.ts';
import type { Counter, Gauge, Histogram, Scope, TextReadout } from '../../contract/stats.ts';
import type { ClusterManager, ThreadLocalCluster } from '../../contract/upstream.ts';
import { FakeGrpcClient } from './fake-grpc-client.ts';
import { FakeSharedCells } from './fake-shared-cells.ts';

/** A dispatcher whose time stands still until a test moves it. */
export class FakeDispatcher implements Dispatcher {
  readonly name = 'worker_0';
  readonly clock = new VirtualClock(1_000);
  readonly random = new SeededRandom(1);
  private readonly wheel = new TimerWheel(this.clock, null);

  createTimer(callback: () => void): Timer {
    return this.wheel.create(callback);
  }

  now(): number {
    return this.clock.now();
  }

  post(callback: () => void): void {
    callback();
  }

  atTurnEnd(task: TurnTask): void {
    task.onTurnEnd();
  }

  atLoopEnd(task: LoopTask): void {
    task.onLoopEnd();
  }

  runInTurn<A>(run: (argument: A) => void, argument: A): void {
    run(argument);
  }

  /** Moves time and runs what is due. */
  advance(ms: number): void {
    this.clock.set(this.clock.now() + ms);
    this.wheel.run();
  }

  get armedTimers(): number {
    return this.wheel.armed;
  }
}

class FakeStat implements Counter, Gauge, Histogram {
  readonly name: string;
  readonly unit = 'unspecified';
  value = 0;

  constructor(name: string) {
    this.name = name;
  }

  inc(): void {
    this.value++;
  }

  dec(): void {
    this.value--;
  }

  add(amount: number): void {
    this.value += amount;
  }

  sub(amount: number): void {
    this.value -= amount;
  }

  set(value: number): void {
    this.value = value;
  }

  record(value: number): void {
    this.value = value;
  }
}

/** Statistics by full name. */
export class FakeScope implements Scope {
  readonly prefix: string;
  readonly all: Map<string, FakeStat>;

  constructor(prefix = '', all = new Map<string, FakeStat>()) {
    this.prefix = prefix;
    this.all = all;
  }

  counter(name: string): Counter {
    return this.stat(name);
  }

  gauge(name: string): Gauge {
    return this.stat(name);
  }

  histogram(name: string): Histogram {
    return this.stat(name);
  }

  textReadout(name: string): TextReadout {
    return { name, value: '', set: () => undefined };
  }

  block(): never {
    return refuse();
  }

  scope(prefix: string): FakeScope {
    return new FakeScope(`${this.prefix}${prefix}.`, this.all);
  }

  dispose(): void {
    this.all.clear();
  }

  value(name: string): number {
    return this.all.get(name)?.value ?? 0;
  }

  private stat(name: string): FakeStat {
    const full = this.prefix + name;
    let stat = this.all.get(full);
    if (stat === undefined) this.all.set(full, (stat = new FakeStat(full)));
    return stat;
  }
}

/** Runtime values that a test sets. */
export class FakeRuntime implements Runtime, RuntimeSnapshot {
  readonly values = new Map<string, number>();

  snapshot(): RuntimeSnapshot {
    return this;
  }

  getBoolean(key: string, defaultValue: boolean): boolean {
    const value = this.values.get(key);
    return value === undefined ? defaultValue : value !== 0;
  }

  getInteger(key: string, defaultValue: number): number {
    return this.values.get(key) ?? defaultValue;
  }

  getDouble(key: string, defaultValue: number): number {
    return this.values.get(key) ?? defaultValue;
  }

  getString(): undefined {
    return undefined;
  }

  featureEnabled(key: string, percent: FractionalPercent, random: number): boolean {
    return random % percent.denominator < this.getInteger(key, percent.numerator);
  }

  runtimeFeatureEnabled(): boolean {
    return true;
  }
}

/** A file that keeps its records. */
export class FakeLogFile implements AccessLogFile {
  readonly records: string[] = [];

  write(record: string): void {
    this.records.push(record);
  }
}

export interface FakeContext extends FactoryContext {
  readonly dispatcher: FakeDispatcher;
  readonly rootScope: FakeScope;
  readonly runtime: FakeRuntime;
  /** Plays every gRPC service. */
  readonly grpcClients: FakeGrpcClient;
  readonly serverHealth: { failed: boolean };
  /** Log files by path. */
  readonly files: Map<string, FakeLogFile>;
  /** What getThreadLocalCluster finds. */
  readonly clusters: Map<string, ThreadLocalCluster | null>;
}

const NO_LOGGER = { name: 'test', enabled: () => false, log: () => undefined };

const NO_REGISTRY: FactoryLookup = {
  httpFilter: refuse, networkFilter: refuse, accessLog: refuse, find: refuse, perRouteHttpFilter: refuse,
  downstreamTransportSocket: refuse, upstreamTransportSocket: refuse,
};

function refuse(): never {
  throw new Error('this test has no such service');
}

/** A context of fakes for unit tests; messages are unpacked and validated by the real configuration layer. */
export function fakeContext(registry: FactoryLookup = NO_REGISTRY): FakeContext {
  const rootScope = new FakeScope();
  const files = new Map<string, FakeLogFile>();
  const clusters = new Map<string, ThreadLocalCluster | null>();
  const clusterManager: ClusterManager = {
    getThreadLocalCluster: (name) => clusters.get(name) ?? null,
    get clusterNames() {
      return [...clusters.keys()];
    },
  };
  return {
    dispatcher: new FakeDispatcher(),
    clusterManager,
    asyncClients: { forCluster: () => null },
    grpcClients: new FakeGrpcClient(),
    runtime: new FakeRuntime(),
    loggers: { get: () => NO_LOGGER },
    sharedCells: new FakeSharedCells(),
    rootScope,
    listenerScope: rootScope,
    drainDecision: { drainClose: () => false, draining: false, closeIdle: false, addDrainListener: () => undefined, removeDrainListener: () => undefined },
    accessLogFiles: {
      open: (path) => {
        const file = files.get(path) ?? new FakeLogFile();
        files.set(path, file);
        return file;
      },
    },
    localInfo: { nodeId: 'node', clusterName: 'local_cluster', zone: '' },
    validationOnly: false,
    messages: { unpack: (any, path) => unpackValidated(any, path) },
    registry,
    listener: { name: 'l', direction: 'UNSPECIFIED', bufferLimit: 1_048_576 },
    serverHealth: { failed: false },
    files,
    clusters,
  };
}
