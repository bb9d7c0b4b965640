import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { LayeredRuntime } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { StatsMerger } from '../stats/merger.ts';
import { StatsStore } from '../stats/store.ts';
import { makeEntry, parseRuntimeText } from './entry.ts';
import { diskLayer, structLayer } from './layers.ts';
import { RuntimeLoader, ThreadRuntime } from './loader.ts';
import { MergedSnapshot } from './snapshot.ts';

const HALF = { numerator: 50, denominator: 100 };
const logger = { name: 'runtime', enabled: () => false, log: () => {} };

function snapshotOf(struct: Record<string, unknown>): MergedSnapshot {
  return new MergedSnapshot(structLayer('l', struct).values);
}

/** The few fields of LayeredRuntime that the loader reads. */
function layered(layers: { name: string; layerSpecifier: object }[]): LayeredRuntime {
  return { layers } as unknown as LayeredRuntime;
}

function loader(config: LayeredRuntime | undefined, serviceCluster = ''): { loader: RuntimeLoader; merger: StatsMerger } {
  const merger = new StatsMerger();
  const source = merger.attach();
  const store = new StatsStore((definition) => source.apply(definition));
  const scope = store.root().scope('runtime');
  return { loader: new RuntimeLoader({ config, serviceCluster, scope, logger, watch: false }), merger };
}

describe('runtime entries', () => {
  it('reads a number as integer, double and boolean', () => {
    assert.deepEqual(makeEntry(3), { raw: '3', bool: true, uint: 3, double: 3, percent: null });
    assert.deepEqual(makeEntry(0.7), { raw: '0.7', bool: null, uint: 0, double: 0.7, percent: null });
    assert.deepEqual(makeEntry(-2), { raw: '-2', bool: true, uint: null, double: -2, percent: null });
  });

  it('reads text of a number as a number, other text as text', () => {
    assert.equal(makeEntry('12').uint, 12);
    assert.deepEqual(makeEntry('true'), { raw: 'true', bool: null, uint: null, double: null, percent: null });
    assert.equal(parseRuntimeText('true').bool, true);
    assert.equal(parseRuntimeText('"x"').raw, '"x"');
    assert.deepEqual(parseRuntimeText('{numerator: 5, denominator: MILLION}').percent, { numerator: 5, denominator: 1_000_000 });
    assert.deepEqual(parseRuntimeText('numerator: 5').percent, { numerator: 5, denominator: 100 });
  });
});

describe('runtime snapshot', () => {
  it('joins nested names with dots and answers defaults for what is missing or of another type', () => {
    const snapshot = snapshotOf({ a: { b: { c: 7 } }, text: 'hello', yes: true });
    assert.equal(snapshot.getInteger('a.b.c', 1), 7);
    assert.equal(snapshot.getInteger('text', 1), 1);
    assert.equal(snapshot.getBoolean('yes', false), true);
    assert.equal(snapshot.getString('text'), 'hello');
    assert.equal(snapshot.getString('none'), undefined);
    assert.equal(snapshot.getDouble('a.b.c', 0), 7);
  });

  it('draws by the value of the key, an integer as percentage, or by the default', () => {
    const snapshot = snapshotOf({ ten: 10, all: 101, fine: { numerator: 1, denominator: 'TEN_THOUSAND' } });
    assert.equal(snapshot.featureEnabled('ten', HALF, 109), true);
    assert.equal(snapshot.featureEnabled('ten', HALF, 110), false);
    assert.equal(snapshot.featureEnabled('all', HALF, 99), true);
    assert.equal(snapshot.featureEnabled('fine', HALF, 10_000), true);
    assert.equal(snapshot.featureEnabled('fine', HALF, 1), false);
    assert.equal(snapshot.featureEnabled('none', HALF, 49), true);
    assert.equal(snapshot.featureEnabled('', HALF, 50), false);
  });

  it('knows the defaults of features and lets runtime override them', () => {
    const snapshot = snapshotOf({ 'envoy.reloadable_features.validate_connect': false });
    assert.equal(snapshot.runtimeFeatureEnabled('envoy.reloadable_features.validate_connect'), false);
    assert.equal(snapshot.runtimeFeatureEnabled('http_reject_path_with_fragment'), true);
    assert.equal(snapshot.runtimeFeatureEnabled('envoy.reloadable_features.reject_early_connect_data'), false);
  });
});

describe('runtime layers', () => {
  it('refuses lists and nulls', () => {
    assert.throws(() => structLayer('l', { a: { b: [1] } }), /Invalid runtime entry value for a\.b/);
  });

  it('reads a directory tree, without comment lines', () => {
    const root = mkdtempSync(join(tmpdir(), 'nuncio-runtime-'));
    try {
      mkdirSync(join(root, 'health_check'));
      writeFileSync(join(root, 'health_check', 'min_interval'), '# comment\n5\n');
      writeFileSync(join(root, 'name'), 'x\n');
      const layer = diskLayer('disk', root);
      assert.equal(layer.values.get('health_check.min_interval')?.uint, 5);
      assert.equal(layer.values.get('name')?.raw, 'x');
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('runtime loader', () => {
  it('lays layers over each other and takes overrides from admin', () => {
    const { loader: runtime, merger } = loader(
      layered([
        { name: 'base', layerSpecifier: { case: 'staticLayer', value: { a: 1, b: 1 } } },
        { name: 'more', layerSpecifier: { case: 'staticLayer', value: { b: 2 } } },
        { name: 'admin', layerSpecifier: { case: 'adminLayer', value: {} } },
      ]),
    );
    const worker = new ThreadRuntime(runtime.values);
    runtime.onUpdate((values) => worker.update(values));
    assert.equal(worker.snapshot().getInteger('b', 0), 2);
    assert.equal(runtime.mergeAdminValues(new Map([['b', '9']])), null);
    assert.equal(worker.snapshot().getInteger('b', 0), 9);
    assert.equal(merger.find('runtime.admin_overrides_active')?.value, 1);
    runtime.mergeAdminValues(new Map([['b', '']]));
    assert.equal(runtime.snapshot().getInteger('b', 0), 2);
    assert.equal(merger.find('runtime.admin_overrides_active')?.value, 0);
    assert.equal(merger.find('runtime.num_keys')?.value, 2);
    assert.equal(merger.find('runtime.num_layers')?.value, 3);
    assert.equal(merger.find('runtime.load_success')?.value, 3);
    runtime.dispose();
  });

  it('says so when there is no admin layer', () => {
    assert.equal(loader(undefined).loader.mergeAdminValues(new Map([['a', 'b']])), 'No admin layer specified');
  });

  it('refuses two admin layers, two layers of one name, and RTDS for now', () => {
    const admin = { name: 'a', layerSpecifier: { case: 'adminLayer', value: {} } };
    assert.throws(() => loader(layered([admin, { ...admin, name: 'b' }])), /Too many admin layers/);
    assert.throws(() => loader(layered([admin, admin])), /Duplicate layer name: a/);
    assert.throws(() => loader(layered([{ name: 'r', layerSpecifier: { case: 'rtdsLayer', value: {} } }])), /rtds_layer/);
  });

  it('reads a disk layer below its symbolic link, by service cluster', () => {
    const root = mkdtempSync(join(tmpdir(), 'nuncio-runtime-'));
    try {
      mkdirSync(join(root, 'v1', 'envoy', 'edge'), { recursive: true });
      writeFileSync(join(root, 'v1', 'envoy', 'edge', 'key'), 'on');
      symlinkSync(join(root, 'v1'), join(root, 'current'));
      const disk = { symlinkRoot: join(root, 'current'), subdirectory: 'envoy', appendServiceCluster: true };
      const { loader: runtime } = loader(layered([{ name: 'd', layerSpecifier: { case: 'diskLayer', value: disk } }]), 'edge');
      assert.equal(runtime.snapshot().getString('key'), 'on');
      runtime.dispose();
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
