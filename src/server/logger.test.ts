import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { LogLevel } from '../contract/logger.ts';
import { LOG_COMPONENTS } from './log-components.ts';
import { compileLogFormat, escapeLogLine, setLogVersion } from './log-format.ts';
import { ProcessLoggers, parseLogLevel } from './logger.ts';

const TIME = new Date(2026, 10, 21, 15, 4, 5, 67).getTime() + 0.891;

function line(pattern: string, message = 'hi', level: LogLevel = 2): string {
  return compileLogFormat(pattern).format({
    level, component: 'main', message, time: TIME, previousTime: TIME - 1_500, thread: 42, file: 'src/a/b.ts', line: 7,
  });
}

describe('log format', () => {
  it('prints the default pattern as Envoy', () => {
    assert.equal(line('[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v'), '[2026-11-21 15:04:05.067][42][info][main] [src/a/b.ts:7] hi\n');
  });

  it('knows the flags of spdlog', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['%a %A %b %B %d %D', 'Sat Saturday Nov November 21 11/21/26'],
      ['%H %I %M %S %p %r %R', '15 03 04 05 PM 03:04:05 PM 15:04'],
      ['%e %f', '067 067891'],
      ['%L %P', `I ${process.pid}`],
      ['%s %@', 'b.ts src/a/b.ts:7'],
      ['%o ms %O s', '1500 ms 1 s'],
      ['%% %q', '% %q'],
      ['%8l|%-8l|%=8l|%3!l', '    info|info    |  info  |inf'],
      ['%_', 'hi'],
      ['%j', 'hi'],
    ];
    for (const [pattern, expected] of cases) assert.equal(line(pattern), `${expected}\n`, pattern);
  });

  it('escapes newlines and JSON where asked', () => {
    assert.equal(line('%_', 'a\nb'), 'a\\nb\n');
    assert.equal(line('"%j"', 'a "b"\n'), '"a \\"b\\"\\n"\n');
    assert.equal(escapeLogLine('a\t"é"\n'), 'a\\t\\"\\303\\251\\"\n');
  });

  it('shows the version', () => {
    setLogVersion('x/1.40.0');
    assert.equal(line('%N'), 'x/1.40.0\n');
    setLogVersion('');
  });
});

describe('loggers', () => {
  function withLog(run: (loggers: ProcessLoggers, path: string) => void): void {
    const folder = mkdtempSync(join(tmpdir(), 'nuncio-log-'));
    const path = join(folder, 'log');
    const loggers = ProcessLoggers.create({ level: 2, format: '[%l][%n] [%g:%#] %v', path });
    try {
      run(loggers, path);
    } finally {
      loggers.dispose();
      rmSync(folder, { recursive: true });
    }
  }

  it('writes what the level lets through, with the place of the call', () => {
    withLog((loggers, path) => {
      loggers.get('main').log(1, 'no');
      loggers.get('main').log(3, 'yes');
      assert.match(readFileSync(path, 'utf8'), /^\[warning\]\[main\] \[src\/server\/logger\.test\.ts:[0-9]+\] yes\n$/);
    });
  });

  it('changes levels of all threads through the shared table', () => {
    withLog((loggers, path) => {
      const other = new ProcessLoggers(loggers.setup);
      const http = other.get('http');
      assert.equal(http.enabled(1), false);
      assert.equal(loggers.setLevel('http', 1), true);
      assert.equal(http.enabled(1), true);
      http.log(1, 'now');
      other.dispose();
      assert.match(readFileSync(path, 'utf8'), /now/);
      assert.equal(loggers.setLevel('nobody', 1), false);
      loggers.setAllLevels(6);
      assert.equal(http.enabled(5), false);
    });
  });

  it('opens the file anew when told, after a rotation', () => {
    withLog((loggers, path) => {
      loggers.get('main').log(2, 'one');
      renameSync(path, `${path}.1`);
      loggers.get('main').log(2, 'two');
      assert.equal(existsSync(path), false);
      loggers.reopen();
      loggers.get('main').log(2, 'three');
      assert.match(readFileSync(`${path}.1`, 'utf8'), /one[^]*two/);
      assert.match(readFileSync(path, 'utf8'), /three/);
    });
  });

  it('knows the names of levels and components', () => {
    assert.equal(parseLogLevel('warn'), 3);
    assert.equal(parseLogLevel('warning'), 3);
    assert.equal(parseLogLevel('nothing'), undefined);
    assert.equal(LOG_COMPONENTS.length, 73);
  });
});
