import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { EXTENSIONS } from '../../src/extensions/registry.ts';
import { countMissing } from './corpus.ts';
import { readBuiltIn, readInputs, root, type EnvoyExtension, type StatusInputs } from './inputs.ts';
import { factoryFor, renderStatus } from './render.ts';

const buffer: EnvoyExtension = {
  name: 'envoy.filters.http.buffer',
  category: 'envoy.filters.http',
  types: ['envoy.extensions.filters.http.buffer.v3.Buffer'],
  stability: 'stable',
  contrib: false,
  purpose: 'Hold the request',
};

const inputs: StatusInputs = {
  extensions: [buffer, { ...buffer, name: 'envoy.filters.http.lua', types: [], contrib: true, purpose: 'Scripts | programs' }],
  areas: [{ area: 'Area', features: [{ name: 'Feature', state: 'works', note: 'Note.' }] }],
  registered: [
    {
      name: 'envoy.filters.http.buffer',
      category: 'envoy.filters.http',
      configTypes: buffer.types,
      status: 'partly',
      statusNote: 'Only half.',
    },
  ],
  missing: [{ type: 'a.b.C', files: 3 }],
};

test('an extension takes its state and note from its factory, others are not yet', () => {
  const text = renderStatus(inputs);
  assert.match(text, /\| `envoy\.filters\.http\.buffer` \| partly \| Only half\. \| stable \|/);
  assert.match(text, /\| `envoy\.filters\.http\.lua` \| not yet \| Scripts \\\| programs \| stable, contrib \|/);
  assert.match(text, /Extensions: 0 work, 1 partly, 1 not yet, of 2/);
  assert.match(text, /\| Feature \| works \| Note\. \|/);
  assert.match(text, /\| `a\.b\.C` \| 3 \|/);
});

test('a factory is found by a message when its name differs, within its category only', () => {
  const renamed = { ...inputs.registered[0], name: 'envoy.buffer' };
  assert.equal(factoryFor(buffer, [renamed]), renamed);
  assert.equal(factoryFor(buffer, [{ ...renamed, category: 'envoy.filters.network' }]), undefined);
  const raw: EnvoyExtension = { ...buffer, name: 'envoy.transport_sockets.raw_buffer', category: 'envoy.transport_sockets' };
  const socket = { ...renamed, name: raw.name, category: 'envoy.transport_sockets.upstream' };
  assert.equal(factoryFor(raw, [socket]), socket);
});

test('docs/user/status.md is what would be generated now', () => {
  const text = readFileSync(path.join(root, 'docs/user/status.md'), 'utf8');
  assert.equal(text, renderStatus(readInputs()), 'run npm run status');
});

test('every factory of the registry is an extension that Envoy has, with messages that Envoy has', () => {
  const { extensions, registered } = readInputs();
  for (const factory of registered) {
    const known = extensions.find((extension) => factoryFor(extension, [factory]) !== undefined);
    assert.ok(known, `${factory.name} (${factory.category}) is not in tools/status/envoy-extensions.json`);
    if (factory.status === 'partly')
      assert.ok(factory.statusNote, `${factory.name} works partly: its statusNote says what is missing`);
  }
});

test('a feature that works names what shows it, and that exists', () => {
  const { areas } = readInputs();
  for (const { area, features } of areas) {
    for (const feature of features) {
      const name = `${area}: ${feature.name}`;
      if (feature.state === 'not yet') continue;
      assert.ok(feature.proof !== undefined && feature.proof.length > 0, `${name} has no proof`);
      for (const proof of feature.proof) assert.ok(existsSync(path.join(root, proof)), `${name}: ${proof} is missing`);
      if (feature.state === 'partly') assert.ok(feature.note !== '', `${name} works partly: its note says what is missing`);
    }
  }
});

test('what the engine does itself names what shows it, and is no extension of the registry', () => {
  const names = new Set(EXTENSIONS.map((factory) => factory.name));
  for (const { name, proof } of readBuiltIn()) {
    assert.ok(!names.has(name), `${name} is in the registry: take it from tools/status/built-in.json`);
    assert.ok(proof.length > 0, `${name} has no proof`);
    for (const file of proof) assert.ok(existsSync(path.join(root, file)), `${name}: ${file} is missing`);
  }
});

const counted = countMissing();

test(
  'the counts of what real configurations need are those of now',
  { skip: counted === null ? 'this machine has no corpus' : false },
  () => {
    assert.deepEqual(readInputs().missing, counted, 'run npm run status');
  },
);
