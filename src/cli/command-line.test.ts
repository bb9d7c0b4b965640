import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cgroupCpuLimit, countCpuList, defaultConcurrency } from './cpu-count.ts';
import { OPTIONS } from './option-table.ts';
import { MalformedArgvError, resolveOptions } from './options.ts';
import type { ResolvedOptions } from './options.ts';
import { ArgumentError, failureText, helpText, parseArguments, wrap } from './tclap.ts';

function resolve(...args: string[]): ResolvedOptions {
  return resolveOptions(parseArguments(args, OPTIONS));
}

function refusal(...args: string[]): string {
  try {
    resolve(...args);
  } catch (error) {
    if (error instanceof ArgumentError || error instanceof MalformedArgvError) return error.message;
    throw error;
  }
  return '';
}

describe('arguments', () => {
  it('takes values behind a space or an equals sign, and the short names', () => {
    const { options } = resolve('-c', 'a.yaml', '--mode=validate', '-l', 'warn', '--concurrency', '3', '--config-yaml=a: "b=c"');
    assert.equal(options.configPath, 'a.yaml');
    assert.equal(options.mode, 'validate');
    assert.equal(options.logLevel, 3);
    assert.equal(options.concurrency, 3);
    assert.equal(options.configYaml, 'a: "b=c"');
  });

  it('refuses what Envoy refuses, in its words', () => {
    const cases: readonly (readonly [string[], string])[] = [
      [['--foo'], "--foo -- Couldn't find match for argument"],
      [['extra'], "extra -- Couldn't find match for argument"],
      [['-cqs.yaml'], "-cqs.yaml -- Couldn't find match for argument"],
      [['--base-id'], '(--base-id) -- Missing a value for this argument!'],
      [['-c'], '-c (--config-path) -- Missing a value for this argument!'],
      [['--mode', 'serve', '--mode', 'serve'], '(--mode) -- Argument already set!'],
      [['--concurrency', 'x'], "(--concurrency) -- Couldn't read argument value from string 'x'"],
      [['--concurrency', '99999999999'], "(--concurrency) -- Couldn't read argument value from string '99999999999'"],
      [['--concurrency', '1x'], "(--concurrency) -- Couldn't read argument value from string '1x'"],
      [['--mode', 'foo'], "error: unknown mode 'foo'"],
      [['-l', 'bogus'], "error: invalid log level specified 'bogus'"],
      [['--local-address-ip-version', 'v5'], "error: unknown IP address version 'v5'"],
      [['--component-log-level', 'foo'], "error: component log level not correctly specified 'foo'"],
      [['--component-log-level', 'foo:debug'], "error: invalid component specified 'foo'"],
      [['--component-log-level', 'main:bogus'], "error: invalid log level specified 'bogus'"],
      [
        ['--component-log-level', 'main:debug', '--enable-fine-grain-logging'],
        'error: --component-log-level will not work with --enable-fine-grain-logging',
      ],
      [['--stats-tag', 'a'], "error: misformatted stats-tag 'a'"],
      [['--stats-tag', 'a:b.c'], "error: misformatted stats-tag 'a:b.c' contains invalid char in 'b.c'"],
      [['--stats-tag', 'a-:b'], "error: misformatted stats-tag 'a-:b' contains invalid char in 'a-'"],
      [['--socket-path', '/x', '--socket-mode', '9'], "error: invalid socket-mode '9'"],
      [['--restart-epoch', '1', '--use-dynamic-base-id'], 'error: cannot use --restart-epoch=1 with --use-dynamic-base-id'],
      [['--drain-strategy', 'foo'], "error: unknown drain-strategy 'foo'"],
    ];
    for (const [args, message] of cases) assert.equal(refusal(...args), message, args.join(' '));
  });

  it('stops reading at two dashes', () => {
    assert.equal(resolve('--mode', 'validate', '--', '--foo').options.mode, 'validate');
  });

  it('has Envoy defaults', () => {
    const { options, warnings } = resolve();
    assert.equal(options.drainTimeS, 600);
    assert.equal(options.parentShutdownTimeS, 900);
    assert.equal(options.fileFlushIntervalMsec, 10_000);
    assert.equal(options.logFormat, '[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v');
    assert.equal(options.shutdownGraceS, 10);
    assert.deepEqual(warnings, []);
  });

  it('keeps at least one worker', () => {
    assert.equal(resolve('--concurrency', '0').options.concurrency, 1);
    assert.ok(defaultConcurrency() >= 1);
  });

  it('counts the CPUs of a mask for --cpuset-threads', () => {
    assert.deepEqual(['0', '0-3', '0-3,8', '1,3,5-6'].map(countCpuList), [1, 4, 5, 4]);
    assert.ok(resolve('--cpuset-threads').options.concurrency >= defaultConcurrency());
  });

  it('chooses a base id when asked to', () => {
    assert.equal(resolve('--base-id', '7').options.baseId, 7);
    assert.ok(resolve('--use-dynamic-base-id').options.baseId < 0x1000_0000);
  });

  it('says how it differs when an option means something else here', () => {
    const { warnings } = resolve('--restart-epoch', '1', '--enable-mutex-tracing', '--allow-unknown-fields');
    assert.equal(warnings.length, 3);
    assert.match(warnings[0], /deprecated, use --allow-unknown-static-fields/);
    assert.match(warnings.join('\n'), /--restart-epoch: nuncio has no hot restart/);
  });

  it('collects repeated stats tags', () => {
    assert.deepEqual(resolve('--stats-tag', 'a:b', '--stats-tag', 'c:d:e').options.statsTags, [
      ['a', 'b'],
      ['c', 'd:e'],
    ]);
  });
});

describe('usage', () => {
  it('breaks lines as TCLAP does', () => {
    assert.equal(wrap('short', 3, 0), '   short\n');
    const lines = wrap(`${'word '.repeat(20)}end`, 5, 2).split('\n');
    assert.ok(lines.every((line) => line.length <= 75));
    assert.match(lines[0], /^ {5}word/);
    assert.match(lines[1], /^ {7}word/);
  });

  it('names every option in help and failure', () => {
    const help = helpText('nuncio', OPTIONS, 'nuncio');
    const failure = failureText('nuncio', OPTIONS, new ArgumentError('--x', 'why'));
    for (const option of OPTIONS) {
      assert.ok(help.includes(`--${option.name}`), option.name);
      assert.ok(failure.replaceAll(/\s+/g, ' ').includes(option.short === '' ? `[--${option.name}` : `[-${option.short}`), option.name);
    }
    assert.match(failure, /^PARSE ERROR: Argument: --x\n {13}why\n\nBrief USAGE: \n {3}nuncio {2}\[/);
  });
});

describe('control group limits', () => {
  const files = (content: Record<string, string>) => (path: string) => content[path] ?? null;

  it('reads version 2, rounded down, at least one', () => {
    const at = (max: string): number | null => cgroupCpuLimit(files({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': `${max}\n` }));
    assert.equal(at('250000 100000'), 2);
    assert.equal(at('50000 100000'), 1);
    assert.equal(at('max 100000'), null);
  });

  it('prefers a version 1 hierarchy with the cpu controller', () => {
    const limit = cgroupCpuLimit(
      files({
        '/proc/self/cgroup': '0::/\n4:cpu,cpuacct:/box\n',
        '/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us': '300000\n',
        '/sys/fs/cgroup/cpu/box/cpu.cfs_period_us': '100000\n',
      }),
    );
    assert.equal(limit, 3);
  });

  it('finds none outside of control groups', () => {
    assert.equal(cgroupCpuLimit(files({})), null);
  });
});
