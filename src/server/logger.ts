import { closeSync, openSync, writeSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import type { Logger, Loggers, LogLevel } from '../contract/logger.ts';
import { LOG_INFO } from '../contract/logger.ts';
import { LOG_COMPONENTS } from './log-components.ts';
import type { CompiledLogFormat } from './log-format.ts';
import { compileLogFormat, escapeLogLine, LEVEL_NAMES } from './log-format.ts';
import { sourceLocation } from './source-location.ts';

/** What a worker needs to log like the main thread: plain data that crosses to it once. */
export interface LogSetup {
  /** One 32-bit level for each component; main writes, all threads read, so `/logging` takes effect everywhere at once. */
  readonly levels: SharedArrayBuffer;
  readonly format: string;
  readonly escaped: boolean;
  /** Empty = standard error. */
  readonly path: string;
}

/** Level of a name as options and `/logging` spell it (`warn` too), or undefined. */
export function parseLogLevel(name: string): LogLevel | undefined {
  const index = LEVEL_NAMES.indexOf(name === 'warn' ? 'warning' : name);
  return index < 0 ? undefined : (index as LogLevel);
}

const STDERR = 2;
const MISC = LOG_COMPONENTS.indexOf('misc');
/** Frames between the stack trace and the caller of `log`: captureLocation, write, log. */
const FRAMES = 4;

/**
 * The log of this thread. Lines are written at once (the log must survive a crash), each with one system call, appended,
 * so that lines of several threads do not mix.
 */
export class ProcessLoggers implements Loggers {
  readonly levels: Int32Array;
  private readonly buffer: SharedArrayBuffer;
  private readonly loggers = new Map<string, ComponentLogger>();
  private readonly path: string;
  private readonly escaped: boolean;
  private formatText: string;
  private format: CompiledLogFormat;
  private fd: number;
  private previousTime = performance.timeOrigin + performance.now();

  /** Opens the log file; throws the system's error when it cannot be. */
  constructor(setup: LogSetup) {
    this.buffer = setup.levels;
    this.levels = new Int32Array(setup.levels);
    this.path = setup.path;
    this.escaped = setup.escaped;
    this.formatText = setup.format;
    this.format = compileLogFormat(setup.format);
    this.fd = setup.path === '' ? STDERR : openSync(setup.path, 'a', 0o644);
  }

  /** A log with all components at `level`. */
  static create(options: { level?: LogLevel; format: string; escaped?: boolean; path?: string }): ProcessLoggers {
    const levels = new SharedArrayBuffer(LOG_COMPONENTS.length * 4);
    new Int32Array(levels).fill(options.level ?? LOG_INFO);
    return new ProcessLoggers({ levels, format: options.format, escaped: options.escaped ?? false, path: options.path ?? '' });
  }

  get setup(): LogSetup {
    return { levels: this.buffer, format: this.formatText, escaped: this.escaped, path: this.path };
  }

  get(component: string): Logger {
    let logger = this.loggers.get(component);
    if (logger === undefined) {
      const index = LOG_COMPONENTS.indexOf(component);
      logger = new ComponentLogger(component, index < 0 ? MISC : index, this);
      this.loggers.set(component, logger);
    }
    return logger;
  }

  setAllLevels(level: LogLevel): void {
    this.levels.fill(level);
  }

  /** False when there is no such component. */
  setLevel(component: string, level: LogLevel): boolean {
    const index = LOG_COMPONENTS.indexOf(component);
    if (index < 0) return false;
    this.levels[index] = level;
    return true;
  }

  setFormat(pattern: string): void {
    this.formatText = pattern;
    this.format = compileLogFormat(pattern);
  }

  /** SIGUSR1: the file may have been moved away by log rotation. */
  reopen(): void {
    if (this.path === '') return;
    const fresh = openSync(this.path, 'a', 0o644);
    closeSync(this.fd);
    this.fd = fresh;
  }

  dispose(): void {
    if (this.fd === STDERR) return;
    closeSync(this.fd);
    this.fd = STDERR;
  }

  /** Called by loggers only; the depth of the call is known to `captureLocation`. */
  write(component: string, level: LogLevel, message: string): void {
    const where = this.format.needsLocation ? captureLocation() : NOWHERE;
    const time = performance.timeOrigin + performance.now();
    const record = {
      level,
      component,
      message,
      time,
      previousTime: this.previousTime,
      thread: process.pid + threadId,
      file: where.file,
      line: where.line,
    };
    this.previousTime = time;
    const line = this.format.format(record);
    try {
      writeSync(this.fd, this.escaped ? escapeLogLine(line) : line);
    } catch {
      // A full disk or closed pipe must not stop the proxy.
    }
  }
}

class ComponentLogger implements Logger {
  readonly name: string;
  private readonly index: number;
  private readonly sink: ProcessLoggers;

  constructor(name: string, index: number, sink: ProcessLoggers) {
    this.name = name;
    this.index = index;
    this.sink = sink;
  }

  enabled(level: LogLevel): boolean {
    return level >= this.sink.levels[this.index];
  }

  log(level: LogLevel, message: string): void {
    if (level >= this.sink.levels[this.index]) this.sink.write(this.name, level, message);
  }
}

const NOWHERE = { file: '', line: 0 };

function captureLocation(): { file: string; line: number } {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const stack = new Error('where').stack ?? '';
  Error.stackTraceLimit = limit;
  const frame = stack.slice(stack.lastIndexOf('\n') + 1);
  const found = /([^\s(]+?):([0-9]+):[0-9]+\)?$/.exec(frame);
  if (found === null) return NOWHERE;
  return sourceLocation(found[1], Number(found[2]));
}
