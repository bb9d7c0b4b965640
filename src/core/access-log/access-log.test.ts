import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessLogFilter as AccessLogFilterMessage } from '#api/envoy/config/accesslog/v3/accesslog_pb.js';
import { fakeContext, FakeDispatcher, FakeScope } from '../../common/testing/fake-context.ts';
import { fromYaml } from '../../common/testing/messages.ts';
import { testRequest, testStreamInfo } from '../../common/testing/stream.ts';
import type { LogContext } from '../../contract/access-log.ts';
import { ConfigError } from '../../contract/errors.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { FLAG_NO_ROUTE_FOUND } from '../../contract/response-flags.ts';
import { AccessLogFileManager } from './access-log-files.ts';
import type { AccessLogFilesOptions } from './access-log-files.ts';
import { buildAccessLogFilter } from './access-log-filters.ts';
import type { FileSystem } from './file-system.ts';

function contextOf(): LogContext {
  const streamInfo = testStreamInfo();
  streamInfo.responseCode = 503;
  streamInfo.setResponseFlag(FLAG_NO_ROUTE_FOUND);
  streamInfo.requestComplete = 1_020;
  streamInfo.requestId = '0000000a-0000-4000-8000-000000000000';
  streamInfo.dynamicMetadata = new Map([['f', { k: 'v' }]]);
  return {
    requestHeaders: testRequest('/', ['x', '1']), responseHeaders: HeaderMap.of([':status', '503']), responseTrailers: HeaderMap.of(['grpc-status', '14']),
    streamInfo, localReplyBody: '', type: 'DownstreamEnd', now: 1_030,
  };
}

const FILTERS: readonly (readonly [string, boolean])[] = [
  ['status_code_filter: {comparison: {op: GE, value: {default_value: 500, runtime_key: k}}}', true],
  ['status_code_filter: {comparison: {op: EQ, value: {default_value: 200, runtime_key: k}}}', false],
  ['status_code_filter: {comparison: {op: NE, value: {default_value: 503, runtime_key: k}}}', false],
  ['duration_filter: {comparison: {op: LE, value: {default_value: 20, runtime_key: k}}}', true],
  ['duration_filter: {comparison: {op: GE, value: {default_value: 21, runtime_key: k}}}', false],
  ['not_health_check_filter: {}', true],
  ['traceable_filter: {}', false],
  ['runtime_filter: {runtime_key: s, percent_sampled: {numerator: 11}}', true],
  ['runtime_filter: {runtime_key: s, percent_sampled: {numerator: 10}}', false],
  ['and_filter: {filters: [{not_health_check_filter: {}}, {traceable_filter: {}}]}', false],
  ['or_filter: {filters: [{not_health_check_filter: {}}, {traceable_filter: {}}]}', true],
  ['header_filter: {header: {name: x, string_match: {exact: "1"}}}', true],
  ['header_filter: {header: {name: other, present_match: true}}', false],
  ['response_flag_filter: {}', true],
  ['response_flag_filter: {flags: [NR]}', true],
  ['response_flag_filter: {flags: [UH, UF]}', false],
  ['grpc_status_filter: {statuses: [UNAVAILABLE]}', true],
  ['grpc_status_filter: {statuses: [UNAVAILABLE], exclude: true}', false],
  ['log_type_filter: {types: [DownstreamEnd]}', true],
  ['log_type_filter: {types: [DownstreamStart]}', false],
  ['metadata_filter: {matcher: {filter: f, path: [{key: k}], value: {string_match: {exact: v}}}}', true],
  ['metadata_filter: {matcher: {filter: f, path: [{key: k}], value: {string_match: {exact: w}}}}', false],
  ['metadata_filter: {matcher: {filter: f, path: [{key: none}], value: {string_match: {exact: v}}}}', true],
  ['metadata_filter: {matcher: {filter: f, path: [{key: none}], value: {string_match: {exact: v}}}, match_if_key_not_found: false}', false],
];

test('access log filters', () => {
  for (const [yaml, expected] of FILTERS) {
    const filter = buildAccessLogFilter(fromYaml<AccessLogFilterMessage>('envoy.config.accesslog.v3.AccessLogFilter', yaml), fakeContext());
    assert.equal(filter.evaluate(contextOf()), expected, yaml);
  }
});

test('a comparison follows the runtime', () => {
  const context = fakeContext();
  const yaml = 'status_code_filter: {comparison: {op: GE, value: {default_value: 500, runtime_key: min}}}';
  const filter = buildAccessLogFilter(fromYaml<AccessLogFilterMessage>('envoy.config.accesslog.v3.AccessLogFilter', yaml), context);
  context.runtime.values.set('min', 504);
  assert.equal(filter.evaluate(contextOf()), false);
});

/** Files in memory; writes complete when the test says so. */
class MemoryFiles implements FileSystem {
  readonly content = new Map<number, string>();
  readonly opened: string[] = [];
  readonly closed: number[] = [];
  failOpen = false;
  private waiting: (() => void)[] = [];
  private nextFd = 10;

  open(path: string): number {
    if (this.failOpen) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
    this.opened.push(path);
    this.content.set(this.nextFd, '');
    return this.nextFd++;
  }

  write(fd: number, bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    this.waiting.push(() => done(null, this.writeSync(fd, bytes)));
  }

  writeSync(fd: number, bytes: Buffer): number {
    this.content.set(fd, (this.content.get(fd) ?? '') + bytes.toString('latin1'));
    return bytes.length;
  }

  close(fd: number): void {
    this.closed.push(fd);
  }

  /** Completes the writes that have begun. */
  complete(): void {
    for (const run of this.waiting.splice(0)) run();
  }

  get inFlight(): number {
    return this.waiting.length;
  }
}

function setUp(options: AccessLogFilesOptions = {}) {
  const dispatcher = new FakeDispatcher();
  const scope = new FakeScope();
  const fileSystem = new MemoryFiles();
  const files = new AccessLogFileManager(dispatcher, scope, { fileSystem, ...options });
  return { dispatcher, scope, fileSystem, files };
}

test('records leave when enough are there, or by the timer; one file a path', () => {
  const { dispatcher, scope, fileSystem, files } = setUp({ minFlushBytes: 10 });
  const file = files.open('/a');
  assert.equal(files.open('/a'), file);
  file.write('12345\n');
  assert.equal(fileSystem.inFlight, 0);
  assert.equal(scope.value('filesystem.write_total_buffered'), 6);
  file.write('1234\n');
  assert.equal(fileSystem.inFlight, 1);
  fileSystem.complete();
  assert.equal(fileSystem.content.get(10), '12345\n1234\n');
  file.write('\xc3\xa9\n');
  dispatcher.advance(9_999);
  assert.equal(fileSystem.inFlight, 0);
  dispatcher.advance(1);
  fileSystem.complete();
  assert.equal(fileSystem.content.get(10), '12345\n1234\n\xc3\xa9\n');
  assert.equal(scope.value('filesystem.flushed_by_timer'), 1);
  assert.equal(scope.value('filesystem.write_completed'), 2);
  assert.equal(scope.value('filesystem.write_total_buffered'), 0);
  assert.equal(dispatcher.armedTimers, 0);
});

test('standard output and error wait a second at most', () => {
  for (const [path, flushIntervalMs, waits] of [['/dev/stdout', 10_000, 1_000], ['/dev/stderr', 10_000, 1_000], ['/dev/stdout', 200, 200], ['/a', 10_000, 10_000]] as const) {
    const { dispatcher, fileSystem, files } = setUp({ flushIntervalMs });
    files.open(path).write('x\n');
    dispatcher.advance(waits - 1);
    assert.equal(fileSystem.inFlight, 0, path);
    dispatcher.advance(1);
    assert.equal(fileSystem.inFlight, 1, path);
  }
});

test('a slow disk: one batch under way, the rest is bounded and counted', () => {
  const { scope, fileSystem, files } = setUp({ minFlushBytes: 4, maxBufferedBytes: 10 });
  const file = files.open('/a');
  file.write('aaaa');
  file.write('bbbb');
  file.write('cc');
  file.write('dropped');
  assert.equal(fileSystem.inFlight, 1);
  assert.equal(scope.value('filesystem.write_dropped'), 1);
  fileSystem.complete();
  fileSystem.complete();
  assert.equal(fileSystem.content.get(10), 'aaaabbbbcc');
});

test('reopening waits for the write that is under way; a failure keeps the old file', () => {
  const { scope, fileSystem, files } = setUp({ minFlushBytes: 1 });
  const file = files.open('/a');
  file.write('old\n');
  files.reopen();
  assert.equal(fileSystem.opened.length, 1);
  fileSystem.complete();
  assert.deepEqual([fileSystem.opened.length, fileSystem.closed], [2, [10]]);
  file.write('new\n');
  fileSystem.complete();
  assert.equal(fileSystem.content.get(11), 'new\n');
  fileSystem.failOpen = true;
  files.reopen();
  assert.equal(scope.value('filesystem.reopen_failed'), 1);
  file.write('still\n');
  fileSystem.complete();
  assert.equal(fileSystem.content.get(11), 'new\nstill\n');
});

test('closing writes what is left; nothing is written afterwards', async () => {
  const { dispatcher, fileSystem, files } = setUp();
  const file = files.open('/a');
  file.write('x\n');
  const drained = files.drain();
  file.write('y\n');
  fileSystem.complete();
  fileSystem.complete();
  await drained;
  file.write('z\n');
  files.dispose();
  file.write('lost\n');
  assert.equal(fileSystem.content.get(10), 'x\ny\nz\n');
  assert.deepEqual(fileSystem.closed, [10]);
  assert.equal(dispatcher.armedTimers, 0);
});

test('a file that cannot be opened: Envoy\'s text', () => {
  const { fileSystem, files } = setUp();
  fileSystem.failOpen = true;
  assert.throws(() => files.open('/no/such'), (error) => error instanceof ConfigError && error.why === "unable to open file '/no/such': No such file or directory");
  const validating = new AccessLogFileManager(new FakeDispatcher(), new FakeScope(), { disabled: true });
  assert.throws(() => validating.open('/no/such/folder/x'), /unable to open file '\/no\/such\/folder\/x': No such file or directory/);
  validating.open('/dev/stdout').write('nowhere');
});
