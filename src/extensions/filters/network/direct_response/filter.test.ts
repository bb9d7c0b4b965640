import assert from 'node:assert/strict';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadResource } from '../../../../config/index.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import type { Connection, ReadFilterCallbacks } from '../../../../contract/network.ts';
import { DIRECT_RESPONSE, readDirectResponse } from './config.ts';
import { DirectResponseFilter } from './filter.ts';

function read(yaml: string): Buffer {
  const loaded = loadResource({ typeName: DIRECT_RESPONSE, text: yaml, file: 'config.yaml' });
  assert.ok(loaded.ok);
  return readDirectResponse(loaded.message);
}

function run(response: Buffer): string[] {
  const log: string[] = [];
  const streamInfo: Partial<Connection['streamInfo']> = { responseCodeDetails: '' };
  const connection: Partial<Connection> = {
    streamInfo: streamInfo as Connection['streamInfo'],
    enableHalfClose: () => {},
    write: (data, endStream) => log.push(`write '${data.toString()}' ${endStream}`),
    close: (type) => log.push(`close ${type}`),
  };
  const filter = new DirectResponseFilter(response);
  const callbacks: Partial<ReadFilterCallbacks> = { connection: connection as Connection };
  filter.initializeReadFilterCallbacks(callbacks as ReadFilterCallbacks);
  assert.equal(filter.onNewConnection(), 1);
  log.push(streamInfo.responseCodeDetails ?? '');
  return log;
}

test('says its text with the end of its side, then closes after the flush', () => {
  assert.deepEqual(run(Buffer.from('hello')), ["write 'hello' true", 'close 0', 'direct_response']);
});

test('without a text it only closes', () => {
  assert.deepEqual(run(read('{}')), ['close 0', 'direct_response']);
});

test('all sources', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nuncio-dr-'));
  const path = join(directory, 'file');
  writeFileSync(path, 'from file');
  process.env.NUNCIO_TEST_TEXT = 'from environment';
  try {
    assert.equal(read("{response: {inline_string: 'hällo'}}").toString(), 'hällo');
    assert.equal(read('{response: {inline_bytes: AAEC}}').toString('hex'), '000102');
    assert.equal(read(`{response: {filename: '${path}'}}`).toString(), 'from file');
    assert.equal(read('{response: {environment_variable: NUNCIO_TEST_TEXT}}').toString(), 'from environment');
  } finally {
    rmSync(directory, { recursive: true });
    delete process.env.NUNCIO_TEST_TEXT;
  }
});

for (const [yaml, path, why] of [
  ['{response: {filename: /does/not/exist}}', 'response.filename', 'Invalid path: /does/not/exist'],
  ['{response: {environment_variable: NUNCIO_NOT_SET}}', 'response.environment_variable', "Environment variable doesn't exist: NUNCIO_NOT_SET"],
] as const) {
  test(`refused: ${why}`, () => {
    assert.throws(() => read(yaml), (error: unknown) => error instanceof ConfigError && error.path === path && error.why === why);
  });
}
