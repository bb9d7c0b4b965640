import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { camelCase } from './names.ts';
import { ApiRegistry } from './registry.ts';
import { indexBlob } from './blob-index.ts';
import { typeAnswer } from './type-answer.ts';

const blob = readFileSync(new URL('../../../api/envoy.binpb', import.meta.url));

test('the index knows every file, its imports and its types without parsing them', () => {
  const index = indexBlob(blob);
  assert.equal(index.files.size, 607);
  assert.deepEqual(index.files.get('envoy/extensions/filters/http/buffer/v3/buffer.proto')?.imports, [
    'google/protobuf/wrappers.proto',
    'udpa/annotations/status.proto',
    'udpa/annotations/versioning.proto',
    'validate/validate.proto',
  ]);
  assert.equal(index.declarations.get('validate.rules'), 'validate/validate.proto');
});

test('a truncated blob is an error, not a wrong index', () => {
  assert.throws(() => indexBlob(blob.subarray(0, 5000)), /api blob: a field runs past its message/);
});

test('only the files that a type needs are built', () => {
  const api = new ApiRegistry(blob);
  const buffer = api.message('envoy.extensions.filters.http.buffer.v3.Buffer');
  assert.equal(buffer.fields[0]?.name, 'max_request_bytes');
  assert.equal(buffer.fields[0]?.jsonName, 'maxRequestBytes');
  assert.ok(api.builtFiles < 12, `${api.builtFiles} files`);
});

test('descriptors exist once, whatever file is asked first', () => {
  const api = new ApiRegistry(blob);
  const cluster = api.message('envoy.config.cluster.v3.Cluster');
  const address = api.message('envoy.config.core.v3.Address');
  const hosts = api.message('envoy.config.endpoint.v3.Endpoint').fields.find((each) => each.name === 'address');
  assert.equal(hosts?.message, address);
  assert.equal(api.message('envoy.config.cluster.v3.Cluster'), cluster);
});

test('every type of the blob links', () => {
  const api = new ApiRegistry(blob);
  for (const name of api.messageNames) assert.ok(api.getMessage(name) !== undefined, name);
});

test('nested types, enums and services are found; what does not exist is not', () => {
  const api = new ApiRegistry(blob);
  assert.equal(api.getMessage('envoy.config.bootstrap.v3.Bootstrap.StaticResources')?.name, 'StaticResources');
  assert.equal(api.getEnum('envoy.config.cluster.v3.Cluster.LbPolicy')?.name, 'LbPolicy');
  assert.equal(api.getService('envoy.service.discovery.v3.AggregatedDiscoveryService')?.methods.length, 2);
  assert.equal(api.getMessage('envoy.config.bootstrap.v3.Bootstrap.Nope'), undefined);
  assert.equal(api.getMessage('nope'), undefined);
  assert.throws(() => api.message('nope'), /the API has no message nope/);
});

test('messages of the registry encode and decode', () => {
  const api = new ApiRegistry(blob);
  const type = api.message('envoy.config.core.v3.Node');
  const bytes = toBinary(type, create(type, { id: 'a' }));
  assert.deepEqual(fromBinary(type, bytes), create(type, { id: 'a' }));
});

test('JSON names follow protoc', () => {
  assert.equal(camelCase('max_request_bytes'), 'maxRequestBytes');
  assert.equal(camelCase('a_1b'), 'a1b');
  assert.equal(camelCase('plain'), 'plain');
});

test('three answers about a type: found, not in the standard build, unknown', () => {
  const api = new ApiRegistry(blob);
  assert.equal(typeAnswer('envoy.extensions.filters.http.router.v3.Router', api).descriptor?.name, 'Router');
  const rows: readonly (readonly [string, string])[] = [
    ['envoy.extensions.filters.http.golang.v3alpha.Config', 'it is an extension of contrib, but not in the standard Envoy build'],
    ['envoy.extensions.filters.http.gzip.v3.Gzip', 'it is in the API, but not in the standard Envoy build'],
    ['envoy.extensions.filters.http.router.v3.Ruoter', 'did you mean type.googleapis.com/envoy.extensions.filters.http.router.v3.Router?'],
    [
      'envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager',
      'v2 types are gone; its v3 type is type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    ],
    ['com.example.Nothing', ''],
  ];
  for (const [name, hint] of rows) {
    const answer = typeAnswer(name, api);
    assert.equal(answer.descriptor, undefined);
    assert.equal(answer.hint, hint);
  }
});
