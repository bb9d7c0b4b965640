import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrpcJsonTranscoder } from '#api/envoy/extensions/filters/http/grpc_json_transcoder/v3/transcoder_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { concat, ld, LIBRARY_BYTES, LIBRARY_FILE } from '../../../../../test/library/library.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import { DISABLED, GRPC_JSON_TRANSCODER, transcoderSettings } from './config.ts';

const build = (yaml: string): ReturnType<typeof transcoderSettings> => transcoderSettings(fromYaml<GrpcJsonTranscoder>(GRPC_JSON_TRANSCODER, yaml));

/** The text of the refusal, with its path. */
function refusal(yaml: string): string {
  try {
    build(yaml);
  } catch (error) {
    if (error instanceof ConfigError) return error.path === '' ? error.message : `${error.path}: ${error.message}`;
    return error instanceof Error ? error.message : String(error);
  }
  return 'taken';
}

test('without services: disabled, whatever the descriptors are', () => {
  assert.equal(build('proto_descriptor: /nowhere'), DISABLED);
});

test('by file and inline, with every option', () => {
  const file = build(`proto_descriptor: ${LIBRARY_FILE}\nservices: [nuncio.library.Library]\nmax_request_body_size: 5\nconvert_grpc_status: true`);
  assert.ok(!('disabled' in file));
  assert.deepEqual([file.maxRequestBodySize, file.maxResponseBodySize, file.convertGrpcStatus], [5, -1, true]);
  assert.equal(file.pathMatcher.lookup('GET', '/shelves/5', '')?.method.method.name, 'GetShelf');
  assert.equal(file.pathMatcher.lookup('POST', '/nuncio.library.Library/Plain', ''), null);
  const inline = build(`proto_descriptor_bin: ${LIBRARY_BYTES.toString('base64')}\nservices: [nuncio.library.Library]\nauto_mapping: true`);
  assert.ok(!('disabled' in inline));
  assert.equal(inline.pathMatcher.lookup('POST', '/nuncio.library.Library/Plain', '')?.bodyFieldPath, '*');
});

test('refusals', () => {
  const services = 'services: [nuncio.library.Library]';
  assert.equal(refusal(services), 'field: "descriptor_set", reason: is required');
  assert.equal(refusal(`proto_descriptor: /nowhere\n${services}`), 'proto_descriptor: Invalid path: /nowhere');
  assert.equal(refusal(`proto_descriptor: ${import.meta.filename}\n${services}`), 'proto_descriptor: transcoding_filter: Unable to parse proto descriptor');
  const lone = ld(1, concat(ld(1, 'a.proto'), ld(3, 'b.proto'), ld(12, 'proto3'))).toString('base64');
  assert.equal(refusal(`proto_descriptor_bin: ${lone}\n${services}`), 'proto_descriptor_bin: transcoding_filter: Unable to build proto descriptor pool');
  assert.equal(refusal(`proto_descriptor: ${LIBRARY_FILE}\nservices: [nuncio.library.Library, no.Such]`), "services[1]: transcoding_filter: Could not find 'no.Such' in the proto descriptor");
  assert.equal(refusal(`proto_descriptor: ${LIBRARY_FILE}\n${services}\nmax_request_body_size: 0`), 'max_request_body_size: value must be greater than 0');
  assert.equal(refusal(`proto_descriptor: ${LIBRARY_FILE}\n${services}\nurl_unescape_spec: 9`), 'url_unescape_spec: value must be one of the defined enum values');
});

/** The library with one text in it replaced by one of the same length. */
function changed(from: string, to: string): string {
  const bytes = LIBRARY_BYTES.toString('latin1');
  assert.ok(bytes.includes(from) && from.length === to.length);
  return `proto_descriptor_bin: ${Buffer.from(bytes.replace(from, to), 'latin1').toString('base64')}\nservices: [nuncio.library.Library]`;
}

test('rules that do not fit', () => {
  assert.equal(refusal(changed('/shelves/{shelf}:close', '/shelves/{shelf:close{')), "services[0]: transcoding_filter: Cannot register 'nuncio.library.Library.CloseShelf' to path matcher");
  assert.equal(
    refusal(changed('"\x06/child:\x05child', '"\x06/child:\x05nope!')),
    `services[0]: transcoding_filter: Cannot register 'nuncio.library.Library.EchoChild': Could not find field "nope!" in the type "nuncio.library.EverythingHolder".`,
  );
});
