import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StderrAccessLog, StdoutAccessLog } from '#api/envoy/extensions/access_loggers/stream/v3/stream_pb.js';
import { fakeContext } from '../../../common/testing/fake-context.ts';
import { fromYaml } from '../../../common/testing/messages.ts';
import { testRequest, testStreamInfo } from '../../../common/testing/stream.ts';
import type { LogContext } from '../../../contract/access-log.ts';
import { ConfigError } from '../../../contract/errors.ts';
import { STDERR_ACCESS_LOG, STDOUT_ACCESS_LOG } from './config.ts';
import { stderrAccessLog, stdoutAccessLog } from './index.ts';

const RECORD: LogContext = {
  requestHeaders: testRequest('/'), responseHeaders: null, responseTrailers: null, streamInfo: testStreamInfo(), localReplyBody: '',
  type: 'DownstreamEnd', now: 1_000,
};

test('each goes to its own stream', () => {
  const context = fakeContext();
  const format = 'log_format: {text_format_source: {inline_string: "%REQ(:method)%\\n"}}';
  stdoutAccessLog.create(fromYaml<StdoutAccessLog>(STDOUT_ACCESS_LOG, format), null, context).log(RECORD);
  stderrAccessLog.create(fromYaml<StderrAccessLog>(STDERR_ACCESS_LOG, '{}'), null, context).log(RECORD);
  assert.deepEqual(context.files.get('/dev/stdout')?.records, ['GET\n']);
  assert.match(context.files.get('/dev/stderr')?.records[0] ?? '', /^\[2026-.*"example\.com" "-"\n$/);
});

test('bad configuration: why and where', () => {
  const yaml = 'log_format: {text_format_source: {inline_string: "%NO%"}}';
  assert.throws(() => stdoutAccessLog.create(fromYaml<StdoutAccessLog>(STDOUT_ACCESS_LOG, yaml), null, fakeContext()),
    (error) => error instanceof ConfigError && error.path === 'log_format.text_format_source' && error.why === 'Not supported field in StreamInfo: NO');
});
