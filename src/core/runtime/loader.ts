import type { FSWatcher } from 'node:fs';
import { existsSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { LayeredRuntime } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Disposable } from '../../base/disposable.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { Logger } from '../../contract/logger.ts';
import { LOG_DEBUG } from '../../contract/logger.ts';
import type { Runtime, RuntimeSnapshot } from '../../contract/runtime.ts';
import type { Counter, Gauge, Scope } from '../../contract/stats.ts';
import type { RuntimeEntry } from './entry.ts';
import type { RuntimeLayer } from './layers.ts';
import { AdminLayer, diskLayer, structLayer } from './layers.ts';
import { MergedSnapshot } from './snapshot.ts';

/** Values of all layers, merged: what crosses to workers. */
export type RuntimeValues = readonly (readonly [string, RuntimeEntry])[];

/** Runtime of a worker: whatever main last sent. */
export class ThreadRuntime implements Runtime {
  private current: RuntimeSnapshot;

  constructor(values: RuntimeValues) {
    this.current = new MergedSnapshot(new Map(values));
  }

  snapshot(): RuntimeSnapshot {
    return this.current;
  }

  update(values: RuntimeValues): void {
    this.current = new MergedSnapshot(new Map(values));
  }
}

interface RuntimeStats {
  readonly deprecatedFeatureUse: Counter;
  readonly loadError: Counter;
  readonly loadSuccess: Counter;
  readonly overrideDirExists: Counter;
  readonly overrideDirNotExists: Counter;
  readonly adminOverridesActive: Gauge;
  readonly deprecatedFeatureSeen: Gauge;
  readonly numKeys: Gauge;
  readonly numLayers: Gauge;
}

function runtimeStats(scope: Scope): RuntimeStats {
  return {
    deprecatedFeatureUse: scope.counter('deprecated_feature_use'),
    loadError: scope.counter('load_error'),
    loadSuccess: scope.counter('load_success'),
    overrideDirExists: scope.counter('override_dir_exists'),
    overrideDirNotExists: scope.counter('override_dir_not_exists'),
    adminOverridesActive: scope.gauge('admin_overrides_active'),
    deprecatedFeatureSeen: scope.gauge('deprecated_feature_seen_since_process_start'),
    numKeys: scope.gauge('num_keys'),
    numLayers: scope.gauge('num_layers'),
  };
}

export interface RuntimeLoaderOptions {
  readonly config: LayeredRuntime | undefined;
  /** Node cluster, for `append_service_cluster`. */
  readonly serviceCluster: string;
  /** `runtime.` */
  readonly scope: Scope;
  readonly logger: Logger;
  /** False = no watching of files (validation). */
  readonly watch: boolean;
}

/** Runtime of the main thread: builds snapshots from the layers of the bootstrap and tells of every new one. */
export class RuntimeLoader implements Runtime, Disposable {
  private readonly options: RuntimeLoaderOptions;
  private readonly stats: RuntimeStats;
  private readonly adminLayer: AdminLayer | null;
  private readonly watchers: FSWatcher[] = [];
  private readonly listeners: ((values: RuntimeValues) => void)[] = [];
  private currentLayers: readonly RuntimeLayer[] = [];
  private currentValues: ReadonlyMap<string, RuntimeEntry> = new Map();
  private current = new MergedSnapshot(this.currentValues);

  /** Throws ConfigError with a path inside `layered_runtime`. */
  constructor(options: RuntimeLoaderOptions) {
    this.options = options;
    this.stats = runtimeStats(options.scope);
    this.adminLayer = this.checkLayers();
    this.load();
    if (options.watch) this.watchDisk();
  }

  snapshot(): RuntimeSnapshot {
    return this.current;
  }

  get layers(): readonly RuntimeLayer[] {
    return this.currentLayers;
  }

  get values(): RuntimeValues {
    return [...this.currentValues];
  }

  /** `listener` hears of every new snapshot from now on. */
  onUpdate(listener: (values: RuntimeValues) => void): void {
    this.listeners.push(listener);
  }

  /** Clusters stand (and RTDS would have answered): the layers are read once more, as Envoy does and counts. */
  start(): void {
    this.load();
  }

  /** `/runtime_modify`. Returns an error text, or null. */
  mergeAdminValues(changes: ReadonlyMap<string, string>): string | null {
    if (this.adminLayer === null) return 'No admin layer specified';
    this.adminLayer.merge(changes);
    this.stats.adminOverridesActive.set(this.adminLayer.values.size > 0 ? 1 : 0);
    this.load();
    return null;
  }

  dispose(): void {
    for (const watcher of this.watchers) watcher.close();
    this.watchers.length = 0;
    this.listeners.length = 0;
  }

  private checkLayers(): AdminLayer | null {
    const names = new Set<string>();
    let admin: AdminLayer | null = null;
    this.options.config?.layers.forEach((layer, i) => {
      configAt(`layers[${i}]`, () => {
        if (names.has(layer.name)) throw new ConfigError(`Duplicate layer name: ${layer.name}`);
        names.add(layer.name);
        const kind = layer.layerSpecifier.case;
        if (kind === 'adminLayer') {
          if (admin !== null) throw new ConfigError('Too many admin layers specified in LayeredRuntime, at most one may be specified');
          admin = new AdminLayer(layer.name);
        } else if (kind === 'rtdsLayer') {
          throw new ConfigError('known to Envoy, not in nuncio yet: rtds_layer', { hint: 'use a disk_layer or an admin_layer' });
        } else if (kind === undefined) throw new ConfigError('layer specifier not set');
      });
    });
    return admin;
  }

  private load(): void {
    const layers: RuntimeLayer[] = [];
    let diskLayers = 0;
    let errors = 0;
    this.options.config?.layers.forEach((layer, i) => {
      const specifier = layer.layerSpecifier;
      if (specifier.case === 'staticLayer') {
        layers.push(configAt(`layers[${i}].static_layer`, () => structLayer(layer.name, specifier.value)));
      } else if (specifier.case === 'adminLayer' && this.adminLayer !== null) {
        layers.push({ name: this.adminLayer.name, values: new Map(this.adminLayer.values) });
      } else if (specifier.case === 'diskLayer') {
        const cluster = specifier.value.appendServiceCluster ? `/${this.options.serviceCluster}` : '';
        const path = `${specifier.value.symlinkRoot}/${specifier.value.subdirectory}${cluster}`;
        if (!existsSync(path)) return;
        try {
          layers.push(diskLayer(layer.name, path));
          diskLayers++;
        } catch (error) {
          errors++;
          this.options.logger.log(LOG_DEBUG, `error loading runtime values for layer ${layer.name} from disk: ${String(error)}`);
        }
      }
    });
    this.install(layers);
    (errors === 0 ? this.stats.loadSuccess : this.stats.loadError).inc();
    (diskLayers > 1 ? this.stats.overrideDirExists : this.stats.overrideDirNotExists).inc();
  }

  private install(layers: readonly RuntimeLayer[]): void {
    const merged = new Map<string, RuntimeEntry>();
    for (const layer of layers) for (const [key, entry] of layer.values) merged.set(key, entry);
    this.currentLayers = layers;
    this.currentValues = merged;
    this.current = new MergedSnapshot(merged);
    this.stats.numKeys.set(merged.size);
    this.stats.numLayers.set(layers.length);
    for (const listener of this.listeners) listener(this.values);
  }

  /** A disk layer changes when its root, a symbolic link, is moved to another directory. */
  private watchDisk(): void {
    for (const layer of this.options.config?.layers ?? []) {
      if (layer.layerSpecifier.case !== 'diskLayer') continue;
      const root = layer.layerSpecifier.value.symlinkRoot;
      const folder = dirname(root);
      if (!existsSync(folder)) throw new ConfigError(`unable to add filesystem watch for file ${root}: No such file or directory`);
      const watcher = watch(folder, (_event, changed) => {
        if (changed === null || changed === basename(root)) this.load();
      });
      watcher.on('error', () => watcher.close());
      watcher.unref();
      this.watchers.push(watcher);
    }
  }
}
