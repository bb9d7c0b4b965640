import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StdoutAccessLog } from '#api/envoy/extensions/access_loggers/stream/v3/stream_pb.js';
import type { FileAccessLog } from '#api/envoy/extensions/access_loggers/file/v3/file_pb.js';
import { fakeContext } from '../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../common/testing/messages.ts';
import { testRequest, testStreamInfo } from '../../../common/testing/stream.ts';
import type { LogContext } from '../../../contract/access-log.ts';
import { ConfigError } from '../../../contract/errors.ts';
import { FILE_ACCESS_LOG } from './config.ts';
import { fileAccessLog } from './index.ts';

function log(yaml: string): string[] {
  const context = fakeContext();
  const record: LogContext = {
    requestHeaders: testRequest('/'), responseHeaders: null, responseTrailers: null, streamInfo: testStreamInfo(), localReplyBody: '',
    type: 'DownstreamEnd', now: 1_000,
  };
  fileAccessLog.create(fromYaml<FileAccessLog>(FILE_ACCESS_LOG, yaml), null, context).log(record);
  return context.files.get('/log')?.records ?? [];
}

test('formats', () => {
  assert.match(log('path: /log')[0], /^\[2026-01-02T03:04:05\.678Z\] "GET \/ HTTP\/1\.1" 0 - 0 0 0 - "-" "-" "-" "example\.com" "-"\n$/);
  assert.deepEqual(log('{path: /log, format: "%PROTOCOL%\\n"}'), ['HTTP/1.1\n']);
  assert.deepEqual(log('{path: /log, log_format: {text_format_source: {inline_string: "%REQ(:method)%"}}}'), ['GET']);
  assert.deepEqual(log('{path: /log, json_format: {p: "%PROTOCOL%"}}'), ['{"p":"HTTP/1.1"}\n']);
  assert.deepEqual(log('{path: /log, typed_json_format: {c: "%RESPONSE_CODE%"}}'), ['{"c":0}\n']);
});

test('the filter decides', () => {
  const context = fakeContext();
  const access = fileAccessLog.create(fromYaml<FileAccessLog>(FILE_ACCESS_LOG, 'path: /log'), { evaluate: () => false }, context);
  access.log({ requestHeaders: null, responseHeaders: null, responseTrailers: null, streamInfo: testStreamInfo(), localReplyBody: '', type: 'NotSet', now: 0 });
  assert.deepEqual(context.files.get('/log')?.records, []);
});

test('bad configuration: why and where', () => {
  assert.throws(() => log('{}'), /path/);
  assert.throws(() => log('{path: /log, log_format: {json_format: {a: "%NO%"}}}'), (error) => error instanceof ConfigError &&
    error.why === 'Not supported field in StreamInfo: NO' && error.path === 'log_format.json_format.a');
  assert.throws(() => log('{path: /log, log_format: {text_format: "%PROTOCOL%", formatters: [{name: x, typed_config: {"@type": type.googleapis.com/envoy.extensions.formatter.metadata.v3.Metadata}}]}}'),
    /known to Envoy, not in nuncio yet: formatter extension 'x'/);
});

test('the message of another logger is a mistake of ours', () => {
  const other = fromYaml<StdoutAccessLog>('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', '{}');
  assert.throws(() => fileAccessLog.create(other, null, fakeContext()), /expected a envoy\.extensions\.access_loggers\.file/);
});
